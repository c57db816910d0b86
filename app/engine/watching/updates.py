"""Describes an event for people: with the name of its task, and with a sentence."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson

from app.domain.events import TASK_STATUS_AFTER, Event, EventType
from app.domain.executions import Failure
from app.domain.states import TaskStatus
from app.domain.waiting import Awaited
from app.engine.deciding.event_data import FailureData
from app.engine.deciding.waits import WaitData

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
_REQUESTED = frozenset(
    {
        EventType.CANCEL_REQUESTED,
        EventType.EXECUTION_PAUSED,
        EventType.EXECUTION_RESUMED,
        EventType.SIGNAL_RECEIVED,
        EventType.TASK_SKIPPED,
    }
)
_OUTPUTS = frozenset({EventType.TASK_COMPLETED, EventType.TASK_REUSED, EventType.EXECUTION_COMPLETED})

_PLAIN = {
    EventType.EXECUTION_STARTED: "Execution started",
    EventType.EXECUTION_COMPLETED: "Execution completed",
}

_OF_TASK = {
    EventType.TASK_COMPLETED: "completed",
    EventType.TASK_REUSED: "completed: its result is reused from the execution that this one repeats",
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


@dataclass(slots=True)
class Update:
    """One event, in the form that all APIs show.

    execution_id: the execution that the event belongs to.
    workflow_id: its workflow.
    event: the event.
    task_name: the event's task; None when the event is about the whole execution.
    is_shared: whether several watchers receive this object.
    """

    execution_id: UUID
    workflow_id: int
    event: Event
    task_name: str | None
    is_shared: bool = field(default=False, compare=False)
    _made: dict[str, bytes] | None = field(default=None, init=False, compare=False, repr=False)

    def in_format(self, name: str, make: Callable[["Update"], bytes]) -> bytes:
        """The update as an API sends it.

        name: of the format. Whatever two calls with the same name make must be the same.
        make: makes the bytes. It is called once for each format of an update that several watchers share.
        """
        if not self.is_shared:
            return make(self)
        if self._made is None:
            self._made = {}
        if (made := self._made.get(name)) is None:
            made = self._made[name] = make(self)
        return made

    @property
    def task_status(self) -> TaskStatus | None:
        return TASK_STATUS_AFTER.get(self.event.type)

    @property
    def output(self) -> str | None:
        """The output of the task or the execution, as JSON text; None for events without one."""
        return self.event.data if self.event.type in _OUTPUTS else None

    @property
    def failure(self) -> Failure | None:
        return failure_of(self.event)

    @property
    def waits_for(self) -> Awaited | None:
        """What the task waits for from this event on; None for other events."""
        return awaited_after(self.event)

    @property
    def requested_by(self) -> str | None:
        """The principal that has requested it; None if no caller has, or if it is not known."""
        return requester_of(self.event)

    @property
    def message(self) -> str:
        if self.event.type is EventType.TASK_STARTED and (awaited := self.waits_for) is not None:
            return _of_wait(awaited, self.task_name, self.event.attempt, self.execution_id)
        return sentence(self.event.type, self.task_name, self.event.attempt, self.event.data)


def failure_of(event: Event) -> Failure | None:
    """The code and message of a failure; None for other events."""
    if event.type not in _FAILURES or event.data is None:
        return None
    data = orjson.loads(event.data)
    return Failure(data["code"], data["message"])


def requester_of(event: Event) -> str | None:
    """The principal that has requested what the event records; None for other events, and if it is not known."""
    if event.type not in _REQUESTED or event.data is None:
        return None
    by: str | None = orjson.loads(event.data).get("by")
    return by


def awaited_after(event: Event) -> Awaited | None:
    """What a task waits for from this event on: a wait that starts, or the next attempt.

    None for other events, for an attempt of a handler, and for a wait for children.
    """
    if event.data is None:
        return None
    if event.type is EventType.TASK_RETRYING:
        return Awaited(signal=None, until=FailureData.parse(event.data).retry_at)
    if event.type is not EventType.TASK_STARTED:
        return None
    wait = WaitData.parse(event.data).wait
    return None if wait.children else Awaited(wait.signal, wait.until)


def tells_of_data(type: EventType) -> bool:
    """True when the message depends on the event's data, if it has any."""
    return type not in _PLAIN and type not in _OF_TASK


def sentence(type: EventType, task_name: str | None, attempt: int, data: str | None = None) -> str:
    """Describe an event in a sentence.

    type: the event's type.
    task_name: the event's task; None when the event is about the whole execution.
    attempt: the number of the attempt, from 1.
    data: the event's data as JSON text; only needed when `tells_of_data(type)`, and not for a start.
    """
    if (plain := _PLAIN.get(type)) is not None:
        return plain
    task = repr(task_name or "")
    if (words := _OF_TASK.get(type)) is not None:
        return f"Task {task} {words}"
    if type is EventType.TASK_STARTED:
        return f"Task {task} started" if attempt == 1 else f"Task {task} started, attempt {attempt}"
    return _of_data(type, task, attempt, orjson.loads(data or "{}"))


def _of_wait(awaited: Awaited, task_name: str | None, attempt: int, execution_id: UUID) -> str:
    again = "" if attempt <= 1 else f", attempt {attempt}:"
    return f"Task {task_name or ''!r}{again} {awaited.sentence(execution_id)}"


def _of_data(type: EventType, task: str, attempt: int, data: Mapping[str, Any]) -> str:
    if type is EventType.EXECUTION_CREATED:
        return f"Execution accepted{_origin(data)}"
    if type is EventType.TASK_ITEM_COMPLETED:
        return f"Element {data['index'] + 1} of {data['count']} of task {task} completed"
    if type is EventType.SIGNAL_RECEIVED:
        return f"Signal {data.get('name')!r} received"
    return _REASONED[type].format(task=task, attempt=attempt, reason=data.get("message", "")).removesuffix(": ")


def _origin(data: Mapping[str, Any]) -> str:
    """What an execution repeats or belongs to, from the data of its first event."""
    if not data:
        return ""
    if "parent_id" in data:
        return f": it is a child of execution {data['parent_id']}, task {data['parent_task']!r}"
    if "via" in data:
        return f", via {data['via']}"
    start = "" if data["from_task"] is None else f" from task {data['from_task']!r} on"
    return f": it repeats execution {data['origin_id']}{start}"
