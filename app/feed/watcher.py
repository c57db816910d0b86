"""The buffer between the follower, which offers batches, and one reader, which takes them."""

import asyncio
from collections import deque
from collections.abc import Iterable

from app.feed.entries import FeedBatch

HELD_EVENTS = 1_000
HELD_BYTES = 4_194_304


class FeedWatcher:
    """What one reader has not taken yet.

    held: batches that follow one another, to begin with.

    must_read: whether the reader must read the store, because the buffer does not have all that follows.
    """

    __slots__ = ("_bytes", "_events", "_held", "_is_closed", "_woken", "must_read")

    def __init__(self, held: Iterable[FeedBatch] = ()) -> None:
        self._held: deque[FeedBatch] = deque()
        self._events = 0
        self._bytes = 0
        self._woken = asyncio.Event()
        self._is_closed = False
        self.must_read = True
        for batch in held:
            self._hold(batch)

    @property
    def is_closed(self) -> bool:
        """True when the process stops."""
        return self._is_closed

    def offer(self, batch: FeedBatch) -> None:
        """Buffer a batch. Never waits. When the buffer is full it is dropped: the reader reads the store instead."""
        if self._has_room(batch) and self._continues(batch):
            self._hold(batch)
        else:
            self._drop()
        self._woken.set()

    def take(self, after: int) -> FeedBatch | None:
        """Remove and return the next batch behind a position. None when the buffer is empty, or does not have what
        follows; `must_read` is then set in the second case.
        """
        self._woken.clear()
        while self._held and self._held[0].through <= after:
            self._remove_first()
        if not self._held:
            return None
        if self._held[0].after > after:
            self.must_read = True
            return None
        self.must_read = False
        batch = self._remove_first()
        return batch if batch.after == after else batch.rest(after)

    def fail(self) -> None:
        """Make the reader read the store, where it finds out what is wrong."""
        self.must_read = True
        self._woken.set()

    def close(self) -> None:
        """Wake up the reader for the last time."""
        self._is_closed = True
        self._woken.set()

    async def wait(self) -> None:
        """Wait until something was offered since the last `take`, or the watcher was closed."""
        await self._woken.wait()

    def _has_room(self, batch: FeedBatch) -> bool:
        return self._events + len(batch.events) <= HELD_EVENTS and self._bytes + batch.size <= HELD_BYTES

    def _continues(self, batch: FeedBatch) -> bool:
        return not self._held or self._held[-1].through == batch.after

    def _hold(self, batch: FeedBatch) -> None:
        self._held.append(batch)
        self._events += len(batch.events)
        self._bytes += batch.size

    def _remove_first(self) -> FeedBatch:
        batch = self._held.popleft()
        self._events -= len(batch.events)
        self._bytes -= batch.size
        return batch

    def _drop(self) -> None:
        self._held.clear()
        self._events = self._bytes = 0
        self.must_read = True
