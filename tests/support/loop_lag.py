"""Finds what keeps an event loop busy: the processor time of each of its callbacks."""

import asyncio
import gc
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from traceback import extract_stack
from types import FrameType

from tests.support.cost import unit

USUAL_UNIT = 0.003
"""A unit of `cost` on the machine that the limits are meant for, in seconds."""
DEEPEST = 6
"""How many lines of a stack a stall names."""


@dataclass
class LoopLag:
    """Processor time, because a busy machine is not the callback's fault.

    stalls: the callbacks that took longer than the limit: the seconds, and where they were when the limit was reached.
    longest: the seconds of the longest callback.
    callbacks: how many there were.
    """

    stalls: list[str] = field(default_factory=list)
    longest: float = 0.0
    callbacks: int = 0


@contextmanager
def loop_lag(limit: float = 0.1) -> Iterator[LoopLag]:
    """Watch the callbacks of the main thread's event loop, which is one of Python's own.

    limit: seconds on a machine with the usual unit; a slower one gets as many units.
    """
    limit *= max(1.0, unit() / USUAL_UNIT)
    lag, run = LoopLag(), asyncio.Handle._run
    places: list[str] = []

    def note(_: int, frame: FrameType | None) -> None:
        lines = [f"{line.filename.rpartition('/')[2]}:{line.lineno}" for line in extract_stack(frame)[-DEEPEST:]]
        places.append(" > ".join(lines))

    def timed(handle: asyncio.Handle) -> None:
        places.clear()
        signal.setitimer(signal.ITIMER_PROF, limit)
        began = time.thread_time()
        run(handle)
        took = time.thread_time() - began
        signal.setitimer(signal.ITIMER_PROF, 0)
        # What the callback that leaves the context does afterwards is not watched.
        if asyncio.Handle._run is timed:
            lag.callbacks += 1
            lag.longest = max(lag.longest, took)
            if took > limit:
                lag.stalls.append(f"{took:.3f} s, at {places}")

    # The objects of all other tests are not the callbacks' garbage to look through.
    gc.collect()
    gc.freeze()
    before = signal.signal(signal.SIGPROF, note)
    asyncio.Handle._run = timed  # type: ignore[method-assign]
    try:
        yield lag
    finally:
        asyncio.Handle._run = run  # type: ignore[method-assign]
        # The timer of the callback that leaves this context.
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
        gc.unfreeze()
