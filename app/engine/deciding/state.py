"""The state of one execution: the fold of its events, and nothing else."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson

from app.domain.events import FINAL_EVENTS, TASK_STATUS_AFTER, Event, EventType
from app.domain.executions import Failure
from app.domain.states import (
    EXECUTION_TRANSITIONS,
    FINAL_EXECUTION_STATUSES,
    TASK_TRANSITIONS,
    ExecutionStatus,
    TaskStatus,
)
from app.engine.deciding.visits import Visits
from app.engine.deciding.waits import WaitState, wait_from
from app.engine.planning.plan import Plan

ENGINE_LOST = "engine_lost"
"""The code of an attempt that ended with its engine; it does not use up the retry policy's attempts."""

# Looked up once: this is on the way of every event, and an enum's member costs more than a name.
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


@dataclass(slots=True)
class TaskState:
    status: TaskStatus = TaskStatus.PENDING
    attempt: int = 0
    failures: int = 0
    lost: int = 0
    first_started_at: datetime | None = None
    ended_at: datetime | None = None
    retry_at: datetime | None = None
    wait: WaitState | None = None
    output: str | None = None
    failure: Failure | None = None
    _elements: dict[int, str | None] | None = None

    @property
    def only_waits(self) -> bool:
        """True when no handler runs for the task, although it has started and not ended."""
        return self.status is _RETRYING or (self.status is _RUNNING and self.wait is not None)

    @property
    def has_attempt(self) -> bool:
        """True while a handler runs for the task, or is about to."""
        return self.status is _RUNNING and self.wait is None

    @property
    def elements(self) -> Mapping[int, str | None]:
        """The outputs, as JSON text, of the elements that have completed."""
        return self._elements or {}

    def add_element(self, index: int, output: str | None) -> None:
        """`output` is JSON text."""
        if self._elements is None:
            self._elements = {}
        self._elements[index] = output

    def begin_visit(self) -> None:
        """Another visit in a plan with conditions: the attempts go on counting, and the output stays until the next."""
        self.failures = self.lost = 0
        self.first_started_at = self.ended_at = None
        self.failure = None
        self._elements = None

    @property
    def due_at(self) -> datetime | None:
        """When a task that waits goes on by itself: its next attempt, or the end of what it waits for."""
        if self.status is TaskStatus.RETRYING:
            return self.retry_at
        return self.wait.until if self.only_waits and self.wait is not None else None


