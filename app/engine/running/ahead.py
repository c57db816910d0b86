"""Evaluations that the steps of one execution wait for, because they take too long to be made within a step."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from app.engine.deciding.outcomes import Outcome
from app.engine.running.preparing import STARTS, Preparation, Start
from app.expressions.errors import OverBudget

Ended = Callable[[int], None]
"""Called with the index of a task when it is known how that starts."""


def _ignore(index: int) -> None:
    return None


class Ahead:
    """How tasks start: at most one for each; while it is made, the task is not started. And checks of outcomes.

    Everything else continues. While the outcome of a wait is checked, its task may end by a timeout and start again.
    """

    __slots__ = ("_checks", "_found", "_known", "_preparation", "_running")

    def __init__(self, preparation: Preparation, known: Ended) -> None:
        self._preparation = preparation
        self._known = known
        self._found: dict[int, Start] = {}
        self._running: dict[int, asyncio.Task[Any]] = {}
        self._checks: dict[asyncio.Task[Any], None] = {}

    def __bool__(self) -> bool:
        """True while something is evaluated."""
        return bool(self._running or self._checks)

    def start_of(self, index: int) -> Start | None:
        """How the task starts; None while that is being evaluated. Then the owner is told when it is known.

        It is kept until the task has started: evaluated once more, it might not be known at once again.
        """
        if self._running and index in self._running:
            return None
        if self._found and (found := self._found.get(index)) is not None:
            return found
        try:
            start = self._preparation.start(index)
        except OverBudget:
            work = self._preparation.start_later(index)
            task = self._running[index] = asyncio.create_task(work, name=f"how task {index} starts")
            task.add_done_callback(partial(self._start_known, index))
            return None
        if start is not STARTS:
            self._found[index] = start
        return start

    def may_start(self, index: int) -> bool:
        """False while it is being evaluated what a task waits for."""
        return not self._preparation.only_waits(index) or self.start_of(index) is not None

    def check(self, index: int, outcome: Outcome, then: Callable[[Outcome], None]) -> None:
        """Check what an attempt has returned, and call `then` with the outcome to be stored."""
        task = asyncio.create_task(self._preparation.checked_later(index, outcome), name=f"outcome of task {index}")
        self._checks[task] = None
        task.add_done_callback(partial(self._checked, then))

    def forget(self, index: int) -> None:
        """The task has started, or has been skipped: the next time is another one."""
        if self._found:
            self._found.pop(index, None)

    def close(self) -> None:
        """Evaluate nothing more. Lets go of the owner, which holds this, so that no cycle is left."""
        self._known = _ignore
        for task in (*self._running.values(), *self._checks):
            task.cancel()

    def _checked(self, then: Callable[[Outcome], None], task: asyncio.Task[Outcome]) -> None:
        del self._checks[task]
        if not task.cancelled():
            then(task.result())

    def _start_known(self, index: int, task: asyncio.Task[Start]) -> None:
        del self._running[index]
        if not task.cancelled():
            self._found[index] = task.result()
            self._known(index)
