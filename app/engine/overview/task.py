"""One task of an execution with all its attempts, from its events."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from app.domain.events import TASK_STATUS_AFTER, EventType
from app.domain.executions import Failure
from app.domain.states import TaskStatus
from app.domain.waiting import Awaited
from app.engine.overview.outline import OutlinedTask
from app.engine.overview.ports import OutlinedEvent

CUT = 500
"""Outputs and messages are shown up to so many characters."""

OF_ELEMENT = "element "
"""How the messages of errors of elements begin."""


@dataclass(frozen=True, slots=True)
class Output:
    """text: JSON text, which may be cut. size: how many bytes the whole has."""

    text: str
    size: int


@dataclass(slots=True)
class Attempt:
    """status: running, or how it has ended: failed also if another attempt follows."""

    number: int
    started_at: datetime
    status: TaskStatus = TaskStatus.RUNNING
    finished_at: datetime | None = None
    failure: Failure | None = None
    output: Output | None = None
    child_id: UUID | None = None


@dataclass(slots=True)
class TaskOverview:
    """A task as far as its events have come. Of a task that runs more than once, the latest visit.

    started_at: when its first attempt started.
    percent, message: what the current attempt has reported last.
    elements_done, elements_total: of a task that runs for each; the total is None until the first has completed.
    has_passed: whether the execution has ever continued behind it.
    """

    task: OutlinedTask
    status: TaskStatus = TaskStatus.PENDING
    attempts: list[Attempt] = field(default_factory=list)
    started_at: datetime | None = None
    finished_at: datetime | None = None
    failure: Failure | None = None
    output: Output | None = None
    child_id: UUID | None = None
    percent: float | None = None
    message: str | None = None
    elements_done: int = 0
    elements_total: int | None = None
    has_passed: bool = False
    _retry_at: datetime | None = None
    _wait: dict[str, Any] | None = None

    @property
    def awaited(self) -> Awaited | None:
        """What it waits for, which may be its next attempt; None while a handler or children run for it."""
        if self.status is TaskStatus.RETRYING:
            return Awaited(None, self._retry_at)
        if self.status is not TaskStatus.RUNNING or self._wait is None or self._wait.get("children"):
            return None
        return Awaited(self._wait["signal"], _instant(self._wait["until"]))

    @property
    def elements_failed(self) -> int:
        """The first element that fails ends the attempt."""
        last = self.attempts[-1].failure if self.attempts else None
        return int(last is not None and last.message.startswith(OF_ELEMENT))

    def apply(self, event: OutlinedEvent) -> None:
        """Take the next event of this task."""
        if event.type is EventType.TASK_PROGRESSED:
            self._progress(event)
        elif event.type is EventType.TASK_ITEM_COMPLETED:
            self.elements_done += event.stands_for
            self.elements_total = _data(event)["count"]
        else:
            if self.status.is_final:
                self._begin_visit()
            self.status = TASK_STATUS_AFTER[event.type]
            self._change(event)

    def _begin_visit(self) -> None:
        """The output stays until the next completion."""
        self.started_at = self.finished_at = self.failure = self.elements_total = None
        self.elements_done = 0

    def _change(self, event: OutlinedEvent) -> None:
        if self.status is TaskStatus.RUNNING:
            self._start(event)
        elif self.status is TaskStatus.RETRYING:
            self.failure, self._retry_at = _failure(event), _instant(_data(event).get("retry_at"))
            self._end_attempt(event, TaskStatus.FAILED)
        else:
            self._end(event)

    def _start(self, event: OutlinedEvent) -> None:
        self.started_at = self.started_at or event.occurred_at
        self.attempts.append(Attempt(event.attempt, event.occurred_at))
        self.percent = self.message = None
        self._wait = None if event.data is None else _data(event)

    def _progress(self, event: OutlinedEvent) -> None:
        data = _data(event)
        self.percent, self.message = data.get("percent"), data.get("message")
        if (child := data.get("child_id")) is not None:
            self.child_id = UUID(child)
            if self.attempts:
                self.attempts[-1].child_id = self.child_id

    def _end(self, event: OutlinedEvent) -> None:
        self.finished_at = event.occurred_at
        if self.status in (TaskStatus.COMPLETED, TaskStatus.SKIPPED):
            self.has_passed = True
            self.failure = None
            self.output = _output(event)
        else:
            self.failure = _failure(event)
            self.has_passed |= self.status is TaskStatus.FAILED and self.task.may_fail
        self._end_attempt(event, self.status)

    def _end_attempt(self, event: OutlinedEvent, status: TaskStatus) -> None:
        """A task that is stopped between two attempts has none that runs."""
        self.percent = self.message = None
        if self.attempts and (attempt := self.attempts[-1]).status is TaskStatus.RUNNING:
            attempt.status, attempt.finished_at = status, event.occurred_at
            attempt.failure, attempt.output = self.failure, _output(event)


def _data(event: OutlinedEvent) -> dict[str, Any]:
    data: dict[str, Any] = orjson.loads(event.data or "{}")
    return data


def _failure(event: OutlinedEvent) -> Failure:
    data = _data(event)
    return Failure(data["code"], cut(data["message"]))


def _output(event: OutlinedEvent) -> Output | None:
    """Only a completion has one; None stands for `null`."""
    return None if event.size is None or event.data is None else Output(cut(event.data), event.size)


def cut(text: str) -> str:
    return text if len(text) <= CUT else f"{text[:CUT]}…"


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
