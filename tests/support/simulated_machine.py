"""The machine of a simulation with engines, and a workflow that moves what it governs."""

from typing import Any

from app.domain.definitions import ExecutionType, RetryPolicy, TaskDraft, WorkflowDraft
from app.domain.handlers import ENTITY_STATE
from app.machines.machine import Machine
from app.machines.parsing import parse_machine
from tests.support.histories import at

KEY, TABLE, THING = "m", "t", "1"
"""The machine of each tenant, and one of the things that it governs."""
MOVING = "transition"
TARGETS = ("work", "idle", "done", "new")
RIVALS = 5

DOCUMENT: dict[str, Any] = {
    "name": "m",
    "key": KEY,
    "states": [
        {"name": "new", "initial": True, "after": {"seconds": 1.5, "to": "work", "retry_seconds": 1}},
        {
            "name": "work",
            "on_enter": {"workflow": "w0", "on_completed": "finish", "on_failed": "back"},
            "after": {"seconds": 6, "to": "late", "retry_seconds": 1},
        },
        {"name": "late"},
        {"name": "idle"},
        {"name": "done", "final": True, "on_enter": {"workflow": "w0"}},
    ],
    "transitions": [
        {"from": "new", "to": "work", "name": "begin"},
        {"from": "work", "to": "done", "name": "finish"},
        {"from": "work", "to": "idle", "name": "back"},
        {"from": "work", "to": "late", "name": "overdue"},
        {"from": "idle", "to": "work", "name": "again"},
        {"from": "late", "to": "work", "name": "again"},
        {"from": "idle", "to": "done", "name": "stop"},
    ],
}
AFTER_NEW = ("work", "late", "idle", "done")
"""States that every entity reaches, and that it then does not leave for others."""


def machine_of(tenant_id: int) -> Machine:
    draft = parse_machine(DOCUMENT)
    fields = {name: getattr(draft, name) for name in draft.__dataclass_fields__}
    return Machine(**fields, id=100 + tenant_id, revision=1, created_at=at(0), updated_at=at(0))


def moving_workflow(number: int, to: str, on_conflict: str) -> WorkflowDraft:
    """One that moves an entity, and starts it if need be, and then waits until it has left its first state."""
    about = {"machine": KEY, "entity_table": TABLE, "entity_id": THING}
    move = {**about, "to": to, "start": True, "on_conflict": on_conflict}
    retry = RetryPolicy(3, initial_interval_seconds=0.5)
    tasks = [
        TaskDraft("wait", ExecutionType.ASYNC, sequence=0, type=ENTITY_STATE, config={**about, "states": [*AFTER_NEW]}),
        TaskDraft("move", ExecutionType.SYNC, sequence=1, type=MOVING, config=move, retry=retry),
    ]
    return WorkflowDraft(f"workflow {number}", key=f"w{number}", tasks=tasks)
