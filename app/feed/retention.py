"""Removes what is old from the feed, in small batches. The histories themselves remain."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import structlog

from app.background.loop import Loop, OnDefect
from app.feed.ports import FeedExpiry

log = structlog.get_logger(__name__)

SWEEP_SECONDS = 60.0
AT_ONCE = 1_000
PAUSE_SECONDS = 0.05


class FeedRetention:
    """Removes rows at the start of the process and at an interval.

    expiry: removes rows from the store.
    sweep_seconds: the pause between two sweeps.
    at_once: how many rows one statement removes at most.
    sleep: waits for so many seconds; a test may give its own.
    """

    def __init__(
        self,
        expiry: FeedExpiry,
        sweep_seconds: float = SWEEP_SECONDS,
        at_once: int = AT_ONCE,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._expiry = expiry
        self._at_once = at_once
        self._sleep = sleep
        self._loop = Loop("feed retention", self._sweep_once, partial(sleep, sweep_seconds), sleep=sleep)

    def start(self, on_defect: OnDefect) -> None:
        """A defect that ends the loop is reported to `on_defect(error)`."""
        self._loop.start(on_defect)

    async def stop(self) -> None:
        """Harmless when repeated."""
        await self._loop.finish()

    async def sweep(self) -> int:
        """Remove all that is too old; return how many rows these were."""
        total = 0
        while (removed := await self._expiry.remove(self._at_once)) > 0:
            total += removed
            if removed < self._at_once:
                break
            await self._sleep(PAUSE_SECONDS)
        if total:
            log.info("feed_rows_removed", rows=total)
        return total

    async def _sweep_once(self) -> None:
        await self.sweep()
