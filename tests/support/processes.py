"""Real processes in tests: what belongs to one, and waiting for things that happen elsewhere."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
POLL_SECONDS = 0.02


def eventually(holds: Callable[[], object], seconds: float = 120.0) -> None:
    """Return as soon as `holds` is true; fail when it is not within `seconds`."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"{holds} did not become true in {seconds:g} seconds"
        time.sleep(POLL_SECONDS)


def descendants(pid: int) -> set[int]:
    """The processes that `pid` has started, directly or not."""
    parents = {int(one): int(parent) for one, parent, _ in _processes()}
    found: set[int] = set()
    while more := {one for one, parent in parents.items() if parent in found | {pid}} - found:
        found |= more
    return found


def alive(pids: set[int]) -> set[int]:
    """Those that still run; a process that has ended and was not asked for its exit code does not."""
    return {int(one) for one, _, state in _processes() if int(one) in pids and not state.startswith("Z")}


def _processes() -> list[list[str]]:
    listing = subprocess.run(["ps", "-axo", "pid=,ppid=,stat="], capture_output=True, text=True, check=True)
    return [line.split() for line in listing.stdout.splitlines()]


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that has a database open at `url`."""

    process: subprocess.Popen[str]
    url: str

    def close(self) -> int:
        """Let it close the database; its exit code."""
        self.process.stdin.close()
        return self.process.wait(30)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@contextmanager
def storage_holder(database_url: str) -> Iterator[Holder]:
    """A real process with the database open, killed at the end if it still runs."""
    command = [sys.executable, "-m", "tests.support.storage_holder", database_url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY) as process:
        try:
            yield Holder(process, process.stdout.readline().strip())
        finally:
            process.kill()
