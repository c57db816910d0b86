"""Time that passes at once: for tests whose timers matter, on stores in memory."""

import asyncio
import heapq
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import ParamSpec

P = ParamSpec("P")


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """`time()` begins at 0 and moves on when nothing is left to do, to the moment of the next timer.

    So a timer never fires late, however busy the machine is. Other threads, sockets and processes need a real loop.
    """

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0

    def time(self) -> float:
        return self._now

    def _run_once(self) -> None:
        timers = self._scheduled
        while timers and timers[0].cancelled():
            self._timer_cancelled_count -= 1
            heapq.heappop(timers)._scheduled = False
        if timers and not self._ready:
            self._now = max(self._now, timers[0].when())
        super()._run_once()


def in_virtual_time(test: Callable[P, Awaitable[None]]) -> Callable[P, None]:
    """Run a test on a loop of its own. Its fixtures are made before, so they must not need one."""

    @wraps(test)
    def run(*arguments: P.args, **options: P.kwargs) -> None:
        with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
            runner.run(test(*arguments, **options))  # type: ignore[arg-type]

    return run
