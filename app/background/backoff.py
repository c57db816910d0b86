"""Pauses between tries of something that does not work at the moment."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

MOST_DOUBLINGS = 60
"""Enough for any limit, and far below where a power of two leaves the range of a float."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential back-off: each pause is twice the one before, up to a limit.

    first_seconds: the pause after the first failure.
    longest_seconds: the limit.
    jitter: the greatest part by which a pause is shortened by chance, so that processes that failed together do not
        try again together. 0 for none.
    chance: a random number from 0 to below 1.
    """

    first_seconds: float
    longest_seconds: float
    jitter: float = 0.2
    chance: Callable[[], float] = random.random

    def pause(self, failures: int) -> float:
        """The seconds to wait after so many failures in a row, counted from 1."""
        full = min(self.first_seconds * 2.0 ** min(failures - 1, MOST_DOUBLINGS), self.longest_seconds)
        return full * (1 - self.jitter * self.chance()) if self.jitter else full

    def pauses(self) -> Iterator[float]:
        """The pauses after the first failure, the second, and so on, without end."""
        failures = 0
        while True:
            failures += 1
            yield self.pause(failures)
