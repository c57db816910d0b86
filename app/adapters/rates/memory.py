"""The sliding windows of one process, as a storage of the library `limits`."""

from collections.abc import Callable
from dataclasses import dataclass
from math import floor

from limits.aio.storage import MemoryStorage

from app.domain.recently_used import RecentlyUsed

MOST_WINDOWS = 100_000


@dataclass(slots=True)
class _Window:
    """Counts of the current window and the one before it.

    number: of the current window, counted from the start of the clock.
    """

    number: int
    previous: int = 0
    current: int = 0


class BoundedMemory(MemoryStorage):
    """The library's own memory, with sliding windows that are bounded in number and follow a clock that is never set.

    The library's would start a task for each request that looks at all that it has counted, and it keeps any number of
    counts: so many clients at once would slow down all. Here the `MOST_WINDOWS` windows used last are kept.

    monotonic: seconds on a clock that is never set.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        super().__init__()
        self._monotonic = monotonic
        self._windows: RecentlyUsed[str, _Window] = RecentlyUsed(MOST_WINDOWS)

    async def acquire_sliding_window_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        window, now = self._at(key, expiry)
        weighted = window.previous * (1 - now / expiry % 1) + window.current
        if floor(weighted) + amount > limit:
            return False
        window.current += amount
        return True

    async def get_sliding_window(self, key: str, expiry: int) -> tuple[int, float, int, float]:
        """The previous count, how long it still weighs, the current count, and until when it does."""
        window, now = self._at(key, expiry)
        left = (1 - now / expiry % 1) * expiry
        return window.previous, left, window.current, left + expiry

    async def clear_sliding_window(self, key: str, expiry: int) -> None:
        self._windows.pop(key)

    def _at(self, key: str, expiry: int) -> tuple[_Window, float]:
        now = self._monotonic()
        number = int(now // expiry)
        window = self._windows.get(key)
        if window is None:
            window = _Window(number)
            self._windows.put(key, window)
        elif number > window.number:
            window.previous = window.current if number == window.number + 1 else 0
            window.number, window.current = number, 0
        return window, now
