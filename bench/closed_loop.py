"""The closed loop that generates all load: a number of callers, each of which calls again when its call has ended.

The measured window begins at the end of a call, once every caller can have completed one. It ends at the end of a call,
after as many calls as there are callers, or a multiple. So callers that move in step are measured over whole steps: a
window that ended with the first call of a step would contain the step's time without the calls of the others.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.processes import cpu_seconds, peak_bytes

Operation = Callable[[], Awaitable[float | None]]
"""One call; returns the seconds to its first response, or None if it has only one."""


@dataclass(frozen=True, slots=True)
class Load:
    """The load and the window of one measurement.

    seconds: the minimum length of the window.
    at_least: the minimum number of calls in the window.
    max_seconds: the window ends after this time even if it has fewer calls.
    role: the role of this process in the report.
    watched: other processes by role, whose processor time is measured too.
    """

    concurrency: int
    seconds: float
    warmup_seconds: float
    max_seconds: float
    role: str = "client"
    watched: Mapping[str, Sequence[int]] = field(default_factory=dict)
    at_least: int = 0


@dataclass(slots=True)
class Measured:
    """The result of one window. Times are in seconds; `total` also counts the calls before and after the window."""

    operations: int = 0
    seconds: float = 0.0
    total: int = 0
    first: list[float] = field(default_factory=list)
    end: list[float] = field(default_factory=list)
    cpu_seconds: dict[str, float] = field(default_factory=dict)
    peak_bytes: dict[str, int] = field(default_factory=dict)

    def summary(self) -> dict[str, Any]:
        """As JSON, with percentiles instead of single times."""
        return {
            "operations": self.operations,
            "seconds": self.seconds,
            "total": self.total,
            "first_ms": percentiles(self.first),
            "end_ms": percentiles(self.end),
            "cpu_seconds": self.cpu_seconds,
            "peak_bytes": self.peak_bytes,
        }


class Window:
    """Receives the ends of calls and decides when the window begins and ends."""

    def __init__(self, load: Load) -> None:
        self.measured = Measured()
        self.over = False
        self._load = load
        self._started = time.perf_counter()
        self._began: float | None = None
        self._cpu: dict[str, float] = {}

    def ended(self, began: float, first: float | None = None) -> None:
        """A call that began at `began` (of `time.perf_counter`) has just ended."""
        now = time.perf_counter()
        self.measured.total += 1
        if self._began is None:
            self._begin_if_warm(now)
        elif not self.over:
            self._count(now, began, first)

    def _begin_if_warm(self, now: float) -> None:
        warm = now - self._started
        ready = self.measured.total % self._load.concurrency == 0 and warm >= self._load.warmup_seconds
        if ready or warm >= self._load.max_seconds:
            self._cpu = self._cpu_now()
            self._began = time.perf_counter()

    def _count(self, now: float, began: float, first: float | None) -> None:
        assert self._began is not None
        self.measured.end.append(now - began)
        if first is not None:
            self.measured.first.append(first)
        long, load = now - self._began, self._load
        calls = len(self.measured.end)
        enough = calls >= load.at_least and calls % load.concurrency == 0
        if (enough and long >= load.seconds) or long >= load.max_seconds:
            self._close(long)

    def _close(self, seconds: float) -> None:
        self.over = True
        measured = self.measured
        measured.operations, measured.seconds = len(measured.end), seconds
        after = self._cpu_now()
        measured.cpu_seconds = {role: after[role] - before for role, before in self._cpu.items()}
        measured.peak_bytes = {role: peak_bytes(pids) for role, pids in self._processes().items()}

    def _cpu_now(self) -> dict[str, float]:
        watched = {role: cpu_seconds(pids) for role, pids in self._load.watched.items()}
        return {self._load.role: time.process_time(), **watched}

    def _processes(self) -> dict[str, Sequence[int]]:
        return {self._load.role: [os.getpid()], **self._load.watched}


async def closed_loop(operation: Operation, load: Load) -> Measured:
    """Call until the window is over and every call has ended. A call that raises ends the measurement."""
    window = Window(load)

    async def caller() -> None:
        while not window.over:
            began = time.perf_counter()
            window.ended(began, await operation())

    async with asyncio.TaskGroup() as callers:
        for _ in range(load.concurrency):
            callers.create_task(caller())
    return window.measured


def percentiles(seconds: Sequence[float]) -> dict[str, float] | None:
    """`{"p50": ms, "p99": ms}`, by nearest rank; None if `seconds` is empty."""
    if not seconds:
        return None
    ordered = sorted(seconds)
    return {name: 1000 * ordered[int((len(ordered) - 1) * part)] for name, part in (("p50", 0.5), ("p99", 0.99))}
