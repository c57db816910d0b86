"""Reads and follows the feed for a caller."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass

from app.domain.callers import Caller
from app.domain.errors import Invalid, PositionExpired, Unavailable
from app.feed.entries import EVERYTHING, FeedBatch, FeedEvent, FeedFilter
from app.feed.follower import FeedFollower
from app.feed.ports import FeedStore
from app.feed.reading import FeedReading

Batches = AsyncGenerator[FeedBatch]

READS_OF_PAGE = 20
"""A page ends after so many reads, also if it is not full: a filter may match almost nothing."""


@dataclass(frozen=True, slots=True)
class FeedPage:
    """A part of the feed.

    events: those that are wanted, in the order of their positions; there may be none.
    next_position: read on from here. No event up to it is missing.
    """

    events: Sequence[FeedEvent]
    next_position: int


class FeedService:
    """Reads and follows the events of the caller's tenant.

    All methods raise `PositionExpired` when what follows a position has been removed, `Invalid` for a position that
    does not exist, and `Unavailable` when the database is unreachable or the process stops.

    store: gives positions.
    reading: reads entries and events.
    follower: the end of the feed, for all readers of this process.
    """

    def __init__(self, store: FeedStore, reading: FeedReading, follower: FeedFollower) -> None:
        self._store = store
        self._reading = reading
        self._follower = follower

    def wake(self) -> None:
        """There are new events. Never waits."""
        self._follower.wake()

    def close(self) -> None:
        """End all that follow the feed in this process, because it stops."""
        self._follower.close()

    async def page(
        self, caller: Caller, after: int | None, limit: int, wanted: FeedFilter = EVERYTHING, wait_seconds: float = 0
    ) -> FeedPage:
        """At most `limit` events behind a position.

        after: None begins with the oldest that is kept.
        wait_seconds: if there are none yet, wait so long for some.
        """
        after = await self._checked(after)
        page = await self._scan(caller.tenant_id, after, limit, wanted)
        if page.events or wait_seconds <= 0:
            return page
        return await self._wait(caller.tenant_id, page.next_position, limit, wanted, wait_seconds)

    async def watch(self, caller: Caller, after: int | None, wanted: FeedFilter = EVERYTHING) -> Batches:
        """Replay what follows a position, then follow the feed without an end. Batches may be empty: they tell how far
        the feed was read.

        after: None begins with what is stored from now on. The first batch is then empty, and tells where that is.
        """
        if after is not None:
            return self._follow(caller.tenant_id, await self._checked(after), wanted)
        return self._follow(caller.tenant_id, await self._reading.end(), wanted, from_now=True)

    async def _checked(self, after: int | None) -> int:
        head = await self._store.head()
        if after is None:
            return head.removed
        # No reader has got a position that was not given: this one is of another database, or of one before a restore.
        if not 0 <= after <= head.last:
            raise Invalid.at("after", f"{after} is not a position: they are from 0 to {head.last} now")
        if after < head.removed:
            raise PositionExpired(after, head.removed)
        return after

    async def _scan(self, tenant_id: int, after: int, limit: int, wanted: FeedFilter) -> FeedPage:
        found: list[FeedEvent] = []
        for _ in range(READS_OF_PAGE):
            batch = await self._next(tenant_id, after)
            if batch is None:
                break
            found += batch.only(wanted).events
            if len(found) >= limit:
                return _cut(found, limit, batch.last)
            after = batch.last
        return FeedPage(found, after)

    async def _next(self, tenant_id: int, after: int) -> FeedBatch | None:
        """What follows a position. If nothing does, what is stored without positions gets some."""
        batch = await self._reading.read(tenant_id, after)
        if batch is None:
            await self._store.number()
            batch = await self._reading.read(tenant_id, after)
        return batch

    async def _wait(self, tenant_id: int, after: int, limit: int, wanted: FeedFilter, seconds: float) -> FeedPage:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds), aclosing(self._follow(tenant_id, after, wanted)) as batches:
                async for batch in batches:
                    after = batch.last
                    if batch.events:
                        return _cut(batch.events, limit, after)
        return FeedPage((), after)

    async def _follow(self, tenant_id: int, after: int, wanted: FeedFilter, *, from_now: bool = False) -> Batches:
        watcher = self._follower.add(tenant_id, after)
        try:
            if from_now:
                yield FeedBatch(after, after, ())
            while True:
                batch = watcher.take(after)
                if batch is None and watcher.must_read:
                    # Cleared before the read: what is offered during it may not be seen by it.
                    watcher.must_read = False
                    batch = await self._reading.read(tenant_id, after)
                    watcher.must_read = watcher.must_read or batch is not None
                if batch is not None:
                    yield batch.only(wanted)
                    after = batch.last
                elif watcher.is_closed:
                    raise Unavailable(f"the server is stopping; read on from position {after}")
                else:
                    await watcher.wait()
        finally:
            self._follower.remove(tenant_id, watcher)


def _cut(events: Sequence[FeedEvent], limit: int, through: int) -> FeedPage:
    """The first events, and the position to read on from."""
    if len(events) <= limit:
        return FeedPage(events, through)
    return FeedPage(events[:limit], events[limit - 1].position)
