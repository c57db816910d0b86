"""Watchers of one execution, and the history that they follow, without a database."""

import asyncio
from contextlib import aclosing
from uuid import uuid4

from app.domain.events import Event
from app.engine.ports import HistoryPage, StoreUnreachable
from app.engine.watching.batch import Batch
from app.engine.watching.watchers import Hub, follow
from tests.support.histories import completed, note
from tests.support.memory.faults import Gate

EXECUTION = uuid4()
HOUR = 3600.0
END = 40


class Book:
    """A stored history that grows as the test wants; counts how often it is read."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.reads = 0
        self.failing = False
        self.removed = False
        self._gates: list[Gate] = []

    def write(self, until: int) -> list[Event]:
        """On to event `until`; number END is the last."""
        first = len(self.events) + 1
        new = [completed(number) if number == END else note(number) for number in range(first, until + 1)]
        self.events += new
        return new

    def hold(self) -> Gate:
        """The next read sees what is written now, and waits with it."""
        self._gates.append(Gate())
        return self._gates[-1]

    async def read_history(self, after: int, limit: int) -> HistoryPage:
        self.reads += 1
        if self.failing:
            raise StoreUnreachable("no answer")
        page = [event for event in self.events if event.sequence > after][:limit]
        last = page[-1:] or self.events[-1:]
        if self._gates:
            await self._gates.pop(0).pass_through()
        return HistoryPage(page, bool(last) and last[0].type.is_final, exists=not self.removed)


class Reader:
    """Follows in a task of its own and keeps what it got."""

    def __init__(self, hub: Hub, book: Book, after: int = 0, poll_seconds: float = HOUR) -> None:
        self.hub = hub
        self.watcher = hub.add(EXECUTION)
        self.numbers: list[int] = []
        self.batches: list[Batch] = []
        self.paused = asyncio.Event()
        self.paused.set()
        self._batches = follow(hub, self.watcher, book.read_history, EXECUTION, after, poll_seconds)
        self.task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        try:
            async with aclosing(self._batches) as batches:
                async for batch in batches:
                    self.batches.append(batch)
                    self.numbers += [event.sequence for event in batch.events]
                    await self.paused.wait()
        finally:
            self.hub.remove(EXECUTION, self.watcher)

    @property
    def waits(self) -> bool:
        """Whether it has taken everything and waits for more."""
        return self.watcher.wants_more

    async def has(self, number: int) -> None:
        while not self.numbers or self.numbers[-1] < number:
            assert not self.task.done(), self.numbers
            await asyncio.sleep(0)


async def all_wait(*readers: Reader) -> None:
    while not all(reader.waits for reader in readers):
        await asyncio.sleep(0)


def numbers(until: int, after: int = 0) -> list[int]:
    return list(range(after + 1, until + 1))
