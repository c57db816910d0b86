"""The attempts of one execution that run in this process: started, cancelled, and given up when they do not stop."""

import asyncio
from collections.abc import Callable
from functools import partial

import structlog

from app.domain.handlers import Attempt, Handler, TaskError, is_instant
from app.engine.deciding.outcomes import Failed, Outcome, Stopped
from app.engine.running.attempts import UNASKED_CANCELLATION, Attempts, timed_out
from app.engine.running.masking import TaskMask
from app.engine.running.timers import Timers

log = structlog.get_logger(__name__)

Ended = Callable[[int, int, Outcome], None]
"""Called with the index of a task, the number of its attempt, and how that has ended."""

_NOT_REQUESTED = TaskError("handler_error", UNASKED_CANCELLATION)


def _ignore(index: int, number: int, outcome: Outcome) -> None:
    return None


class RunningAttempts:
    """At most one per task. `ended` is called once per attempt, unless it was forgotten or stopped with all others.

    An attempt that runs for `grace_seconds` after it was cancelled, or after its timeout, is given up: it is
    recorded as ended, and any later result is discarded.
    """

    __slots__ = ("_attempts", "_cancelled", "_ended", "_given_up", "_grace_seconds", "_numbers", "_stopping_all",
                 "_tasks", "_timers", "_waiting")  # fmt: skip

    def __init__(self, attempts: Attempts, grace_seconds: float, ended: Ended) -> None:
        self._attempts = attempts
        self._grace_seconds = grace_seconds
        self._ended = ended
        self._numbers: dict[int, int] = {}
        self._tasks: dict[int, asyncio.Task[Outcome]] = {}
        self._cancelled: dict[int, None] = {}
        self._given_up: dict[asyncio.Task[Outcome], None] = {}
        self._timers = Timers()
        self._waiting: dict[int, None] = {}
        self._stopping_all = False

    def __bool__(self) -> bool:
        return bool(self._tasks)

    @property
    def only_wait(self) -> bool:
        """True while each of them waits for something outside of this process, or there is none."""
        return len(self._tasks) == len(self._waiting)

    def start(
        self, index: int, attempt: Attempt, handler: Handler | None, task_type: str | None, mask: TaskMask | None = None
    ) -> None:
        """Start an attempt of task `index`. One of an instant handler has ended when this returns."""
        if self._stopping_all:
            return
        if handler is not None and is_instant(handler):
            self._ended(index, attempt.number, self._attempts.run_now(handler, attempt, mask))
            return
        self._numbers[index] = attempt.number
        task = self._attempts.start(attempt, handler, task_type, partial(self._report, index, attempt.number), mask)
        if task is None:
            return
        self._tasks[index] = task
        if self._attempts.waits_outside(task_type):
            self._waiting[index] = None
        if attempt.timeout_seconds is not None:
            outcome = Failed(timed_out(attempt.timeout_seconds))
            give_up = partial(self._give_up, index, outcome)
            self._timers.set(index, attempt.timeout_seconds + self._grace_seconds, give_up)

    def stop(self, index: int) -> None:
        """Cancel the task's attempt, once: a second cancellation would break off its cleaning up."""
        task = self._tasks.get(index)
        if task is not None and index not in self._cancelled:
            self._cancelled[index] = None
            task.cancel()
            give_up = partial(self._give_up, index, Stopped(given_up_after=self._grace_seconds))
            self._timers.set(index, self._grace_seconds, give_up)

    def is_stopping_all(self) -> bool:
        return self._stopping_all

    def stop_all(self) -> None:
        """Cancel everything although the execution has not asked for it: how that ends is not reported."""
        self._stopping_all = True
        self._timers.cancel_all()
        for task in (*self._tasks.values(), *self._given_up):
            task.cancel()

    def forget_all(self) -> None:
        """As `stop_all`, and as if nothing ran any more."""
        self.stop_all()
        self._tasks.clear()
        self._waiting.clear()
        self._numbers.clear()

    def close(self) -> None:
        """Report nothing more. Lets go of the run that took the reports, which holds this, so that no cycle is left."""
        self._ended = _ignore

    def _give_up(self, index: int, outcome: Outcome) -> None:
        task = self._tasks[index]
        log.warning("attempt_given_up", attempt=task.get_name(), after_seconds=self._grace_seconds)
        # Still held, so that it is cancelled with all others, and so that the event loop does not lose a running task.
        self._given_up[task] = None
        task.add_done_callback(lambda ended: self._given_up.pop(ended, None))
        self._report(index, self._numbers[index], outcome)

    def _report(self, index: int, number: int, outcome: Outcome) -> None:
        # The number tells a late report of an attempt that was given up from one of the attempt that followed it.
        if self._numbers.get(index) != number:
            return
        del self._numbers[index]
        self._tasks.pop(index, None)
        self._waiting.pop(index, None)
        self._timers.cancel(index)
        if isinstance(outcome, Stopped) and index not in self._cancelled:
            outcome = Failed(_NOT_REQUESTED)
            if self._stopping_all:
                return
        self._cancelled.pop(index, None)
        self._ended(index, number, outcome)
