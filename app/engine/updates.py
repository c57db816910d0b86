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
        EventType.EXECUTION_FAILED,
        EventType.EXECUTION_CANCELLED,
    }
)
_OUTPUTS = frozenset({EventType.TASK_COMPLETED, EventType.EXECUTION_COMPLETED})

_PLAIN = {
    EventType.EXECUTION_CREATED: "Execution accepted",
    EventType.EXECUTION_STARTED: "Execution started",
    EventType.EXECUTION_COMPLETED: "Execution completed",
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
    data = json.loads(event.data) if event.data is not None and event.type not in _OUTPUTS else {}
    reason = data.get("message", "")
    again = f" again, attempt {event.attempt}" if event.attempt > 1 else ""
    match event.type:
        case EventType.TASK_STARTED:
            return f"Task {task!r} started{again}"
        case EventType.TASK_PROGRESSED:
            return str(reason)
        case EventType.TASK_COMPLETED:
            return f"Task {task!r} completed"
        case EventType.TASK_RETRYING:
            return f"Attempt {event.attempt} of task {task!r} failed and will be repeated: {reason}"
        case EventType.TASK_FAILED:
            return f"Task {task!r} failed: {reason}"
        case EventType.TASK_CANCELLED:
            return f"Task {task!r} cancelled: {reason}"
        case EventType.CANCEL_REQUESTED:
            return f"Cancel requested: {reason}" if reason else "Cancel requested"
        case EventType.EXECUTION_FAILED:
            return f"Execution failed: {reason}"
        case _:
            return f"Execution cancelled: {reason}"
