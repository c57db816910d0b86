"""The service's processes as child processes of `workflow up`."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import NoReturn

from app.adapters.embedded.child_processes import Child, end, finished, how_it_ended
from app.cli.errors import CliError

IMPORT_ROOT = Path(__file__).parents[2]
READY_SECONDS = 60.0
PROBE_EVERY_SECONDS = 0.05
WATCH_EVERY_SECONDS = 0.1
DOES_NOT_START = 1


class ProcessEnded(CliError):
    """A process of the service has ended by itself; the message says how."""


class ServiceProcess:
    """One process of the service; the constructor starts it. It inherits stdout and stderr of `workflow up`."""

    def __init__(self, name: str, module: str, settings: Mapping[str, str]) -> None:
        self.name = name
        path = os.pathsep.join(filter(None, (str(IMPORT_ROOT), os.environ.get("PYTHONPATH"))))
        self._process = Child(
            [sys.executable, "-P", "-m", module],
            death_signal=signal.SIGTERM,
            environment={**os.environ, **settings, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"},
        ).start()

    async def ready(self, answers: Callable[[], Awaitable[bool]], seconds: float = READY_SECONDS) -> None:
        """Return when `answers` returns True. Raise `ProcessEnded`, or `CliError` when it takes longer."""
        deadline = asyncio.get_running_loop().time() + seconds
        while not await answers():
            self._raise_if_ended()
            if asyncio.get_running_loop().time() > deadline:
                raise CliError(f"the {self.name} process is not ready after {seconds:g} seconds", DOES_NOT_START)
            await asyncio.sleep(PROBE_EVERY_SECONDS)

    async def ended(self) -> NoReturn:
        """Wait until the process ends, which it should not; then raise `ProcessEnded`."""
        while True:
            self._raise_if_ended()
            await asyncio.sleep(WATCH_EVERY_SECONDS)

    async def stop(self, seconds: float) -> None:
        """Send SIGTERM, and kill the process after `seconds`."""
        self._process.send_signal(signal.SIGTERM)
        try:
            await finished(self._process, seconds)
        finally:
            end(self._process)

    def _raise_if_ended(self) -> None:
        code = self._process.poll()
        if code is None:
            return
        end(self._process)
        raise ProcessEnded(f"the {self.name} process {how_it_ended(code)}", DOES_NOT_START)
