"""Keeps a process of the service running: starts it again when it ends, and gives up when that happens too often."""

import asyncio
import math
from collections.abc import Awaitable, Callable

from app.background.restarts import Restarts
from app.cli.errors import CliError
from app.cli.local.processes import DOES_NOT_START, ProcessEnded, ServiceProcess
from app.cli.screen.console import failures

Start = Callable[[], ServiceProcess]
Answers = Callable[[], Awaitable[bool]]
Sleep = Callable[[float], Awaitable[object]]


class Supervised:
    """A process of the service that is started again when it ends. The constructor starts it.

    start: starts the process.
    answers: whether it is ready.
    restarts: how often it may end.
    sleep: waits for so many seconds.
    """

    def __init__(
        self, start: Start, answers: Answers, restarts: Restarts | None = None, sleep: Sleep = asyncio.sleep
    ) -> None:
        self._start = start
        self._answers = answers
        self._restarts = restarts or Restarts()
        self._sleep = sleep
        self._process = start()

    async def ready(self) -> None:
        """Return when the process is ready for the first time. Raise `CliError` when it ends or takes too long."""
        await self._process.ready(self._answers)

    async def keep_running(self) -> None:
        """Start the process again whenever it ends. Raise `CliError` when it ends too often."""
        watch: Callable[[], Awaitable[None]] = self._process.ended
        while True:
            try:
                await watch()
            except ProcessEnded as ended:
                await self._pause_after(ended)
            self._process, watch = self._start(), self._watch_again

    async def stop(self, seconds: float) -> None:
        """End the process within `seconds`."""
        await self._process.stop(seconds)

    async def _watch_again(self) -> None:
        """Say when the process is ready again; then wait until it ends. Raise `ProcessEnded`."""
        await self._process.ready(self._answers, math.inf)  # a database may have to recover first
        failures().say(f"the {self._process.name} process is ready again")
        await self._process.ended()

    async def _pause_after(self, ended: ProcessEnded) -> None:
        """Return when it is time to start the process again."""
        seconds = self._restarts.after_an_end()
        if seconds is None:
            sentence = f"{ended.message}; it {self._restarts.too_often}, so it is not started again"
            raise CliError(sentence, DOES_NOT_START) from None
        failures().say(f"{ended.message}; starting it again in {seconds:.1f} s")
        await self._sleep(seconds)
