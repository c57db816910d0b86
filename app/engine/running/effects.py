"""What committed events set going in this process: attempts, their reports, and timers."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Protocol

from app.domain.events import Event, EventType
from app.domain.handlers import Handler
from app.domain.states import TaskStatus
from app.engine.deciding.drafts import Draft
from app.engine.deciding.event_data import ProgressData, element_data
from app.engine.deciding.outcomes import Failed, Outcome, Stopped
from app.engine.deciding.state import ExecutionState
from app.engine.evaluating.begins import Begun
from app.engine.running.collaborators import Collaborators
from app.engine.running.due_times import DueTimes
from app.engine.running.failure_log import log_failed_attempt, log_failed_execution
from app.engine.running.preparing import Preparation
from app.engine.running.progress import ProgressReports
from app.engine.running.running_attempts import RunningAttempts
from app.expressions.errors import OverBudget

_RUNNING = TaskStatus.RUNNING


class Owner(Protocol):
    """The run that effects belong to; it turns what they report into events."""

    def attempt_ended(self, index: int, number: int, outcome: Outcome) -> None:
        """Take the outcome of attempt `number` of task `index`; called once per attempt."""

    def take_report(self, report: Draft) -> bool:
        """Take what a running attempt says of itself; return false when that attempt is over."""

    def is_skipping(self, index: int) -> bool:
        """True when the task's attempt is to be stopped because the task is skipped."""


class _NoOwner:
    """Takes the place of an owner that has ended."""

    def attempt_ended(self, index: int, number: int, outcome: Outcome) -> None:
        return None

    def take_report(self, report: Draft) -> bool:
        return False

    def is_skipping(self, index: int) -> bool:
        return False


_NO_OWNER = _NoOwner()


class Effects:
    """Those of one execution. Nothing here decides, and nothing starts before the event that says so is committed."""

    __slots__ = ("_due_times", "_owner", "_preparation", "_progress", "_running", "_state")

    def __init__(
        self,
        state: ExecutionState,
        preparation: Preparation,
        due_times: DueTimes,
        shared: Collaborators,
        cancel_grace_seconds: float,
        owner: Owner,
    ) -> None:
        self._state = state
        self._preparation = preparation
        self._due_times = due_times
        self._owner: Owner = owner
        self._running = RunningAttempts(shared.attempts, cancel_grace_seconds, owner.attempt_ended)
        self._progress = ProgressReports(self._write_progress)

    @property
    def has_attempts(self) -> bool:
        """True while a handler runs."""
        return bool(self._running)

    @property
    def only_wait(self) -> bool:
        """True while no handler works in this process; some may wait for what is outside."""
        return self._running.only_wait

    def carry_out(self, events: Sequence[Event], stops: Sequence[int]) -> None:
        """Do what `events`, which are committed, ask for; then stop the attempts of the tasks in `stops`."""
        for event in events:
            if (act := _ACTS.get(event.type)) is not None:
                act(self, event)
        for index in stops:
            self._running.stop(index)

    def stop_attempt(self, index: int) -> None:
        """Cancel the task's attempt, where one runs; its end is reported as any other."""
        self._running.stop(index)

    def stop_all(self) -> None:
        """Cancel all attempts without a report of how they end."""
        self._running.stop_all()

    def forget_all(self) -> None:
        """As `stop_all`, and as if no attempt ran any more."""
        self._running.forget_all()

    def unwritten_progress(self, index: int, number: int) -> ProgressData | None:
        """As `ProgressReports.unwritten`."""
        return self._progress.unwritten(index, number)

    def close(self) -> None:
        """Take no further report. Lets go of the owner and of all that hold this.

        A cycle that is left with each execution costs the collector a tenth of the engine's processor time.
        """
        self._owner = _NO_OWNER
        self._due_times.stop()
        self._progress.close()
        self._running.close()

    def _start(self, event: Event) -> None:
        index, number = self._index(event), event.attempt
        task = self._state.tasks[index]
        # The state is ahead of what is committed: the attempt may have been ended since, by a skip or a timeout.
        if task.attempt != number or task.status is not _RUNNING:
            return
        if task.wait is not None:
            self._due_times.watch_task(index)
        elif self._owner.is_skipping(index):
            self._owner.attempt_ended(index, number, Stopped())
        else:
            self._begin(index, number)

    def _begin(self, index: int, number: int) -> None:
        planned = self._state.plan.tasks[index]
        try:
            begun, handler = self._handler(index, number)
            report = partial(self._progress.report, index, number)
            attempt = self._preparation.attempt(index, number, begun.config, report, self._running.is_stopping_all)
        except Exception as error:  # noqa: BLE001 - a run that is dropped here would be dropped again by every engine
            self._owner.attempt_ended(index, number, Failed(self._preparation.failure(index, error)))
            return
        self._running.start(index, attempt, handler, planned.type, self._preparation.mask)

    def _handler(self, index: int, number: int) -> tuple[Begun, Handler | None]:
        """What the attempt gets, and what runs it."""
        completed = partial(self._element_completed, index, number)
        try:
            begun = self._preparation.begin(index)
        except OverBudget:
            return Begun({}), self._preparation.late_handler(index, completed)
        return begun, self._preparation.handler(index, begun, completed)

    def _element_completed(self, index: int, number: int, count: int, element: int, output: str | None) -> None:
        if (mask := self._preparation.mask) is not None and output is not None:
            output = mask.json(output)
        data = element_data(element, count, output)
        self._owner.take_report(Draft(EventType.TASK_ITEM_COMPLETED, index, number, data=data))

    def _write_progress(self, index: int, number: int, data: ProgressData) -> bool:
        return self._owner.take_report(Draft(EventType.TASK_PROGRESSED, index, number, data=data))

    def _progress_written(self, event: Event) -> None:
        self._progress.written(self._index(event))

    def _wait_for_retry(self, event: Event) -> None:
        self._due_times.watch_task(self._index(event))
        self._log_attempt(event)

    def _log_attempt(self, event: Event) -> None:
        log_failed_attempt(self._preparation.execution_id, self._state.plan, event)

    def _log_execution(self, event: Event) -> None:
        log_failed_execution(self._preparation.execution_id, self._state.plan, event)

    def _watch_deadline(self, _: Event) -> None:
        self._due_times.watch_deadline()

    def _watch_open_tasks(self, _: Event) -> None:
        self._due_times.watch_open_tasks()

    def _index(self, event: Event) -> int:
        return self._state.plan.index_of[event.task_id or 0]


_ACTS: Mapping[EventType, Callable[[Effects, Event], None]] = {
    EventType.TASK_STARTED: Effects._start,
    EventType.TASK_RETRYING: Effects._wait_for_retry,
    EventType.TASK_FAILED: Effects._log_attempt,
    EventType.TASK_PROGRESSED: Effects._progress_written,
    EventType.EXECUTION_STARTED: Effects._watch_deadline,
    EventType.EXECUTION_RESUMED: Effects._watch_open_tasks,
    EventType.EXECUTION_FAILED: Effects._log_execution,
}
