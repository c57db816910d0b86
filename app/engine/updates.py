"""How an event is shown: with the names and the sentence that a person needs."""

import json
from dataclasses import dataclass
from uuid import UUID

from app.domain.events import TASK_STATUS_AFTER, Event, EventType
from app.domain.executions import Failure
from app.domain.states import TaskStatus

_FAILURES = frozenset(
    {
        EventType.TASK_RETRYING,
        EventType.TASK_FAILED,
        EventType.TASK_CANCELLED,
        EventType.EXECUTION_FAILING,
        EventType.EXECUTION_FAILED,
        EventType.EXECUTION_CANCELLED,
    }
)
_OUTPUTS = frozenset({EventType.TASK_COMPLETED, EventType.TASK_REUSED, EventType.EXECUTION_COMPLETED})

_PLAIN = {
    EventType.EXECUTION_STARTED: "Execution started",
    EventType.EXECUTION_COMPLETED: "Execution completed",
}

_OF_TASK = {
    EventType.TASK_COMPLETED: "completed",
    EventType.TASK_REUSED: "taken over, completed, from the execution that this one repeats",
}

_REASONED = {
    EventType.TASK_PROGRESSED: "{reason}",
    EventType.TASK_RETRYING: "Attempt {attempt} of task {task} failed and will be repeated: {reason}",
    EventType.TASK_FAILED: "Task {task} failed: {reason}",
    EventType.TASK_CANCELLED: "Task {task} cancelled: {reason}",
    EventType.TASK_SKIPPED: "Task {task} skipped: {reason}",
    EventType.CANCEL_REQUESTED: "Cancel requested: {reason}",
    EventType.EXECUTION_PAUSED: "Execution paused: {reason}",
    EventType.EXECUTION_RESUMED: "Execution resumed: {reason}",
    EventType.EXECUTION_FAILING: "Execution is failing: {reason}",
    EventType.EXECUTION_FAILED: "Execution failed: {reason}",
    EventType.EXECUTION_CANCELLED: "Execution cancelled: {reason}",
}


@dataclass(frozen=True, slots=True)
class Update:
    """One event as all APIs show it. `task_name` is None when the event is about the execution."""

    execution_id: UUID
    workflow_id: int
    event: Event
    task_name: str | None

    @property
    def task_status(self) -> TaskStatus | None:
        return TASK_STATUS_AFTER.get(self.event.type)

    @property
    def output(self) -> str | None:
        """JSON text of the task's or the execution's output."""
        return self.event.data if self.event.type in _OUTPUTS else None

    @property
    def failure(self) -> Failure | None:
        return failure_of(self.event)

    @property
    def message(self) -> str:
        event = self.event
        return _PLAIN.get(event.type) or _sentence(event, self.task_name or "")


def failure_of(event: Event) -> Failure | None:
    if event.type not in _FAILURES or event.data is None:
        return None
    data = json.loads(event.data)
    return Failure(data["code"], data["message"])


def _sentence(event: Event, task: str) -> str:
    if (words := _OF_TASK.get(event.type)) is not None:
        return f"Task {task!r} {words}"
    if event.type is EventType.EXECUTION_CREATED:
        return f"Execution accepted{_repeating(event)}"
    if event.type is EventType.TASK_STARTED:
        return f"Task {task!r} started" if event.attempt == 1 else f"Task {task!r} started, attempt {event.attempt}"
    if event.type is EventType.TASK_ITEM_COMPLETED:
        data = json.loads(event.data or "{}")
        return f"Element {data['index'] + 1} of {data['count']} of task {task!r} completed"
    if event.type is EventType.SIGNAL_RECEIVED:
        return f"Signal {json.loads(event.data or '{}').get('name')!r} received"
    reason = json.loads(event.data or "{}").get("message", "")
    return _REASONED[event.type].format(task=repr(task), attempt=event.attempt, reason=reason).removesuffix(": ")


def _repeating(event: Event) -> str:
    if event.data is None:
        return ""
    data = json.loads(event.data)
    start = "" if data["from_task"] is None else f" from task {data['from_task']!r} on"
    return f": it repeats execution {data['origin_id']}{start}"
