"""Following histories as they grow.

Invariants: a watcher sees events in order and without a gap; what it has not seen stays in the database, so nothing
that happens to it (slow, gone, on another process) can delay an execution or lose an event.

The hub hands committed events to the watchers in this process, the same batch to all of an execution: what one of them
makes of it need not be made again. Each watcher keeps a bounded number of events; one that falls behind drops what it
holds and reads the history again. A watcher of an execution that runs elsewhere reads at every wake-up and, because
wake-ups may be lost, at an interval.
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
"""How many times longer than the first one the pauses become between looks at a history to which nothing is added: a
thousand watchers of executions that only wait would otherwise ask the database for nothing all the time.
"""


class History(Protocol):
    async def read_history(self, execution_id: UUID, after: int, limit: int) -> HistoryPage: ...


class Batch:
    """The events from number `first` to `last`. Watchers that are handed the same batch share what one makes of it."""

    __slots__ = ("_updates", "events", "first", "is_shared", "last")

    def __init__(self, events: Sequence[Event], *, is_shared: bool = False) -> None:
        self.events = events
        self.first = events[0].sequence
        self.last = events[-1].sequence
        self.is_shared = is_shared
        self._updates: Sequence[Update] | None = None

    def updates(self, show: Callable[["Batch"], Sequence[Update]]) -> Sequence[Update]:
        """The updates of the batch, made by `show` for the first watcher that needs them."""
        if self._updates is None:
            self._updates = show(self)
        return self._updates

    def rest(self, after: int) -> "Batch":
        """What follows event `after`, which this batch has; it is shared no more."""
        return Batch(self.events[after + 1 - self.first :])


class Watcher:
    """What one watcher holds between the hub and its reader."""

    __slots__ = ("_held", "_held_events", "_reminder", "_waiting", "_woken", "must_read")

    def __init__(self) -> None:
        self._held: deque[Batch] = deque()
        self._held_events = 0
        self._woken = False
        self._waiting: asyncio.Future[None] | None = None
        self._reminder = Alarm(self.wake)
        self.must_read = True

    def offer(self, batch: Batch) -> None:
        if self._held_events + len(batch.events) > HELD_EVENTS or not self._continues(batch):
            self._held.clear()
            self._held_events = 0
            self.must_read = True
        else:
            self._held.append(batch)
            self._held_events += len(batch.events)
        self._end_wait()

    def wake(self) -> None:
        """Read the history: it has grown, or may have."""
        self.must_read = True
        self._end_wait()

    def take(self, after: int) -> Batch | None:
        """The next held batch that follows `after` directly; a gap before it asks for a read instead."""
        self._woken = False
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
        """True when nothing needs to be read from event `number` on."""
        return bool(self._held) and self._held[0].first == number

    async def wait(self, seconds: float) -> None:
        """Until a batch is offered or a wake-up comes; after `seconds` without either, ask for a read."""
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
        """It will not wait again."""
        self._reminder.close()

    def _continues(self, batch: Batch) -> bool:
        """False when another engine had the execution meanwhile, and told this process nothing."""
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
    """The watchers of this process by execution. `announce(id)` tells other processes that a history has grown.

    `closing` ends all watchers when the process stops.
    """

    def __init__(self, announce: Callable[[UUID], None] = lambda _: None) -> None:
        self._watchers: defaultdict[UUID, list[Watcher]] = defaultdict(list)
        self._announce = announce
        self.closing = False

    @property
    def watchers(self) -> int:
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
        """Hand committed events to their watchers; never waits."""
        if (watchers := self._watchers.get(execution_id)) is not None:
            batch = Batch(events, is_shared=len(watchers) > 1)
            for watcher in watchers:
                watcher.offer(batch)
        self._announce(execution_id)

    def wake(self, execution_id: UUID) -> None:
        """Wake the watchers of a history: another process says that it has grown."""
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
    """The history after number `after`, in batches, to its end, as the hub's `watcher` of it learns of it.

    `poll_seconds` is the first pause before a look without a wake-up. Raise `Unavailable` when the hub closes before
    the end, `NotFound` when the history is removed meanwhile.
    """
    pause, ended = poll_seconds, False
    while not ended:
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
                raise Unavailable(f"the server is stopping and the execution goes on: watch it again after {after}")
            await watcher.wait(pause)
            pause = min(pause * 2, poll_seconds * LONGEST_PATIENCE)


async def _read(watcher: Watcher, history: History, execution_id: UUID, after: int) -> tuple[Batch | None, bool]:
    """A page of the history, and whether it has ended."""
    watcher.must_read = False
    page = await history.read_history(execution_id, after, PAGE)
    if not page.exists:
        raise NotFound("execution", execution_id)
    # A wake-up that came meanwhile may be about events that are not on this page.
    watcher.must_read = watcher.must_read or len(page.events) == PAGE
    return Batch(page.events) if page.events else None, page.ended
