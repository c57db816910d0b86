"""Takes several requests at once from the sliding windows of a storage of the library `limits`."""

import time

from limits import RateLimitItemPerMinute
from limits.aio.storage import Storage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from app.identity.ports import Taken

NAMESPACE = "requests"
SHORTEST_REFUSAL = 1.0
"""Seconds. The service tells callers to wait in whole seconds."""


class SlidingWindows:
    """Counts in one storage. Raises what the storage raises."""

    def __init__(self, storage: Storage) -> None:
        self._limiter = SlidingWindowCounterRateLimiter(storage)

    async def take(self, subject: str, per_minute: int, wanted: int) -> Taken:
        """See `RateCounters`."""
        limit = RateLimitItemPerMinute(per_minute, namespace=NAMESPACE)
        if await self._limiter.hit(limit, subject, cost=wanted):
            return Taken(wanted)
        free = await self._limiter.get_window_stats(limit, subject)
        granted = min(free.remaining, wanted - 1)
        if granted > 0 and await self._limiter.hit(limit, subject, cost=granted):
            return Taken(granted)
        # The library adds this clock's time to the seconds that the storage reports.
        return Taken(0, max(SHORTEST_REFUSAL, free.reset_time - time.time()))
