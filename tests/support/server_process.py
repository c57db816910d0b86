"""A server as a process of its own, to be killed and started again."""

import asyncio
import os
import signal
from asyncio.subprocess import Process
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
START_SECONDS = 120.0


class ServerProcess:
    """One process at a time of one command on one port. What it says goes to the file `log`."""

    def __init__(self, command: Sequence[str], port: int, log: Path | None = None, **environment: str) -> None:
        self._command = command
        self._log = log
        self._environment = os.environ | environment
        self._process: Process | None = None
        self.port = port

    async def start(self) -> None:
        """Return when it answers. Raise `AssertionError` when it ends instead, `TimeoutError` when it does neither."""
        with self._log.open("ab") if self._log else nullcontext() as output:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, cwd=REPOSITORY, env=self._environment, stdout=output, stderr=output
            )
        async with asyncio.timeout(START_SECONDS):
            while not await self._answers():
                if self._process.returncode is not None:
                    raise AssertionError(f"the server ended with {self._process.returncode}")

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def log_tail(self, lines: int) -> str:
        """The last lines of the log; nothing without a log."""
        text = self._log.read_text(errors="replace") if self._log is not None and self._log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process, unless it has ended."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)

    async def ended(self) -> int:
        """Wait until the process ends; its exit code."""
        assert self._process is not None
        return await self._process.wait()

    async def kill(self) -> None:
        await self._end(signal.SIGKILL)

    async def terminate(self) -> int:
        """SIGTERM; the exit code."""
        return await self._end(signal.SIGTERM)

    async def close(self) -> None:
        if self.is_running:
            await self.kill()

    async def _end(self, number: signal.Signals) -> int:
        assert self._process is not None
        self._process.send_signal(number)
        return await self._process.wait()

    async def _answers(self) -> bool:
        """Ask once, or take a moment to find out."""
        raise NotImplementedError
