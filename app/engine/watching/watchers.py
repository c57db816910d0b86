"""Follows histories as they grow.

Invariants: a watcher receives all events, in order and without a gap. Events that it has not received yet are in the
database. So a watcher that is slow, gone or in another process can neither delay an execution nor lose an event.

The hub delivers committed events to the watchers in this process. All watchers of an execution receive the same batch,
so its messages are made only once. Each watcher buffers a bounded number of events. When it falls behind, it drops its
buffer and reads the history from the database. A watcher of an execution that runs in another process reads the
database at each wake-up and, because wake-ups may be lost, at an interval.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Protocol
from uuid import UUID

from app.background.alarm import Alarm
from app.domain.errors import NotFound, Unavailable
from app.domain.events import Event
from app.engine.ports import HistoryPage
from app.engine.watching.updates import Update

PAGE = 500
HELD_EVENTS = 1_000
LONGEST_PATIENCE = 10
"""The longest pause between two reads of a history that does not grow, in multiples of the first pause.

Pauses grow because a thousand watchers of waiting executions would otherwise query the database all the time, without a
result.
"""


class History(Protocol):
    async def __call__(self, after: int, limit: int) -> HistoryPage:
        """Read at most `limit` events of one execution, after number `after`."""


class Batch:
    """Consecutive events of one execution.

    events: the events, at least one.
    first: the number of the first event.
    last: the number of the last event.
    is_shared: whether several watchers receive this batch.
    """

    __slots__ = ("_updates", "events", "first", "is_shared", "last")

    def __init__(self, events: Sequence[Event], *, is_shared: bool = False) -> None:
        self.events = events
        self.first = events[0].sequence
        self.last = events[-1].sequence
        self.is_shared = is_shared
        self._updates: Sequence[Update] | None = None

    def updates(self, show: Callable[["Batch"], Sequence[Update]]) -> Sequence[Update]:
        """The updates of the batch. `show` makes them for the first watcher; the others receive the same objects."""
        if self._updates is None:
            self._updates = show(self)
        return self._updates

    def rest(self, after: int) -> "Batch":
        """The events after number `after`, which must be in this batch, as a batch that is not shared."""
        return Batch(self.events[after + 1 - self.first :])


class Watcher:
    """The buffer between the hub, which offers batches, and one reader, which takes them.

    must_read: whether the reader must read the database, because the buffer does not have all new events.
    """

    __slots__ = ("_held", "_held_events", "_reminder", "_waiting", "_woken", "must_read")

    def __init__(self) -> None:
        self._held: deque[Batch] = deque()
        self._held_events = 0
        self._woken = False
        self._waiting: asyncio.Future[None] | None = None
        self._reminder = Alarm(self.wake)
        self.must_read = True

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
        self._end_wait()

    def wake(self) -> None:
        """Make the reader read the database, because the history has grown or may have grown."""
        self.must_read = True
        self._end_wait()

    def take(self, after: int) -> Batch | None:
        """Remove and return the next buffered batch, from event `after` + 1 on.

        None when the buffer is empty. None, and `must_read` is set, when events between `after` and the buffer are
        missing.
        """
        # The reader is about to see everything that it was woken for. Wake-ups from here on set the flag again, so
        # that `wait` returns at once.
        self._woken = False
        # A read of the database may have returned events that were offered meanwhile. They must not be returned twice.
        while self._held and self._held[0].last <= after:
            self._drop_first()
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

    async def wait(self, seconds: float) -> None:
        """Wait for a batch or a wake-up. After `seconds` without either, set `must_read` and return."""
        if not self._woken:
            loop = asyncio.get_running_loop()
            self._waiting = loop.create_future()
            self._reminder.set(loop.time() + seconds, loop)
            try:
                await self._waiting
            finally:
                self._waiting = None
                self._reminder.clear()
        self._woken = False

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

    def _end_wait(self) -> None:
        self._woken = True
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)


class Hub:
    """The watchers of this process, by execution.

    announce: called with the id of an execution whose history has grown, to notify other processes. Must not wait.
    closing: set when the process stops; all watchers then end.
    """

    def __init__(self, announce: Callable[[UUID], None] = lambda _: None) -> None:
        self._watchers: defaultdict[UUID, list[Watcher]] = defaultdict(list)
        self._announce = announce
        self.closing = False

    @property
    def watchers(self) -> int:
        """The number of watchers."""
        return sum(len(watchers) for watchers in self._watchers.values())

    def add(self, execution_id: UUID) -> Watcher:
        watcher = Watcher()
        self._watchers[execution_id].append(watcher)
        return watcher

    def remove(self, execution_id: UUID, watcher: Watcher) -> None:
        watcher.close()
        watchers = self._watchers[execution_id]
        watchers.remove(watcher)
        if not watchers:
            del self._watchers[execution_id]

    def publish(self, execution_id: UUID, events: Sequence[Event]) -> None:
        """Deliver committed events to the watchers in this process, and notify other processes. Never waits."""
        if (watchers := self._watchers.get(execution_id)) is not None:
            batch = Batch(events, is_shared=len(watchers) > 1)
            for watcher in watchers:
                watcher.offer(batch)
        self._announce(execution_id)

    def wake(self, execution_id: UUID) -> None:
        """Wake up the watchers of an execution, because another process has announced new events."""
        for watcher in self._watchers.get(execution_id, ()):
            watcher.wake()

    def close(self) -> None:
        self.closing = True
        for watchers in self._watchers.values():
            for watcher in watchers:
                watcher.wake()


async def follow(
    hub: Hub, watcher: Watcher, history: History, execution_id: UUID, after: int, poll_seconds: float
) -> AsyncGenerator[Batch]:
    """Yield the history after number `after` in batches, as it grows, until the execution has ended.

    hub: the hub that `watcher` was added to.
    watcher: receives the new events of the execution.
    history: reads events of the execution from the database.
    execution_id: the execution to follow.
    after: the number of the last event that the caller has.
    poll_seconds: the first pause after which the database is read without a wake-up; pauses double up to
        `LONGEST_PATIENCE` times as long.

    Raise `Unavailable` when the hub closes before the execution has ended, `NotFound` when the history is removed
    meanwhile.
    """
    pause, ended = poll_seconds, False
    while not ended:
        # The buffer comes first: as long as it continues where the caller is, the database is not read.
        batch = watcher.take(after)
        if batch is None and watcher.must_read:
            batch, ended = await _read(watcher, history, execution_id, after)
        if batch is not None:
            yield batch
            after = batch.last
            ended = batch.events[-1].type.is_final
            pause = poll_seconds
        elif not ended:
            if hub.closing:
                raise Unavailable(f"the server is stopping; the execution continues: watch it again after {after}")
            # No wake-up is lost here. One that came during `_read` is remembered, so `wait` returns at once. Without a
            # read, nothing was awaited since `take`, so none can have come.
            await watcher.wait(pause)
            pause = min(pause * 2, poll_seconds * LONGEST_PATIENCE)


async def _read(watcher: Watcher, history: History, execution_id: UUID, after: int) -> tuple[Batch | None, bool]:
    """Read a page of the history. Return its events, None when there are none, and whether the history has ended."""
    # Cleared before the read, not after it: a wake-up during the read may be about events that the read did not see.
    watcher.must_read = False
    page = await history(after, PAGE)
    if not page.exists:
        raise NotFound("execution", execution_id)
    # A full page may have a successor. A wake-up during the read has set the flag, and it must stay set.
    watcher.must_read = watcher.must_read or len(page.events) == PAGE
    return Batch(page.events) if page.events else None, page.ended
