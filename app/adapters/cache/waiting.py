"""Trying again until something is done, or until it no longer matters."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

RETRY_SECONDS = 0.1
MARGIN_SECONDS = 0.5
"""How much longer a writer waits than entries live, for clocks that do not run at quite the same speed."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long entries live, in seconds, and the means to outlive them."""

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
