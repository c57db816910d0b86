"""Following histories as they grow.

Invariants: a watcher sees events in order and without a gap; what it has not seen stays in the database, so nothing
that happens to it (slow, gone, on another process) can hold up an execution or lose an event.

The hub hands committed events to the watchers in this process. Each watcher keeps a bounded number of them; one that
falls behind drops what it holds and reads the history again. A watcher of an execution that runs elsewhere reads on
every hint and, because hints may be lost, at a steady interval.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Protocol
from uuid import UUID

from app.domain.errors import NotFound, Unavailable
from app.domain.events import Event
from app.engine.ports import HistoryPage

PAGE = 500
HELD_EVENTS = 1_000
LONGEST_PATIENCE = 10
"""How many times longer than the first one the pauses become between looks at a history to which nothing is added: a
thousand watchers of executions that only wait would otherwise ask the database for nothing all the time.
"""


class History(Protocol):
    async def read_history(self, execution_id: UUID, after: int, limit: int) -> HistoryPage: ...


class Watcher:
    """What one watcher holds between the hub and its reader."""

    __slots__ = ("_held", "_wake", "must_read")

    def __init__(self) -> None:
        self._held: deque[Event] = deque()
        self._wake = asyncio.Event()
        self.must_read = True

    def offer(self, events: Sequence[Event]) -> None:
        if len(self._held) + len(events) > HELD_EVENTS or not self._continues(events):
            self._held.clear()
            self.must_read = True
        else:
            self._held.extend(events)
        self._wake.set()

    def hint(self) -> None:
        self.must_read = True
        self._wake.set()

    def take(self, after: int) -> list[Event]:
        """The held events that follow `after` directly; a gap before them asks for a read instead."""
        while self._held and self._held[0].sequence <= after:
            self._held.popleft()
        if self._held and self._held[0].sequence != after + 1:
            self.must_read = True
            return []
        events = list(self._held)
        self._held.clear()
        return events

    def holds_from(self, number: int) -> bool:
        """True when nothing needs to be read from event `number` on."""
        return bool(self._held) and self._held[0].sequence == number

    def _continues(self, events: Sequence[Event]) -> bool:
        """False when another engine had the execution meanwhile, and told this process nothing."""
        return not self._held or self._held[-1].sequence + 1 == events[0].sequence

    async def wait(self, seconds: float) -> None:
        """Until something was offered or hinted; after `seconds` without either, ask for a read."""
        # A plain timer: this is on the way of every batch, and asyncio.timeout costs more.
        reminder = asyncio.get_running_loop().call_later(seconds, self.hint)
        try:
            await self._wake.wait()
        finally:
            reminder.cancel()
        self._wake.clear()


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
        watchers = self._watchers[execution_id]
        watchers.remove(watcher)
        if not watchers:
            del self._watchers[execution_id]

    def publish(self, execution_id: UUID, events: Sequence[Event]) -> None:
        """Hand committed events to their watchers; never waits."""
        for watcher in self._watchers.get(execution_id, ()):
            watcher.offer(events)
        self._announce(execution_id)

    def hint(self, execution_id: UUID) -> None:
        """Another process says that this history has grown."""
        for watcher in self._watchers.get(execution_id, ()):
            watcher.hint()

    def close(self) -> None:
        self.closing = True
        for watchers in self._watchers.values():
            for watcher in watchers:
                watcher.hint()


async def follow(
    hub: Hub, watcher: Watcher, history: History, execution_id: UUID, after: int, poll_seconds: float
) -> AsyncGenerator[Sequence[Event]]:
    """The history after number `after`, in batches, to its end, as the hub's `watcher` of it learns of it.

    `poll_seconds` is the first pause before a look that nobody has hinted at. Raise `Unavailable` when the hub closes
    before that, `NotFound` when the history is removed meanwhile.
    """
    pause = poll_seconds
    while True:
        events, ended = await _next_batch(watcher, history, execution_id, after)
        if events:
            yield events
            after = events[-1].sequence
            ended = events[-1].type.is_final
            pause = poll_seconds
        if ended:
            return
        if not events:
            if hub.closing:
                raise Unavailable(f"the server is stopping and the execution goes on: watch it again after {after}")
            await watcher.wait(pause)
            pause = min(pause * 2, poll_seconds * LONGEST_PATIENCE)


async def _next_batch(
    watcher: Watcher, history: History, execution_id: UUID, after: int
) -> tuple[Sequence[Event], bool]:
    if events := watcher.take(after):
        return events, False
    if not watcher.must_read:
        return (), False
    watcher.must_read = False
    page = await history.read_history(execution_id, after, PAGE)
    if not page.exists:
        raise NotFound("execution", execution_id)
    watcher.must_read = len(page.events) == PAGE
    return page.events, page.ended
