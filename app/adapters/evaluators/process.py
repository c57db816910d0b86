"""One evaluator process, seen from the service."""

import asyncio
import os
import signal
import socket
import sys
from contextlib import suppress
from dataclasses import dataclass
from subprocess import DEVNULL, Popen

from app.engine.evaluating.ports import TOO_COSTLY, UNAVAILABLE, EvaluatorError

PROGRAM = "app.adapters.evaluators.child"
START_SECONDS = 30.0
PATIENCE = 20.0
"""How many times its deadline of processor time a process may take: more, and the machine has no time for it."""

_AT_DEADLINE = (-signal.SIGPROF, -signal.SIGXCPU)
_WITHOUT_MEMORY = (-signal.SIGABRT, -signal.SIGSEGV)
"""Native libraries end a process so when they get no memory."""


@dataclass(frozen=True, slots=True)
class ProcessLimits:
    """What one evaluation may take.

    - deadline_seconds: its processor time
    - memory_bytes: the address space of its process
    """

    deadline_seconds: float
    memory_bytes: int


class EvaluatorProcess:
    """Makes one evaluation after another. One that ends without an answer is of no use any more."""

    def __init__(
        self,
        process: Popen[bytes],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        limits: ProcessLimits,
    ) -> None:
        self._process = process
        self._reader = reader
        self._writer = writer
        self._limits = limits

    @classmethod
    async def start(cls, limits: ProcessLimits) -> "EvaluatorProcess":
        """A process that is ready. Raise `EvaluatorError` when there is none to be had."""
        ours, theirs = socket.socketpair()
        try:
            process = _spawned(theirs, limits)
        except OSError as error:
            ours.close()
            raise EvaluatorError(UNAVAILABLE, f"no evaluator process can be started: {error.strerror}") from None
        finally:
            theirs.close()
        reader, writer = await asyncio.open_unix_connection(sock=ours)
        started = cls(process, reader, writer, limits)
        try:
            await started._answer(START_SECONDS)
        except EvaluatorError as error:
            await started.end()
            raise EvaluatorError(UNAVAILABLE, f"no evaluator process can be started: {error}") from None
        except BaseException:
            await started.end()
            raise
        return started

    @property
    def pid(self) -> int:
        return self._process.pid

    async def answer(self, job: bytes) -> bytes:
        """Raise `EvaluatorError`; then, and when this is cancelled, the process has to be ended."""
        # A process that has ended is noticed when its answer is read.
        with suppress(ConnectionError):
            self._writer.write(len(job).to_bytes(4))
            self._writer.write(job)
            await self._writer.drain()
        return await self._answer(self._limits.deadline_seconds * PATIENCE)

    async def end(self) -> None:
        self._process.kill()
        self._writer.close()
        await asyncio.to_thread(self._process.wait)

    async def _answer(self, seconds: float) -> bytes:
        try:
            async with asyncio.timeout(seconds):
                head = await self._reader.readexactly(4)
                return await self._reader.readexactly(int.from_bytes(head))
        except TimeoutError:
            late = f"the evaluation did not end within {seconds:g} s: the machine is busy"
            raise EvaluatorError(UNAVAILABLE, late) from None
        except (asyncio.IncompleteReadError, ConnectionError):
            raise self._ended(await asyncio.to_thread(self._process.wait)) from None

    def _ended(self, code: int) -> EvaluatorError:
        if code in _AT_DEADLINE:
            limit = f"{round(self._limits.deadline_seconds * 1000)} ms of processor time, the limit"
            return EvaluatorError(TOO_COSTLY, f"the evaluation was stopped after {limit}")
        if code in _WITHOUT_MEMORY:
            megabytes = self._limits.memory_bytes >> 20
            return EvaluatorError(TOO_COSTLY, f"the evaluation needs more memory than {megabytes} MB, the limit")
        return EvaluatorError(UNAVAILABLE, f"the evaluator process ended with {code}")


def _spawned(channel: socket.socket, limits: ProcessLimits) -> Popen[bytes]:
    """Not by the event loop: that one forks, and the handlers of gRPC for a fork have crashed the new process before it
    could run its program. This one does not run them.
    """
    arguments = (str(limits.memory_bytes), str(limits.deadline_seconds))
    return Popen(
        (sys.executable, "-P", "-m", PROGRAM, *arguments),
        stdin=channel.fileno(),
        stdout=channel.fileno(),
        stderr=DEVNULL,
        env=_environment(),
        cwd="/",
        start_new_session=True,
    )


def _environment() -> dict[str, str]:
    """Nothing of this process's own variables, which hold the database's address and secrets."""
    return {"PYTHONPATH": os.pathsep.join(os.path.abspath(folder or os.curdir) for folder in sys.path)}
