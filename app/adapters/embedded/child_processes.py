"""Child processes that do not outlive this one, even when it is killed.

Linux sends the signal that ends a child when the *thread* that started it ends. So start children from the main thread,
or from one that lives as long as they should.
"""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

STARTER = Path(__file__).with_name("start_child_process.py")
POLL_SECONDS = 0.005


@dataclass(frozen=True, slots=True)
class Child:
    """A program to start. It leads a session of its own, so that Ctrl-C reaches only this process, which then stops its
    children in the right order.

    command: the program and its arguments.
    death_signal: sent to the child when this process has ended.
    output: where the child writes; None means this process's own output.
    keep_open: the file descriptors that the child inherits.
    identity: see `start_child_process.py`.
    folder: see `start_child_process.py`.
    environment: the child's environment; None means this process's own.
    """

    command: Sequence[str]
    death_signal: signal.Signals
    output: IO[bytes] | None = None
    keep_open: tuple[int, ...] = ()
    identity: str = "same"
    folder: Path = Path("/")
    environment: Mapping[str, str] | None = None

    def start(self) -> subprocess.Popen[bytes]:
        starter = [sys.executable, "-I", "-S", str(STARTER), str(os.getpid()), str(int(self.death_signal))]
        return subprocess.Popen(
            [*starter, self.identity, str(self.folder), *self.command],
            stdin=subprocess.PIPE,
            stdout=self.output,
            stderr=self.output,
            pass_fds=self.keep_open,
            env=self.environment,
            start_new_session=True,
        )


async def finished(process: subprocess.Popen[bytes], seconds: float) -> int | None:
    """Wait until `process` has ended and return its exit code; None when it still runs after `seconds`."""
    deadline = asyncio.get_running_loop().time() + seconds
    while process.poll() is None:
        if asyncio.get_running_loop().time() >= deadline:
            return None
        await asyncio.sleep(POLL_SECONDS)
    return end(process)


def end(process: subprocess.Popen[bytes]) -> int:
    """Kill `process` if it still runs, close its standard input, and return its exit code."""
    process.kill()
    if process.stdin:
        process.stdin.close()
    return process.wait()


def how_it_ended(code: int) -> str:
    """An exit code in words: `ended with exit code 1`, `was killed by SIGKILL`."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:  # a real-time signal
        return f"was killed by signal {-code}"
