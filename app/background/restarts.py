"""How often something that has ended is started again, after which pauses, and when that is given up."""

import time
from collections import deque
from collections.abc import Callable

from app.background.backoff import Backoff

MOST = 5
WINDOW_SECONDS = 60.0
PAUSES = Backoff(first_seconds=0.5, longest_seconds=5.0)


class Restarts:
    """Counts the ends of one thing. It is given up when it has ended `most` times within `window_seconds`.

    most: how many ends are too many.
    window_seconds: the time in which they are counted.
    pauses: the pauses before the next starts.
    clock: monotonic, in seconds.
    """

    def __init__(
        self,
        most: int = MOST,
        window_seconds: float = WINDOW_SECONDS,
        pauses: Backoff = PAUSES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most = most
        self._window_seconds = window_seconds
        self._pauses = pauses
        self._clock = clock
        self._ends: deque[float] = deque()

    @property
    def too_often(self) -> str:
        """How often is too often, as the end of a sentence."""
        return f"has ended {self._most} times within {self._window_seconds:g} s"

    def after_an_end(self) -> float | None:
        """Count an end. The seconds to wait before the next start; None when it must not be started again."""
        now = self._clock()
        self._ends.append(now)
        while self._ends[0] <= now - self._window_seconds:
            self._ends.popleft()
        return None if len(self._ends) >= self._most else self._pauses.pause(len(self._ends))
