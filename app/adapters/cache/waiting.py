"""Repeats an attempt until it succeeds, or until all entries that it should remove have expired."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

RETRY_SECONDS = 0.1
MARGIN_SECONDS = 0.5
"""How much longer a writer waits than entries live, because clocks do not run at exactly the same speed."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Waits for at most as long as entries live.

    ttl_seconds: how long entries live.
    monotonic: a clock in seconds.
    sleep: waits for a number of seconds.
    margin_seconds: how much longer to wait than entries live.
    """

    ttl_seconds: float
    monotonic: Callable[[], float]
    sleep: Callable[[float], Awaitable[object]]
    margin_seconds: float = MARGIN_SECONDS

    async def until(self, attempt: Callable[[], Awaitable[bool]]) -> None:
        """Return when `attempt` succeeds, or when every entry that exists now has expired."""
        deadline = self.monotonic() + self.ttl_seconds + self.margin_seconds
        while not await attempt():
            left = deadline - self.monotonic()
            if left <= 0:
                return
            await self.sleep(min(RETRY_SECONDS, left))
