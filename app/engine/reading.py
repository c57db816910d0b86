"""Reads what most requests about an execution need: the execution, its plan, its history."""

from collections.abc import Sequence
from uuid import UUID

from app.domain.errors import Invalid, NotFound
from app.domain.events import Event
from app.domain.executions import Execution
from app.engine.planning.plan import Plan
from app.engine.planning.plans import Plans
from app.engine.ports import ExecutionStore

HISTORY_PAGE = 1_000


async def read_execution(store: ExecutionStore, tenant_id: int, execution_id: UUID) -> Execution:
    """Raise `NotFound` for an id that the tenant has not."""
    execution = await store.get(tenant_id, execution_id)
    if execution is None:
        raise NotFound("execution", execution_id)
    return execution


async def read_plan(plans: Plans, execution: Execution) -> Plan:
    """The plan of the revision that the execution runs. Raise `NotFound` when that is not stored."""
    plan = await plans.get(execution.tenant_id, execution.workflow_id, execution.revision)
    if plan is None:
        raise NotFound("revision", f"{execution.workflow_id}/{execution.revision}")
    return plan


def index_named(task: str, plan: Plan, field: str) -> int:
    """The index of the task. Raise `Invalid` about `field` when the plan has no task of this name."""
    if (index := plan.index_named.get(task)) is None:
        raise Invalid.at(field, f"no task of the execution's revision {plan.revision} is named {task!r}")
    return index


async def read_whole_history(store: ExecutionStore, execution: Execution) -> Sequence[Event]:
    events: list[Event] = []
    while True:
        page = await store.read_history(execution.tenant_id, execution.id, len(events), HISTORY_PAGE)
        events.extend(page.events)
        if len(page.events) < HISTORY_PAGE:
            return events
