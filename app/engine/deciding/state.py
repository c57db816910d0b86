"""The state of one execution: the fold of its events, and nothing else."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from app.domain.events import FINAL_EVENTS, TASK_STATUS_AFTER, Event, EventType
from app.domain.executions import Failure
from app.domain.states import (
    EXECUTION_TRANSITIONS,
    FINAL_EXECUTION_STATUSES,
    TASK_TRANSITIONS,
    ExecutionStatus,
    TaskStatus,
)
from app.engine.deciding.course import course_of
from app.engine.deciding.event_data import (
    ElementData,
    EventData,
    FailureData,
    MessageData,
    ProgressData,
    SignalData,
    read,
)
from app.engine.deciding.kept_signals import KeptSignal, oldest_for
from app.engine.deciding.task_state import TaskState
from app.engine.deciding.waits import FOR_CHILDREN, WaitData, wait_data
from app.engine.planning.plan import Plan

# Looked up once: this is on the way of every event, and an enum's member costs more than a name.
_EXECUTION_STARTED = EventType.EXECUTION_STARTED
_TASK_STARTED = EventType.TASK_STARTED
_TASK_COMPLETED = EventType.TASK_COMPLETED
_PAUSED = ExecutionStatus.PAUSED
_PENDING = TaskStatus.PENDING
_RUNNING = TaskStatus.RUNNING
_RETRYING = TaskStatus.RETRYING
_COMPLETED = TaskStatus.COMPLETED
_FAILED = TaskStatus.FAILED

_WHILE_RUNNING = frozenset({EventType.TASK_PROGRESSED, EventType.TASK_ITEM_COMPLETED})
_PASSED = frozenset({TaskStatus.COMPLETED, TaskStatus.SKIPPED})


class IllegalHistory(Exception):
    """An event does not fit the ones before it: a defect in what wrote it, never a user's mistake."""


