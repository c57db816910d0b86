"""What work costs, however fast the machine is and whatever else it does: CPU time, in units measured on the spot."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from time import thread_time

TRIES = 5
STEPS = 100_000


@contextmanager
def at_most(units: float) -> Iterator[None]:
    """Fail when the block takes more CPU time of this thread than so many runs of a plain loop of 100,000 steps.

    A unit is 2 to 5 ms on today's machines. Leave a wide margin: what this is for grows by magnitudes when it breaks.
    """
    began = thread_time()
    yield
    spent = (thread_time() - began) / unit()
    assert spent <= units, f"this took {spent:.0f} units; the limit is {units:g}"


@cache
def unit() -> float:
    """Seconds of one run of the plain loop: the least of several, since what disturbs a measurement only adds to it."""
    return min(_one_run() for _ in range(TRIES))


def _one_run() -> float:
    began = thread_time()
    total = 0
    for number in range(STEPS):
        total += number
    return thread_time() - began
