"""The state of one execution: the fold of its events, and nothing else."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import orjson

from app.domain.events import FINAL_EVENTS, TASK_STATUS_AFTER, Event, EventType
from app.domain.executions import Failure
from app.domain.states import EXECUTION_TRANSITIONS, TASK_TRANSITIONS, ExecutionStatus, TaskStatus
from app.engine.plan import Plan
from app.engine.waits import WaitState, wait_from

ENGINE_LOST = "engine_lost"
"""The code of an attempt that ended with its engine; it does not use up the retry policy's attempts."""


class IllegalHistory(Exception):
    """An event does not fit the ones before it: a defect in what wrote it, never a user's mistake."""


@dataclass(slots=True)
class TaskState:
    status: TaskStatus = TaskStatus.PENDING
    attempt: int = 0
    failures: int = 0
    first_started_at: datetime | None = None
    ended_at: datetime | None = None
    retry_at: datetime | None = None
    wait: WaitState | None = None
    output: str | None = None
    failure: Failure | None = None

    @property
    def only_waits(self) -> bool:
        """True when no handler runs for the task, although it has started and not ended."""
        return self.status is TaskStatus.RETRYING or (self.status is TaskStatus.RUNNING and self.wait is not None)

    @property
    def due_at(self) -> datetime | None:
        """When a task that waits goes on by itself: its next attempt, or the end of what it waits for."""
        if self.status is TaskStatus.RETRYING:
            return self.retry_at
        return self.wait.until if self.only_waits and self.wait is not None else None


class ExecutionState:
    """`ready` are the tasks that may start now; `open` are started and not ended; `reported` is what running
    tasks say of their own progress, in percent; `signals` are the payloads, as JSON text, that no task has taken yet.
    """

    __slots__ = ("_missing", "cancel_reason", "completed", "failure", "open", "plan", "progress", "ready",
                 "reported", "sequence", "signals", "status", "tasks")  # fmt: skip

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.status = ExecutionStatus.PENDING
        self.sequence = 0
        self.progress = 0
        self.completed = 0
        self.failure: Failure | None = None
        self.cancel_reason: str | None = None
        self.tasks = [TaskState() for _ in plan.tasks]
        self.open: dict[int, None] = {}
        self.ready: dict[int, None] = {}
        self.reported: dict[int, float] = {}
        self.signals: dict[str, list[str]] = {}
        self._missing = list(plan.graph.predecessor_counts)
        for node, missing in enumerate(plan.graph.predecessor_counts):
            if missing == 0:
                self._reach(node)

    @property
    def is_final(self) -> bool:
        return self.status.is_final

    @property
    def is_paused(self) -> bool:
        return self.status is ExecutionStatus.PAUSED

    @property
    def is_stopping(self) -> bool:
        """True when no further task may start: a task failed or a cancel was requested."""
        return self.failure is not None or self.cancel_reason is not None

    def apply(self, event: Event) -> None:
        """Raise `IllegalHistory` when `event` cannot come next."""
        if event.sequence != self.sequence + 1 or self.is_final or not self._may_become(event):
            raise IllegalHistory(f"event {event.sequence} ({event.type}) after {self.sequence} ({self.status})")
        self.sequence = event.sequence
        self.status = event.status
        self.progress = event.progress_percent
        if (status := TASK_STATUS_AFTER.get(event.type)) is not None:
            self._apply_to_task(event, status)
        elif event.type is EventType.CANCEL_REQUESTED:
            self.cancel_reason = json.loads(event.data or "{}").get("message", "")
        elif event.type is EventType.SIGNAL_RECEIVED:
            signal = orjson.loads(event.data or "{}")
            self.signals.setdefault(signal["name"], []).append(orjson.dumps(signal["payload"]).decode())

    def _may_become(self, event: Event) -> bool:
        """Whether the execution's status may be the one that `event` gives it."""
        status = event.status
        if event.type in FINAL_EVENTS or status.is_final:
            ends = FINAL_EVENTS.get(event.type) is status and not self.open
            return ends and status in EXECUTION_TRANSITIONS[self.status]
        return status is self.status or status in EXECUTION_TRANSITIONS[self.status]

    def _apply_to_task(self, event: Event, status: TaskStatus) -> None:
        index = self.plan.index_of.get(event.task_id or 0)
        if index is None or not self._may_follow(event, index, status):
            raise IllegalHistory(f"event {event.sequence} is {event.type} of task {event.task_id}")
        if event.type is EventType.TASK_PROGRESSED:
            self._progress(index, event)
            return
        task = self.tasks[index]
        task.status = status
        self.reported.pop(index, None)
        if status is TaskStatus.RUNNING:
            self._begin(index, task, event)
        elif status is TaskStatus.RETRYING:
            _wait_for_retry(task, event)
        else:
            self._end(index, task, event)

    def _may_follow(self, event: Event, index: int, status: TaskStatus) -> bool:
        task = self.tasks[index]
        if event.type is EventType.TASK_PROGRESSED:
            return task.status is TaskStatus.RUNNING and event.attempt == task.attempt
        if event.type is EventType.TASK_STARTED:
            may_start = index in self.ready or task.status is TaskStatus.RETRYING
            return may_start and event.attempt == task.attempt + 1 and not (self.is_stopping or self.is_paused)
        return status in TASK_TRANSITIONS[task.status] and event.attempt == task.attempt

    def _progress(self, index: int, event: Event) -> None:
        percent = json.loads(event.data or "{}").get("percent")
        if percent is not None:
            self.reported[index] = percent

    def _begin(self, index: int, task: TaskState, event: Event) -> None:
        task.attempt = event.attempt
        task.first_started_at = task.first_started_at or event.occurred_at
        task.retry_at = None
        task.wait = wait_from(event.data)
        self.ready.pop(index, None)
        self.open[index] = None

    def _end(self, index: int, task: TaskState, event: Event) -> None:
        self.open.pop(index, None)
        task.ended_at = event.occurred_at
        if task.status is TaskStatus.COMPLETED:
            self._take_signal(task)
            task.output = event.data
            task.failure = None
            self.completed += 1
            self._pass_on(index)
            return
        task.failure = _failure(event)
        if task.status is TaskStatus.FAILED and self.failure is None:
            name = self.plan.tasks[index].name
            self.failure = Failure(task.failure.code, f"task {name!r} failed: {task.failure.message}")

    def _take_signal(self, task: TaskState) -> None:
        """A task that waited for a signal completes with the oldest one of that name."""
        name = None if task.wait is None else task.wait.signal
        if name is not None and (waiting := self.signals.get(name)):
            waiting.pop(0)

    def _pass_on(self, node: int) -> None:
        for successor in self.plan.graph.successors[node]:
            self._missing[successor] -= 1
            if self._missing[successor] == 0:
                self._reach(successor)

    def _reach(self, node: int) -> None:
        """A task may start; a gate is passed at once."""
        if node < self.plan.graph.task_count:
            self.ready[node] = None
        else:
            self._pass_on(node)


def fold(plan: Plan, events: Iterable[Event]) -> ExecutionState:
    state = ExecutionState(plan)
    for event in events:
        state.apply(event)
    return state


def _wait_for_retry(task: TaskState, event: Event) -> None:
    data = json.loads(event.data or "{}")
    task.failure = Failure(data["code"], data["message"])
    task.wait = None
    task.retry_at = datetime.fromisoformat(data["retry_at"])
    if task.failure.code != ENGINE_LOST:
        task.failures += 1


def _failure(event: Event) -> Failure:
    data = json.loads(event.data or "{}")
    return Failure(data["code"], data["message"])