class ExecutionState:
    """One execution after the events that it has taken, in the order of their numbers.

    - plan: its revision, compiled
    - course: which task comes next
    - ready: the tasks that may start now, in the order in which they came up; the course's own dict
    - open: the tasks that have started and not ended, in the order in which they started
    - tasks: the state of each task, by its index
    - status: the execution's
    - sequence: the number of the last event; 0 before the first
    - progress: whole percent
    - started_at: when an engine began it
    - failure: why it fails, or will once everything has stopped and is undone
    - cancel_reason: what was said when a cancel was requested; None when none was
    - reported: the percentage that running tasks have reported of themselves
    - signals: by name, those that no task has taken yet, oldest first; a name has at least one
    - to_undo: the completed tasks that have compensations, in the order in which they completed
    - not_undone: a sentence for each compensation that failed
    """

    __slots__ = ("cancel_reason", "course", "failure", "not_undone", "open", "plan", "progress", "ready", "reported",
                 "sequence", "signals", "started_at", "status", "tasks", "to_undo")  # fmt: skip

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.status = ExecutionStatus.PENDING
        self.sequence = 0
        self.progress = 0
        self.started_at: datetime | None = None
        self.failure: Failure | None = None
        self.cancel_reason: str | None = None
        self.tasks = [TaskState() for _ in plan.tasks]
        self.course = course_of(plan, self.tasks)
        self.ready = self.course.ready
        self.open: dict[int, None] = {}
        self.reported: dict[int, float] = {}
        self.signals: dict[str, list[KeptSignal]] = {}
        self.to_undo: list[int] = []
        self.not_undone: list[str] = []

    @property
    def is_final(self) -> bool:
        return self.status in FINAL_EXECUTION_STATUSES

    @property
    def is_paused(self) -> bool:
        return self.status is _PAUSED

    @property
    def is_stopping(self) -> bool:
        """True when no further step may start: the execution will fail, or a cancel was requested."""
        return self.failure is not None or self.cancel_reason is not None

    @property
    def open_steps(self) -> Sequence[int]:
        """The open tasks that are no compensations."""
        return [index for index in self.open if not self.is_compensation(index)]

    @property
    def next_compensation(self) -> int | None:
        """The compensation whose turn it is: the latest completion is undone first."""
        for undone in reversed(self.to_undo):
            for index in self.plan.tasks[undone].compensated_by:
                if self.tasks[index].status is _PENDING:
                    return index
        return None

    def is_compensation(self, index: int) -> bool:
        return index in self.plan.graph.compensations

    def apply(self, event: Event, made: EventData | None = None) -> None:
        """Take the next event. Raise `IllegalHistory` when `event` cannot come next.

        `made` is the event's data where this process has just made the event; without it the data's text is parsed.
        """
        if event.sequence != self.sequence + 1 or not self._may_become(event):
            raise IllegalHistory(f"event {event.sequence} ({event.type}) after {self.sequence} ({self.status})")
        self.sequence = event.sequence
        self.status = event.status
        self.progress = event.progress_percent
        if (status := TASK_STATUS_AFTER.get(event.type)) is not None:
            self._apply_to_task(event, status, made)
        elif event.type not in FINAL_EVENTS:
            self._apply_to_execution(event, made)

    def _apply_to_execution(self, event: Event, made: EventData | None) -> None:
        if event.type is _EXECUTION_STARTED:
            self.started_at = event.occurred_at
        elif event.type is EventType.CANCEL_REQUESTED:
            self.cancel_reason = read(MessageData, event, made).message
        elif event.type is EventType.EXECUTION_FAILING:
            self.failure = self.failure or read(FailureData, event, made).failure
        elif event.type is EventType.SIGNAL_RECEIVED:
            signal = read(SignalData, event, made)
            self.signals.setdefault(signal.name, []).append(KeptSignal(signal.payload))

    def _may_become(self, event: Event) -> bool:
        """Whether the execution's status may be the one that `event` gives it; it never ends while a task is open."""
        status, ends_as = event.status, FINAL_EVENTS.get(event.type)
        if status is self.status:
            return ends_as is None and status not in FINAL_EXECUTION_STATUSES
        if (ends_as is not None or status in FINAL_EXECUTION_STATUSES) and (ends_as is not status or self.open):
            return False
        return status in EXECUTION_TRANSITIONS[self.status]

    def _apply_to_task(self, event: Event, status: TaskStatus, made: EventData | None) -> None:
        index = self.plan.index_of.get(event.task_id or 0)
        if index is None or not self._may_follow(event, index, status):
            raise IllegalHistory(f"event {event.sequence} is {event.type} of task {event.task_id}")
        if event.type in _WHILE_RUNNING:
            self._progress(index, event, made)
            return
        task = self.tasks[index]
        # Whatever event comes first about a ready task begins its visit: a start, a skip, or a completion taken over.
        if index in self.ready and self.course.begin(index) > 1:
            task.begin_visit()
        task.status = status
        self.reported.pop(index, None)
        if status is _RUNNING:
            self._begin(index, task, event, made)
        elif status is _RETRYING:
            failed = read(FailureData, event, made)
            task.wait_for_retry(failed.failure, failed.retry_at)
        else:
            self._end(index, task, event, made)

    def _may_follow(self, event: Event, index: int, status: TaskStatus) -> bool:
        task, kind = self.tasks[index], event.type
        if kind is _TASK_STARTED:
            return event.attempt == task.attempt + 1 and self._may_start(index)
        if event.attempt != task.attempt:
            return False
        if kind is _TASK_COMPLETED or kind in _WHILE_RUNNING:
            return task.status is _RUNNING
        if kind is EventType.TASK_REUSED:
            # What is taken over stands before the execution starts, in an order in which it could have run here.
            return self.status is ExecutionStatus.PENDING and index in self.ready
        if kind is EventType.TASK_SKIPPED:
            return self.course.may_skip(index)
        return status in TASK_TRANSITIONS[task.status]

    def _may_start(self, index: int) -> bool:
        if self.is_paused:
            return False
        waits_for_retry = self.tasks[index].status is _RETRYING
        if self.is_compensation(index):
            # One at a time, and none before every step has ended: one that still completes is undone first.
            its_turn = self.is_stopping and (waits_for_retry or (not self.open and index == self.next_compensation))
            return its_turn and not self.open_steps
        return (waits_for_retry or index in self.ready) and not self.is_stopping

    def _progress(self, index: int, event: Event, made: EventData | None) -> None:
        if event.type is EventType.TASK_ITEM_COMPLETED:
            element, task = read(ElementData, event, made), self.tasks[index]
            task.add_element(element.index, element.output)
            self.reported[index] = 100.0 * len(task.elements) / element.count
            return
        progress = read(ProgressData, event, made)
        if progress.child is not None:
            self._add_child(index, progress.element, progress.child, event.occurred_at)
        elif progress.percent is not None:
            self.reported[index] = progress.percent

    def _add_child(self, index: int, element: int | None, child: UUID, now: datetime) -> None:
        task = self.tasks[index]
        if task.wait is None:
            # Stored before migration 0010, when an attempt of a handler followed the child. It is a wait from now on.
            task.begin_wait(wait_data(FOR_CHILDREN, self.plan.tasks[index].timeout_seconds, now).wait)
        task.add_child(element, child)

    def _begin(self, index: int, task: TaskState, event: Event, made: EventData | None) -> None:
        task.attempt = event.attempt
        task.started_at = event.occurred_at
        task.first_started_at = task.first_started_at or event.occurred_at
        task.retry_at = None
        # The start of an attempt has no data; that of a wait says what the task waits for.
        task.wait = None
        if event.data is not None:
            task.begin_wait(read(WaitData, event, made).wait)
        self.open[index] = None

    def _end(self, index: int, task: TaskState, event: Event, made: EventData | None) -> None:
        self.open.pop(index, None)
        task.ended_at = event.occurred_at
        if task.status in _PASSED:
            self._take_signal(index, task)
            task.output = event.data if task.status is _COMPLETED else None
            task.failure = None
        else:
            task.failure = read(FailureData, event, made).failure
        if index in self.plan.graph.compensations:
            self._end_compensation(index, task)
            return
        if task.status is _COMPLETED and self.plan.tasks[index].compensated_by:
            self.to_undo.append(index)
        # The course follows the task in any case; the first failure is the one that the execution ends with.
        failure = self.course.end(index)
        self.failure = self.failure or failure

    def _end_compensation(self, index: int, task: TaskState) -> None:
        if task.status is _FAILED and task.failure is not None:
            name = self.plan.tasks[index].name
            self.not_undone.append(f"compensation {name!r} failed: {task.failure.message}")

    def signal_for(self, index: int) -> KeptSignal | None:
        """The signal that the task, which waits for one, completes with now; None when there is none for it."""
        wait = self.tasks[index].wait
        kept = None if wait is None or wait.signal is None else self.signals.get(wait.signal)
        return oldest_for(kept, index, self.plan.tasks[index].output) if kept else None

    def _take_signal(self, index: int, task: TaskState) -> None:
        """A task that has completed has taken the signal that was there for it."""
        wait = task.wait if task.status is _COMPLETED else None
        if wait is not None and wait.signal is not None and (taken := self.signal_for(index)) is not None:
            kept = self.signals[wait.signal]
            # By identity: others may be equal.
            kept[:] = [signal for signal in kept if signal is not taken]
            if not kept:
                del self.signals[wait.signal]


def fold(plan: Plan, events: Iterable[Event]) -> ExecutionState:
    state = ExecutionState(plan)
    for event in events:
        state.apply(event)
    return state
