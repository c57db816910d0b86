"""What happened, as a hash to compare and as last words to read."""

import traceback
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import structlog

from tests.support.simulated_loop import PLACE, SimulatedLoop

DEFECTS = frozenset(
    {
        "run_dropped",
        "acknowledgement_failed",
        "execution_cannot_be_continued",
        "loop_died",
        "task_handler_failed",
    }
)
"""Log lines that tell of an unexpected exception. The last one is expected where a task raises it on purpose."""


LINES_SHOWN = 80


class Trace:
    def __init__(self, loop: SimulatedLoop) -> None:
        self._loop = loop
        self._hash = blake2b(digest_size=8)
        self.lines: list[str] = []
        self.defects: list[str] = []

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()

    def note(self, text: str) -> None:
        line = f"{self._loop.time():10.4f} {text}"
        self._hash.update(line.encode())
        self.lines.append(line)

    @contextmanager
    def logs(self) -> Iterator[None]:
        """Log lines become lines of the trace."""
        before = structlog.get_config()
        structlog.configure(processors=[self._take], wrapper_class=structlog.BoundLogger)
        try:
            yield
        finally:
            structlog.configure(**before)

    def _take(self, _: Any, level: str, line: MutableMapping[str, Any]) -> Any:
        event = line.pop("event")
        error = line.pop("exc_info", None)
        details = " ".join(f"{name}={value}" for name, value in line.items())
        self.note(f"{PLACE.get().name} {level} {event} {details}")
        if event in DEFECTS and "defect of the task" not in str(error):
            self.defects.append(f"{event} {details} {error or traceback.format_exc()!r}")
        raise structlog.DropEvent


@dataclass(frozen=True, slots=True)
class Ending:
    """`digest` is the same whenever the seed and the code are."""

    seed: int
    digest: str
    problems: list[str]
    lines: list[str]
    executions: int
    events: int

    def told(self, lines: int = LINES_SHOWN) -> str:
        """What is wrong, the last `lines` of what happened, and how to see it all again."""
        return "\n".join(
            [
                f"seed {self.seed} breaks what is promised:",
                *(f"  {problem}" for problem in self.problems[:20]),
                f"the last of {len(self.lines)} lines of what happened:",
                *self.lines[-lines:],
                f'all of it: make test ARGS="tests/simulation --seed {self.seed}"',
            ]
        )
