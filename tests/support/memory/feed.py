"""The feed in memory: what was stored, in the order in which it was."""

from collections.abc import Sequence
from uuid import UUID

from app.domain.events import Event
from app.feed.entries import EntitySource, Entry, Source
from app.feed.ports import FeedHead
from app.machines.entity import EntityEvent
from tests.support.memory.database import MemoryDatabase

ENTRIES_OF_PAGE = 20


class MemoryFeed:
    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def number(self) -> int | None:
        async with self._database.faults.around("number"):
            self._database.numbered = len(self._database.feed)
            return self._last()

    async def head(self) -> FeedHead:
        async with self._database.faults.around("head"):
            return FeedHead(self._last(), 0)

    async def entries(self, after: int) -> Sequence[Entry]:
        async with self._database.faults.around("entries"):
            found, position = [], 1
            for stream_id, first, events in self._database.feed[: self._database.numbered]:
                found.append(Entry(position, stream_id, first, events, self._source(stream_id)))
                position += events
            return [entry for entry in found if entry.last > after][:ENTRIES_OF_PAGE]

    async def events(self, tenant_id: int, entries: Sequence[Entry]) -> Sequence[Sequence[Event]]:
        async with self._database.faults.around("events"):
            return [self._of_entry(tenant_id, entry) for entry in entries]

    async def entity_events(self, tenant_id: int, entries: Sequence[Entry]) -> Sequence[Sequence[EntityEvent]]:
        async with self._database.faults.around("entity_events"):
            return [self._of_entry(tenant_id, entry) for entry in entries]

    def _source(self, stream_id: UUID) -> Source | EntitySource | None:
        if (entity := self._database.entities.get(stream_id)) is not None:
            return EntitySource(entity.tenant_id, entity.machine_id)
        row = self._database.executions.get(stream_id)
        of = None if row is None else row.execution
        return None if of is None else Source(of.tenant_id, of.workflow_id, of.revision)

    def _of_entry(self, tenant_id: int, entry: Entry) -> Sequence[Event | EntityEvent]:
        if self._database.tenant_of(entry.stream_id) != tenant_id:
            return ()
        return self._database.history_of(entry.stream_id)[entry.first - 1 : entry.first - 1 + entry.events]

    def _last(self) -> int:
        return sum(events for _, _, events in self._database.feed[: self._database.numbered])
