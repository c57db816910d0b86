"""Readers of the feed in a simulation, and what must be true of what they have read."""

import asyncio
from collections.abc import Iterator
from contextlib import aclosing, suppress
from dataclasses import dataclass, field, replace
from uuid import UUID

from app.domain.callers import ANONYMOUS
from app.domain.errors import Unavailable
from app.domain.events import Event
from app.feed.entries import FeedEvent, stream_of
from app.machines.entity import EntityEvent
from tests.support.memory.database import MemoryDatabase
from tests.support.simulated_clients import Town, WentAway
from tests.support.simulated_process import ProcessDied, SimulatedProcess


@dataclass(eq=False)
class FeedReader:
    """Reads the feed of one tenant from its beginning, by whatever process answers.

    position: up to where it has read.
    seen: of each event its position, its execution or entity, and the event.
    is_to_end: set when nothing more will be stored: then the reader ends when there is nothing more to read.
    """

    tenant_id: int
    position: int = 0
    seen: list[tuple[int, UUID, Event | EntityEvent]] = field(default_factory=list)
    is_to_end: bool = False

    async def read(self, town: Town) -> None:
        while not self.is_to_end:
            process = await town.any_process()
            with suppress(Unavailable, ProcessDied, WentAway, TimeoutError):
                await process.ask(lambda process=process: self._follow(process, town))
            await asyncio.sleep(town.chance.random() * 0.5)
        while await self._rest(town):
            pass

    async def _follow(self, process: SimulatedProcess, town: Town) -> None:
        leaving, slowness = town.chance.choice([99, 99, 3]), town.chance.choice([0, 0, 0.5])
        async with (
            asyncio.timeout(1 + 3 * town.chance.random()),
            aclosing(await process.feed.watch(self._caller, self.position)) as batches,
        ):
            async for batch in batches:
                for event in batch.events:
                    self._take(event)
                self.position = batch.last
                leaving -= 1
                if leaving == 0:
                    raise WentAway
                if slowness:
                    await asyncio.sleep(slowness * town.chance.random())

    async def _rest(self, town: Town) -> bool:
        """Whether there was something to read, or nothing was answered."""
        process = await town.any_process()
        try:
            page = await process.ask(lambda: process.feed.page(self._caller, self.position, 1_000))
        except (Unavailable, ProcessDied):
            return True
        for event in page.events:
            self._take(event)
        has_more = page.next_position > self.position
        self.position = page.next_position
        return has_more

    def _take(self, found: FeedEvent) -> None:
        self.seen.append((found.position, stream_of(found.update), found.update.event))

    @property
    def _caller(self):
        return replace(ANONYMOUS, tenant_id=self.tenant_id)


def feed_problems(database: MemoryDatabase, reader: FeedReader) -> Iterator[str]:
    """Every event of the tenant once, each at its position, and no other."""
    wanted: list[tuple[int, UUID, Event | EntityEvent]] = []
    position = 0
    for stream_id, first, events in database.feed:
        is_own = database.tenant_of(stream_id) == reader.tenant_id
        for event in database.history_of(stream_id)[first - 1 : first - 1 + events]:
            position += 1
            if is_own:
                wanted.append((position, stream_id, event))
    if reader.seen != wanted:
        seen, all_ = [one[0] for one in reader.seen], [one[0] for one in wanted]
        yield f"a reader of the feed of tenant {reader.tenant_id} saw {seen} of {all_}"


def stored_feed_problems(database: MemoryDatabase) -> Iterator[str]:
    """Every stored event is in the feed once, in order."""
    grown: dict[UUID, int] = {}
    for stream_id, first, events in database.feed:
        if first != grown.get(stream_id, 0) + 1:
            yield f"the feed has {stream_id} from {first} on, after {grown.get(stream_id, 0)}"
        grown[stream_id] = first + events - 1
    for stream_id, history in (*database.histories.items(), *database.entity_histories.items()):
        if grown.get(stream_id, 0) != len(history):
            yield f"the feed has {grown.get(stream_id, 0)} of {len(history)} events of {stream_id}"
