"""Follows the end of the feed, once in a process, for all readers in it.

It reads the entries of all tenants, and of each tenant with readers the events. So the work for new events does not
depend on how many readers there are. As long as there are no readers it does nothing, and nothing gets a position.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from app.background.backoff import Backoff
from app.background.loop import RETRY, Loop, OnDefect
from app.background.wake_up import WakeUp
from app.domain.errors import PositionExpired
from app.feed.entries import FeedBatch
from app.feed.ports import FeedStore
from app.feed.reading import FeedReading
from app.feed.watcher import FeedWatcher

KEPT_EVENTS = 10_000
KEPT_BYTES = 33_554_432
REST = 1.0
"""It reads at most half of the time. So it reads the more at a time, the more there is."""

KEPT_SECONDS = 60.0
"""How long events are still read for a tenant whose last reader has left: one who comes back soon finds them here."""


class Readers:
    """The readers of one tenant, and the newest events of the tenant.

    left_at: when the last reader left; None while there are some.
    """

    def __init__(self) -> None:
        self.watchers: dict[FeedWatcher, None] = {}  # a set that keeps its order
        self.left_at: float | None = None
        self._kept: deque[FeedBatch] = deque()
        self._events = 0
        self._bytes = 0

    def offer(self, batch: FeedBatch) -> None:
        self._keep(batch)
        for watcher in self.watchers:
            watcher.offer(batch)

    def kept(self, after: int) -> Sequence[FeedBatch]:
        """The batches behind a position; none if what follows it is not kept any more."""
        if not self._kept or self._kept[0].after > after:
            return ()
        return [batch for batch in self._kept if batch.last > after]

    def _keep(self, batch: FeedBatch) -> None:
        self._kept.append(batch)
        self._events += len(batch.events)
        self._bytes += batch.size
        while self._kept and (self._events > KEPT_EVENTS or self._bytes > KEPT_BYTES):
            first = self._kept.popleft()
            self._events -= len(first.events)
            self._bytes -= first.size


class FeedFollower:
    """The end of the feed, for the readers of this process.

    store: gives positions.
    reading: reads entries and events.
    poll_seconds: after so long it looks for new events without a wake-up.
    clock: seconds that never go back.
    backoff: the pauses after an error of the store.
    """

    def __init__(
        self,
        store: FeedStore,
        reading: FeedReading,
        poll_seconds: float,
        clock: Callable[[], float] = time.monotonic,
        backoff: Backoff = RETRY,
    ) -> None:
        self._store = store
        self._reading = reading
        self._clock = clock
        self._tenants: dict[int, Readers] = {}
        self._position: int | None = None
        self._is_closed = False
        self._wake_up = WakeUp()
        self._loop = Loop("feed", self._step, partial(self._pause, poll_seconds), backoff=backoff, rest=REST)

    def start(self, on_defect: OnDefect) -> None:
        """A defect that ends the loop is reported to `on_defect(error)`."""
        self._loop.start(on_defect)

    def close(self) -> None:
        """End all readers, also those to come. Harmless when repeated."""
        self._is_closed = True
        for watcher in self._watchers():
            watcher.close()

    async def stop(self) -> None:
        """As `close`, and follow no further."""
        self.close()
        await self._loop.finish()

    def wake(self) -> None:
        """There may be new events. Never waits, and costs nothing while there are no readers."""
        if self._tenants:
            self._wake_up.wake()

    def add(self, tenant_id: int, after: int) -> FeedWatcher:
        """A watcher for a reader of the tenant who has read up to this position."""
        readers = self._tenants.get(tenant_id)
        if readers is None:
            readers = self._tenants[tenant_id] = Readers()
        watcher = FeedWatcher(readers.kept(after))
        readers.watchers[watcher] = None
        readers.left_at = None
        if self._is_closed:
            watcher.close()
        self._wake_up.wake()
        return watcher

    def remove(self, tenant_id: int, watcher: FeedWatcher) -> None:
        readers = self._tenants[tenant_id]
        readers.watchers.pop(watcher, None)
        if not readers.watchers:
            readers.left_at = self._clock()

    async def _step(self) -> bool:
        """Offer what is new. True when there may be more."""
        self._forget_those_who_left()
        if not self._tenants:
            self._position = None
            return False
        if self._position is None:
            await self._begin()
        else:
            await self._store.number()
        return await self._read_on()

    async def _begin(self) -> None:
        """From the end on. Readers who are there already read the store up to it."""
        self._position = await self._reading.end()
        for watcher in self._watchers():
            watcher.wake()

    async def _read_on(self) -> bool:
        after = self._position
        assert after is not None
        try:
            entries = await self._reading.entries(after)
        except PositionExpired:
            # It has not read for days. Its readers will find the same, and say so.
            self._position = None
            return True
        for tenant_id, readers in list(self._tenants.items()) if entries else ():
            readers.offer(await self._reading.batch(tenant_id, after, entries))
        self._position = entries[-1].last if entries else after
        return bool(entries)

    async def _pause(self, seconds: float) -> None:
        await self._wake_up.wait(seconds if self._tenants else None)

    def _forget_those_who_left(self) -> None:
        oldest = self._clock() - KEPT_SECONDS
        for tenant_id, readers in list(self._tenants.items()):
            if readers.left_at is not None and readers.left_at <= oldest:
                del self._tenants[tenant_id]

    def _watchers(self) -> Iterator[FeedWatcher]:
        return (watcher for readers in self._tenants.values() for watcher in readers.watchers)
