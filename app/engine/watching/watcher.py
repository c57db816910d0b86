"""The buffer between what happens to an execution and one reader who follows it."""

import asyncio
from collections import deque

from app.background.alarm import Alarm
from app.engine.watching.batch import Batch

HELD_EVENTS = 1_000


class Watcher:
    """The buffer between the hub, which offers batches, and one reader, which takes them.

    must_read: whether the reader must read the database by itself, because the buffer does not have all new events.
    after: the number of the last event that the reader had when it last took something.
    follows: whether the reader takes the events. Otherwise it only wants to be woken up.
    """

    __slots__ = ("_held", "_held_events", "_reminder", "_waiting", "_woken", "after", "follows", "must_read")

    def __init__(self) -> None:
        self._held: deque[Batch] = deque()
        self._held_events = 0
        self._woken = False
        self._waiting: asyncio.Future[None] | None = None
        self._reminder = Alarm(self.wake)
        self.must_read = True
        self.after = 0
        self.follows = False

    @property
    def wants_more(self) -> bool:
        """True while the reader has taken everything and waits for the next event."""
        return self.follows and self._waiting is not None and not self._waiting.done()

    def offer(self, batch: Batch) -> None:
        """Buffer a batch of committed events. Never waits."""
        # Dropping events is safe, because they are in the database already. It bounds the memory of a slow reader, and
        # the engine never waits for one.
        if self._held_events + len(batch.events) > HELD_EVENTS or not self._continues(batch):
            self._held.clear()
            self._held_events = 0
            self.must_read = True
        else:
            self._held.append(batch)
            self._held_events += len(batch.events)
        self.end_wait()

    def wake(self) -> None:
        """Make the reader read the database by itself, because the history has grown or may have grown."""
        self.must_read = True
        self.end_wait()

    def take(self, after: int) -> Batch | None:
        """Remove and return the next buffered batch, from event `after` + 1 on.

        None when the buffer is empty. None, and `must_read` is set, when events between `after` and the buffer are
        missing.
        """
        # The reader is about to see everything that it was woken for. Wake-ups from here on set the flag again, so
        # that `wait` returns at once.
        self._woken = False
        self.after = after
        # A read of the database may have returned events that were offered meanwhile. They must not be returned twice.
        while self._held and self._held[0].last <= after:
            # A reader beyond the end receives no last event. It learns from the database that nothing will come.
            if self._drop_first().is_final:
                self.must_read = True
        if not self._held:
            return None
        if self._held[0].first > after + 1:
            self.must_read = True
            return None
        batch = self._drop_first()
        return batch if batch.first > after else batch.rest(after)

    def holds_from(self, number: int) -> bool:
        """True when the buffer begins with event `number`, so that the database need not be read."""
        return bool(self._held) and self._held[0].first == number

    async def wait(self, seconds: float | None = None) -> None:
        """Wait for a batch or a wake-up. After `seconds` without either, set `must_read` and return."""
        if not self._woken:
            loop = asyncio.get_running_loop()
            self._waiting = loop.create_future()
            if seconds is not None:
                self._reminder.set(loop.time() + seconds, loop)
            try:
                await self._waiting
            finally:
                self._waiting = None
                self._reminder.clear()
        self._woken = False

    def end_wait(self) -> None:
        """End the reader's wait, or the next one when it does not wait now."""
        self._woken = True
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def close(self) -> None:
        """Release the timer. The reader must not wait again."""
        self._reminder.close()

    def _continues(self, batch: Batch) -> bool:
        """False when events are missing before `batch`: another process owned the execution for a while, and its
        events were not delivered to this hub.
        """
        return not self._held or self._held[-1].last + 1 == batch.first

    def _drop_first(self) -> Batch:
        batch = self._held.popleft()
        self._held_events -= len(batch.events)
        return batch
