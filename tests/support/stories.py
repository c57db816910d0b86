"""Plans and histories in a few words: `story(plan, "created", "started", "a started", "a completed", "completed")`."""

from collections import Counter
from dataclasses import replace

from app.domain.definitions import ExecutionType, Task, Workflow
from app.domain.events import Event, EventType
from app.domain.states import ExecutionStatus
from app.engine.deciding.drafts import status_after
from app.engine.deciding.event_data import failure_data, message_data, progress_data
from app.engine.deciding.task_state import ENGINE_LOST
from app.engine.planning.plan import Plan, compile_plan
from tests.support.histories import NOON, at

FIRST_TASK_ID = 101

_DATA = {
    EventType.CANCEL_REQUESTED: message_data("no longer wanted").text,
    EventType.EXECUTION_FAILING: failure_data("execution_timeout", "it took too long").text,
    EventType.TASK_SKIPPED: message_data("not needed today").text,
    EventType.TASK_REUSED: '{"done":true}',
    EventType.TASK_PROGRESSED: progress_data(50, "half-way").text,
    EventType.TASK_COMPLETED: '{"done":true}',
    EventType.TASK_FAILED: failure_data("broken", "it broke").text,
    EventType.TASK_RETRYING: failure_data("broken", "it broke", at(1_000)).text,
    EventType.TASK_CANCELLED: failure_data("cancelled", "another task failed").text,
    EventType.EXECUTION_FAILED: failure_data("broken", "task 'a' failed: it broke").text,
    EventType.EXECUTION_CANCELLED: failure_data("cancelled", "no longer wanted").text,
}
_LOST = failure_data(ENGINE_LOST, "the engine that ran it stopped", NOON).text


def sync(name: str, sequence: int = 0, **options) -> Task:
    return Task(name, ExecutionType.SYNC, sequence=sequence, **_typed(options))


def parallel(name: str, sequence: int = 0, **options) -> Task:
    return Task(name, ExecutionType.ASYNC, sequence=sequence, **_typed(options))


def _typed(options: dict) -> dict:
    """A task with a config is `instant` unless it says otherwise: without a type, the config would have no effect."""
    return {"type": "instant", **options} if "config" in options else options


def workflow_of(*tasks: Task, revision: int = 1) -> Workflow:
    """Its tasks get the ids 101, 102, …"""
    stored = tuple(replace(task, id=FIRST_TASK_ID + index, workflow_id=1) for index, task in enumerate(tasks))
    return Workflow(1, "key", "workflow", None, revision, stored, NOON, NOON)


def plan_of(*tasks: Task) -> Plan:
    return compile_plan(workflow_of(*tasks))


def story(plan: Plan, *words: str) -> list[Event]:
    """The events in order: an event type without its prefix, after a task's name where it is about one.

    `a lost` is what an engine says of attempts that ended with the engine before it.
    """
    ids = {task.name: task.id for task in plan.tasks}
    attempts: Counter[str] = Counter()
    status, events = ExecutionStatus.PENDING, []
    for number, text in enumerate(words, start=1):
        name, _, word = text.rpartition(" ")
        kind = _event_type(name, word)
        status = status_after(status, kind)
        attempts[name] += kind is EventType.TASK_STARTED
        data = _LOST if word == "lost" else _DATA.get(kind)
        events.append(Event(number, kind, at(number), status, 0, ids.get(name), attempts[name] if name else 0, data))
    return events


def _event_type(name: str, word: str) -> EventType:
    if name:
        return EventType.TASK_RETRYING if word == "lost" else EventType(f"task_{word}")
    return EventType.CANCEL_REQUESTED if word == "cancel" else EventType(f"execution_{word}")
