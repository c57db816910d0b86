"""Checks one stored history against what is promised. Pure: it reads event by event and keeps no events.

It shares the tables of `app.domain` with the engine, but no code that folds and decides, so that a defect there cannot
hide itself here. An event type or status without a rule passes. After a broken rule the check continues with what the
event says, so that one mistake is reported once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from app.checking.findings import Finding, Rule
from app.checking.routes import RouteCheck
from app.checking.task_order import TaskOrder
from app.domain.events import FINAL_EVENTS, TASK_STATUS_AFTER, EventType
from app.domain.states import EXECUTION_TRANSITIONS, FINAL_EXECUTION_STATUSES, TASK_TRANSITIONS, TaskStatus
from app.domain.states import ExecutionStatus as Status

CLOCK_TOLERANCE = timedelta(seconds=5)
"""How much the clocks of two engines may differ without a warning."""

# Keyed by strings, because stored values may be newer than this program.
_STATUS_OF_END: Mapping[str, Status] = {word.value: status for word, status in FINAL_EVENTS.items()}
_TASK_STATUS: Mapping[str, TaskStatus] = {word.value: status for word, status in TASK_STATUS_AFTER.items()}
_MAY_FOLLOW: Mapping[str, frozenset[Status]] = {status.value: after for status, after in EXECUTION_TRANSITIONS.items()}
_FINAL = frozenset(status.value for status in FINAL_EXECUTION_STATUSES)
_UNSUCCESSFUL = frozenset({TaskStatus.FAILED, TaskStatus.CANCELLED})


class StoredEvent(Protocol):
    """A stored event. `data` is the text or a fingerprint of it; the texts of the row are then of the same kind."""

    @property
    def sequence(self) -> int: ...
    @property
    def type(self) -> str: ...
    @property
    def occurred_at(self) -> datetime: ...
    @property
    def status(self) -> str: ...
    @property
    def progress_percent(self) -> int: ...
    @property
    def task_id(self) -> int | None: ...
    @property
    def attempt(self) -> int: ...
    @property
    def data(self) -> str | None: ...


@dataclass(slots=True)
class CheckedTask:
    status: TaskStatus = TaskStatus.PENDING
    attempt: int = 0


class HistoryCheck:
    """Checks the events of one execution, in the order of their numbers, and adds findings to `found`. `order` is None
    if the revision is not known.
    """

    __slots__ = ("_open", "_passed", "_progress", "_route", "_seen", "_stopped_by", "_tasks", "_to_undo", "_when",
                 "end", "execution_id", "found", "order", "sequence", "started_at", "status")  # fmt: skip

    def __init__(self, execution_id: UUID, order: TaskOrder | None) -> None:
        self.execution_id = execution_id
        self.order = order
        self.found: list[Finding] = []
        self.sequence = 0
        self.status: str = Status.PENDING
        self.started_at: datetime | None = None
        self.end: StoredEvent | None = None
        self._when: datetime | None = None
        self._progress = 0
        self._stopped_by = ""
        self._tasks: dict[int, CheckedTask] = {}
        self._passed = 0
        self._seen = 0
        self._to_undo: list[int] = []
        self._open = 0
        self._route = None if order is None or order.route is None else order.route.check()

    def report(self, rule: Rule, sentence: str, sequence: int = 0) -> None:
        self.found.append(Finding(self.execution_id, sequence, rule, sentence))

    def take(self, event: StoredEvent) -> None:
        if event.sequence != self.sequence + 1:
            self.report(Rule.NUMBERING, f"event {event.sequence} follows event {self.sequence}", event.sequence)
        self.sequence = event.sequence
        if self.end is not None:
            self.report(Rule.AFTER_THE_END, f"{event.type} follows {self.end.type}", event.sequence)
            return
        self._check_clock(event)
        self._check_progress(event)
        if event.status != self.status or event.type in _STATUS_OF_END:
            self._take_status(event)
        if event.task_id is None:
            self._take_execution_event(event)
        elif (status := _TASK_STATUS.get(event.type)) is not None:
            self._take_task_event(event, event.task_id, status)
        if event.type in _STATUS_OF_END:
            self._take_end(event)

    def _check_clock(self, event: StoredEvent) -> None:
        if self._when is not None and event.occurred_at + CLOCK_TOLERANCE < self._when:
            seconds = (self._when - event.occurred_at).total_seconds()
            self.report(Rule.CLOCK, f"it occurred {seconds:.3f} seconds before the event before it", event.sequence)
        self._when = event.occurred_at

    def _check_progress(self, event: StoredEvent) -> None:
        if event.progress_percent < self._progress:
            sentence = f"progress falls from {self._progress} to {event.progress_percent} percent"
            self.report(Rule.PROGRESS, sentence, event.sequence)
        elif event.type == EventType.EXECUTION_COMPLETED and event.progress_percent != 100:
            sentence = f"progress is {event.progress_percent} percent when the execution has completed"
            self.report(Rule.PROGRESS, sentence, event.sequence)
        self._progress = event.progress_percent

    # The execution

    def _take_status(self, event: StoredEvent) -> None:
        meant = _STATUS_OF_END.get(event.type, self.status if event.status in _FINAL else event.status)
        if meant != event.status:
            self.report(Rule.ENDING, f"{event.type} has the status {event.status}", event.sequence)
        elif meant in _MAY_FOLLOW and meant not in _MAY_FOLLOW.get(self.status, _MAY_FOLLOW):
            self.report(Rule.EXECUTION_TRANSITION, f"{self.status} becomes {meant}", event.sequence)
        self.status = meant

    def _take_execution_event(self, event: StoredEvent) -> None:
        if (event.type == EventType.EXECUTION_CREATED) is not (event.sequence == 1):
            self.report(Rule.OPENING, f"event {event.sequence} is {event.type}", event.sequence)
        if event.type == EventType.EXECUTION_STARTED and self.started_at is None:
            self.started_at = event.occurred_at
        elif event.type == EventType.CANCEL_REQUESTED:
            self._stopped_by = self._stopped_by or "a cancel was requested"
        elif event.type == EventType.EXECUTION_FAILING:
            self._stopped_by = self._stopped_by or "the execution began to fail"
        elif event.type in _TASK_STATUS:
            self.report(Rule.UNKNOWN_TASK, f"{event.type} names no task", event.sequence)

    def _take_end(self, event: StoredEvent) -> None:
        self.end = event
        for task_id, task in self._tasks.items():
            if not task.status.is_final:
                sentence = f"{self._name(task_id)} is still {task.status} at {event.type}"
                self.report(Rule.OPEN_AT_THE_END, sentence, event.sequence)
        if self._route is not None:
            self._check_end_of_route(event, self._route)
        elif self.order is not None:
            completed = event.type == EventType.EXECUTION_COMPLETED
            missing = self.order.steps & ~self._passed if completed else self._to_be_undone(self.order)
            if missing & ~self._open:
                sentence = f"{event.type} comes without {self.order.names_in(missing & ~self._open)}"
                self.report(Rule.INCOMPLETE, sentence, event.sequence)

    def _check_end_of_route(self, event: StoredEvent, route: RouteCheck) -> None:
        completed = event.type == EventType.EXECUTION_COMPLETED
        if not self._open and (problem := route.ending_problem(completed=completed, stopped=bool(self._stopped_by))):
            self.report(Rule.INCOMPLETE, f"{event.type} {problem}", event.sequence)

    def _to_be_undone(self, order: TaskOrder) -> int:
        """The compensations that are due and have no event."""
        due = sum(1 << index for undone in self._to_undo for index in order.undone_by[undone])
        return due & ~self._seen

    # Tasks

    def _take_task_event(self, event: StoredEvent, task_id: int, status: TaskStatus) -> None:
        task = self._tasks.setdefault(task_id, CheckedTask())
        bit = self._bit(event, task_id)
        if bit and self._route is not None and self.order is not None:
            self._check_visit(event, self._route, self.order, task, bit)
        if event.type == EventType.TASK_STARTED:
            self._check_start(event, task_id, task, bit)
        elif event.type == EventType.TASK_REUSED and bit and self.order is not None:
            self._check_order(event, self._name(task_id), self.order, bit.bit_length() - 1)
        elif event.attempt != task.attempt:
            sentence = f"{event.type} is of attempt {event.attempt} of {self._name(task_id)} during {task.attempt}"
            self.report(Rule.ATTEMPT, sentence, event.sequence)
        self._check_task_transition(event, task_id, task, status)
        task.status, task.attempt = status, event.attempt
        self._seen |= bit
        self._open = self._open & ~bit if status.is_final else self._open | bit
        if status.is_final:
            self._take_task_end(task_id, status, bit)

    def _check_visit(
        self, event: StoredEvent, route: RouteCheck, order: TaskOrder, task: CheckedTask, bit: int
    ) -> None:
        """Check the start of a visit. A task that has ended can start again with the next attempt; one that waits for
        its next attempt is still in the same visit.
        """
        if event.type not in (EventType.TASK_STARTED, EventType.TASK_SKIPPED) or self._open & bit:
            return
        task.status = TaskStatus.PENDING
        problem = route.visit(order.names[bit.bit_length() - 1])
        if self._open:
            sentence = f"{order.names_in(bit)} starts while {order.names_in(self._open)} has not ended"
            self.report(Rule.OVERLAP, f"task {sentence}", event.sequence)
        elif problem and not self._stopped_by:
            self.report(Rule.DEPENDENCY, problem, event.sequence)

    def _take_task_end(self, task_id: int, status: TaskStatus, bit: int) -> None:
        order = self.order
        if order is not None and self._route is not None:
            why = self._route.end(order.names[bit.bit_length() - 1], status) if bit else None
            self._stopped_by = self._stopped_by or why or ""
            return
        may_fail = order is not None and order.may_fail & bit
        if status not in _UNSUCCESSFUL or (status is TaskStatus.FAILED and may_fail):
            self._passed |= bit
        elif status is TaskStatus.FAILED and order is not None and not order.compensations & bit:
            self._stopped_by = self._stopped_by or f"{self._name(task_id)} failed"
        if order is not None and status is TaskStatus.COMPLETED and (index := bit.bit_length() - 1) in order.undone_by:
            self._to_undo.append(index)

    def _bit(self, event: StoredEvent, task_id: int) -> int:
        if self.order is None:
            return 0
        index = self.order.index_of.get(task_id)
        if index is None:
            self.report(Rule.UNKNOWN_TASK, f"the revision has no task with the id {task_id}", event.sequence)
            return 0
        return 1 << index

    def _check_task_transition(self, event: StoredEvent, task_id: int, task: CheckedTask, status: TaskStatus) -> None:
        stays = event.type in (EventType.TASK_PROGRESSED, EventType.TASK_ITEM_COMPLETED)
        reused = event.type == EventType.TASK_REUSED
        if status is TaskStatus.COMPLETED and task.status is status:
            self.report(Rule.COMPLETED_TWICE, f"{self._name(task_id)} completed before", event.sequence)
        elif reused and self.status != Status.PENDING:
            self.report(Rule.REUSE, f"{self._name(task_id)} is taken over after the execution began", event.sequence)
        elif (
            (stays and task.status is not status)
            or (not stays and status not in TASK_TRANSITIONS[task.status])
            or (status is TaskStatus.COMPLETED and reused is not (task.status is TaskStatus.PENDING))
        ):
            sentence = f"{self._name(task_id)} is {task.status} at {event.type}"
            self.report(Rule.TASK_TRANSITION, sentence, event.sequence)

    def _check_start(self, event: StoredEvent, task_id: int, task: CheckedTask, bit: int) -> None:
        name = self._name(task_id)
        if event.attempt != task.attempt + 1:
            sentence = f"attempt {event.attempt} of {name} starts after attempt {task.attempt}"
            self.report(Rule.ATTEMPT, sentence, event.sequence)
        undoes = self.order is not None and bool(self.order.compensations & bit)
        if self._stopped_by and not undoes:
            sentence = f"{name} starts after {self._stopped_by}"
            self.report(Rule.STARTED_WHILE_STOPPING, sentence, event.sequence)
        elif self.status != Status.RUNNING:
            sentence = f"{name} starts while the execution is {self.status}"
            self.report(Rule.STARTED_WHILE_NOT_RUNNING, sentence, event.sequence)
        if bit and self.order is not None and task.status is TaskStatus.PENDING:
            check = self._check_compensation if undoes else self._check_order
            check(event, name, self.order, bit.bit_length() - 1)

    def _check_compensation(self, event: StoredEvent, name: str, order: TaskOrder, index: int) -> None:
        due = (i for undone in reversed(self._to_undo) for i in order.undone_by[undone] if not self._seen >> i & 1)
        if not self._stopped_by:
            sentence = f"{name} undoes a task although the execution goes on"
        elif self._open:
            sentence = f"{name} starts while {order.names_in(self._open)} has not ended"
        elif (first := next(due, None)) != index:
            other = "nothing is to be undone" if first is None else f"it is the turn of {order.names_in(1 << first)}"
            sentence = f"{name} starts, and {other}"
        else:
            return
        self.report(Rule.COMPENSATION, sentence, event.sequence)

    def _check_order(self, event: StoredEvent, name: str, order: TaskOrder, index: int) -> None:
        overlapping = order.apart[index] & self._open
        missing = order.before[index] & ~self._passed & ~overlapping
        if overlapping:
            sentence = f"{name} starts while {order.names_in(overlapping)} runs, a sync task of the same group"
            self.report(Rule.OVERLAP, sentence, event.sequence)
        if missing:
            sentence = f"{name} starts before {order.names_in(missing)} has completed"
            self.report(Rule.DEPENDENCY, sentence, event.sequence)

    def _name(self, task_id: int) -> str:
        index = None if self.order is None else self.order.index_of.get(task_id)
        return f"task {task_id}" if self.order is None or index is None else f"task {self.order.names[index]!r}"
