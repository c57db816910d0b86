"""Reports what keeps a process from working: code that does not let the event loop, or any other thread, run.

A call into native code that keeps the interpreter's lock stops every thread of Python. `faulthandler` has a thread
that needs no lock, so it can say where all the others are while that lasts. What else can be said, such as the
attempts that were running, is logged when it is over.
"""

import asyncio
import faulthandler
import sys
from collections.abc import Callable
from functools import partial
from typing import TextIO

import structlog

from app.background.loop import Loop, OnDefect

log = structlog.get_logger(__name__)

BLOCKED_SECONDS = 3.0
"""Long enough to be no chance, and shorter than a lease."""

LOOKS_PER_LIMIT = 10
MOST_NAMES = 20


class InterpreterWatch:
    """One for a process, because `faulthandler` has one timer.

    limit_seconds: what lasts longer is reported.
    task_names: only asyncio tasks whose names begin so are named in the report.
    file: where the stacks of all threads are written while the interpreter is blocked; it needs a file descriptor.
        None stands for the standard error.
    time: a monotonic clock, in seconds.
    """

    def __init__(
        self,
        task_names: str,
        limit_seconds: float = BLOCKED_SECONDS,
        file: TextIO | None = None,
        time: Callable[[], float] | None = None,
    ) -> None:
        self._task_names = task_names
        self._limit = limit_seconds
        self._file = file or sys.stderr
        self._time = time or asyncio.get_running_loop().time
        self._looked_at: float | None = None
        self._loop = Loop("interpreter watch", self._look, partial(asyncio.sleep, limit_seconds / LOOKS_PER_LIMIT))

    def start(self, on_defect: OnDefect) -> None:
        """Begin. A defect that ends the watch is reported to `on_defect(error)`."""
        self._loop.start(on_defect)

    async def stop(self) -> None:
        """Harmless when repeated."""
        await self._loop.finish()
        faulthandler.cancel_dump_traceback_later()

    async def _look(self) -> None:
        now, before = self._time(), self._looked_at
        self._looked_at = now
        faulthandler.dump_traceback_later(self._limit, file=self._file)
        if before is not None and now - before > self._limit:
            log.error("interpreter_blocked", seconds=round(now - before, 3), running=self._running())

    def _running(self) -> list[str]:
        """The tasks that may be the reason, at most `MOST_NAMES`."""
        names = sorted(task.get_name() for task in asyncio.all_tasks())
        return [name for name in names if name.startswith(self._task_names)][:MOST_NAMES]
