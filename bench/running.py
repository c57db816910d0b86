"""Starts programs: those that measure, and servers to be measured."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from app.adapters.embedded.child_processes import Child, end, finished
from app.config import Settings
from bench.closed_loop import Load
from bench.program import LINE_LIMIT

REPOSITORY = Path(__file__).parents[1]
READY_SECONDS = 60.0
ANSWER_SECONDS = 30.0
STOP_SECONDS = 15.0


class ProgramFailed(Exception):
    """A program of the benchmark ended or did not respond; the message has the end of its log."""


class Program:
    """A running program that measures on request."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, log: Path) -> None:
        self._name = name
        self._process = process
        self._log = log

    @property
    def pid(self) -> int:
        return self._process.pid

    async def ask(self, load: Load, **request: Any) -> dict[str, Any]:
        """Send a request; return what the program measured. Raise `ProgramFailed`."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({**request, "load": asdict(load)}).encode() + b"\n")
        return await self.answer(3 * load.max_seconds + ANSWER_SECONDS)  # warm-up, window, last calls

    async def answer(self, seconds: float) -> dict[str, Any]:
        assert self._process.stdout is not None
        try:
            async with asyncio.timeout(seconds):
                line = await self._process.stdout.readline()
        except TimeoutError:
            raise ProgramFailed(f"{self._name} did not answer within {seconds:g} s: {last_words(self._log)}") from None
        if not line:
            raise ProgramFailed(f"{self._name} ended: {last_words(self._log)}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    async def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


@asynccontextmanager
async def program(
    module: str, *arguments: str, folder: Path, python: str = sys.executable, settings: Mapping[str, str] | None = None
) -> AsyncIterator[Program]:
    """`python -m module arguments`, ready for requests. Its working directory is `folder`, where it writes its log."""
    log = folder / f"{module}.log"
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            *(python, "-m", module, *arguments),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=output,
            cwd=folder,
            env=environment(settings or {}),
            limit=LINE_LIMIT,
        )
    running = Program(module, process, log)
    try:
        await running.answer(READY_SECONDS)
        yield running
    finally:
        await running.close()


@asynccontextmanager
async def server(name: str, *command: str, folder: Path, settings: Mapping[str, str]) -> AsyncIterator[int]:
    """A Python server as a process that does not outlive this one; yields its pid and stops it at the end."""
    with (folder / f"{name}.log").open("ab") as output:
        child = Child(
            [sys.executable, *command],
            death_signal=signal.SIGKILL,
            output=output,
            folder=folder,
            environment=environment(settings),
        ).start()
    try:
        yield child.pid
    finally:
        child.terminate()
        if await finished(child, STOP_SECONDS) is None:
            end(child)


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """The environment of this process, with these settings of the service and no others."""
    ours = {name for name in os.environ if name.lower() in Settings.model_fields}
    inherited = {name: value for name, value in os.environ.items() if name not in ours}
    return {**inherited, "PYTHONPATH": str(REPOSITORY), **settings}


def last_words(log: Path) -> str:
    lines = log.read_text("utf-8", errors="replace").strip().splitlines()
    return " | ".join(lines[-5:]) or "it said nothing"