class ExecutionState:
    """`ready` are the tasks that may start now; `open` are started and not ended; `done` counts the steps behind
    which the execution has gone on; `reported` is what running tasks say of their own progress, in percent; `signals`
    are the payloads, as JSON text, that no task has taken yet; `to_undo` are the completed tasks that have
    compensations, in the order in which they completed; `not_undone` says why compensations failed; `visits` is there
    where conditions say which task comes next.
    """

    __slots__ = ("_missing", "cancel_reason", "done", "failure", "not_undone", "open", "plan", "progress", "ready",
                 "reported", "sequence", "signals", "started_at", "status", "tasks", "to_undo", "visits")  # fmt: skip

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.status = ExecutionStatus.PENDING
        self.sequence = 0
        self.progress = 0
        self.done = 0
        self.started_at: datetime | None = None
        self.failure: Failure | None = None
        self.cancel_reason: str | None = None
        self.tasks = [TaskState() for _ in plan.tasks]
        self.open: dict[int, None] = {}
        self.ready: dict[int, None] = {}
        self.reported: dict[int, float] = {}
        self.signals: dict[str, list[str]] = {}
        self.to_undo: list[int] = []
        self.not_undone: list[str] = []
        self.visits = None if plan.route is None else Visits(plan.route)
        self._missing = list(plan.graph.predecessor_counts)
        for node, missing in enumerate(plan.graph.predecessor_counts):
            if missing == 0 and node not in plan.graph.compensations:
                self.ready[node] = None

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
    def is_done(self) -> bool:
        """True when no step is left to run."""
        if self.visits is not None:
            return not (self.ready or self.open)
        return self.done == self.plan.steps

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

    def apply(self, event: Event) -> None:
        """Raise `IllegalHistory` when `event` cannot come next."""
        if event.sequence != self.sequence + 1 or self.is_final or not self._may_become(event):
            raise IllegalHistory(f"event {event.sequence} ({event.type}) after {self.sequence} ({self.status})")
        self.sequence = event.sequence
        self.status = event.status
        self.progress = event.progress_percent
        if (status := TASK_STATUS_AFTER.get(event.type)) is not None:
            self._apply_to_task(event, status)
        else:
            self._apply_to_execution(event)

    def _apply_to_execution(self, event: Event) -> None:
        if event.type is EventType.EXECUTION_STARTED:
            self.started_at = event.occurred_at
        elif event.type is EventType.CANCEL_REQUESTED:
            self.cancel_reason = json.loads(event.data or "{}").get("message", "")
        elif event.type is EventType.EXECUTION_FAILING:
            self.failure = self.failure or _failure(event)
        elif event.type is EventType.SIGNAL_RECEIVED:
            signal = orjson.loads(event.data or "{}")
            self.signals.setdefault(signal["name"], []).append(orjson.dumps(signal["payload"]).decode())

    def _may_become(self, event: Event) -> bool:
        """Whether the execution's status may be the one that `event` gives it."""
        status = event.status
        if event.type in FINAL_EVENTS or status in FINAL_EXECUTION_STATUSES:
            ends = FINAL_EVENTS.get(event.type) is status and not self.open
            return ends and status in EXECUTION_TRANSITIONS[self.status]
        return status is self.status or status in EXECUTION_TRANSITIONS[self.status]

    def _apply_to_task(self, event: Event, status: TaskStatus) -> None:
        index = self.plan.index_of.get(event.task_id or 0)
        if index is None or not self._may_follow(event, index, status):
            raise IllegalHistory(f"event {event.sequence} is {event.type} of task {event.task_id}")
        if event.type in _WHILE_RUNNING:
            self._progress(index, event)
            return
        task = self.tasks[index]
        if self.visits is not None and index in self.ready:
            task.begin_visit()
            self.visits.begin(index)
        task.status = status
        self.reported.pop(index, None)
        if status is _RUNNING:
            self._begin(index, task, event)
        elif status is _RETRYING:
            _wait_for_retry(task, event)
        else:
            self._end(index, task, event)

    def _may_follow(self, event: Event, index: int, status: TaskStatus) -> bool:
        task = self.tasks[index]
        if event.type is _TASK_STARTED:
            return self._may_start(index) and event.attempt == task.attempt + 1
        if event.type in _WHILE_RUNNING:
            return task.status is _RUNNING and event.attempt == task.attempt
        if event.type is EventType.TASK_REUSED:
            return self.status is ExecutionStatus.PENDING and index in self.ready and event.attempt == 0
        if self.visits is not None and index not in self.open:
            skipped = event.type is EventType.TASK_SKIPPED and index in self.ready
            return skipped and event.attempt == task.attempt
        if event.type is _TASK_COMPLETED and task.status is not _RUNNING:
            return False
        return status in TASK_TRANSITIONS[task.status] and event.attempt == task.attempt

    def _may_start(self, index: int) -> bool:
        waits_for_retry = self.tasks[index].status is _RETRYING
        if self.is_paused:
            return False
        if self.is_compensation(index):
            its_turn = self.is_stopping and (waits_for_retry or (not self.open and index == self.next_compensation))
            return its_turn and not self.open_steps
        return (waits_for_retry or index in self.ready) and not self.is_stopping

    def _progress(self, index: int, event: Event) -> None:
        data = orjson.loads(event.data or "{}")
        if event.type is EventType.TASK_ITEM_COMPLETED:
            task, output = self.tasks[index], data["output"]
            task.add_element(data["index"], None if output is None else orjson.dumps(output).decode())
            self.reported[index] = 100.0 * len(task.elements) / data["count"]
        elif (percent := data.get("percent")) is not None:
            self.reported[index] = percent

    def _begin(self, index: int, task: TaskState, event: Event) -> None:
        task.attempt = event.attempt
        task.first_started_at = task.first_started_at or event.occurred_at
        task.retry_at = None
        task.wait = None if event.data is None else wait_from(event.data)
        self.ready.pop(index, None)
        self.open[index] = None

    def _end(self, index: int, task: TaskState, event: Event) -> None:
        self.open.pop(index, None)
        task.ended_at = event.occurred_at
        if task.status in _PASSED:
            self._take_signal(task)
            task.output = event.data if task.status is _COMPLETED else None
            task.failure = None
        else:
            task.failure = _failure(event)
        if self.is_compensation(index):
            self._end_compensation(index, task)
        else:
            self._end_step(index, task)

    def _end_step(self, index: int, task: TaskState) -> None:
        if self.visits is not None:
            self._end_visit(self.visits, index, task)
            return
        planned = self.plan.tasks[index]
        if planned.compensated_by and task.status is _COMPLETED:
            self.to_undo.append(index)
        if task.status in _PASSED or (task.status is _FAILED and planned.may_fail):
            self.done += 1
            if self._missing[index] == 0:
                self.ready.pop(index, None)
                self._pass_on(index)
        elif task.status is _FAILED and self.failure is None and task.failure is not None:
            self.failure = _failure_of_task(planned.name, task.failure)

    def _end_visit(self, visits: Visits, index: int, task: TaskState) -> None:
        self.ready.pop(index, None)
        following = visits.end(index, task.status, task.output)
        self.done = len(visits.ended)
        if following is not None and (refusal := visits.refusal(following, self.plan.tasks[following].name)) is None:
            self.ready[following] = None
        elif following is not None:
            self.failure = self.failure or refusal
        elif task.status is _FAILED and task.failure is not None:
            self.failure = self.failure or _failure_of_task(self.plan.tasks[index].name, task.failure)

    def _end_compensation(self, index: int, task: TaskState) -> None:
        if task.status is _FAILED and task.failure is not None:
            name = self.plan.tasks[index].name
            self.not_undone.append(f"compensation {name!r} failed: {task.failure.message}")

    def _take_signal(self, task: TaskState) -> None:
        """A task that waited for a signal completes with the oldest one of that name."""
        name = None if task.wait is None or task.status is not _COMPLETED else task.wait.signal
        if name is not None and (waiting := self.signals.get(name)):
            waiting.pop(0)

    def _pass_on(self, node: int) -> None:
        """Everything that waits for `node` alone may start.

        A gate is passed at once, and so is a task that was skipped before its turn. There may be thousands of these in
        a row, so this walks with a list of its own and not by recursion, in the same order: depth first.
        """
        successors, missing = self.plan.graph.successors, self._missing
        following = list(reversed(successors[node]))
        while following:
            reached = following.pop()
            missing[reached] -= 1
            if missing[reached]:
                continue
            if reached < self.plan.graph.task_count and self.tasks[reached].status is _PENDING:
                self.ready[reached] = None
            else:
                following.extend(reversed(successors[reached]))


def fold(plan: Plan, events: Iterable[Event]) -> ExecutionState:
    state = ExecutionState(plan)
    for event in events:
        state.apply(event)
    return state


def _failure_of_task(name: str, failure: Failure) -> Failure:
    return Failure(failure.code, f"task {name!r} failed: {failure.message}")


def _wait_for_retry(task: TaskState, event: Event) -> None:
    data = json.loads(event.data or "{}")
    task.failure = Failure(data["code"], data["message"])
    task.wait = None
    task.retry_at = datetime.fromisoformat(data["retry_at"])
    if task.failure.code == ENGINE_LOST:
        task.lost += 1
    else:
        task.failures += 1


def _failure(event: Event) -> Failure:
    data = json.loads(event.data or "{}")
    return Failure(data["code"], data["message"])
