"""The feed in memory: what was stored, in the order in which it was."""

from collections.abc import Sequence

from app.domain.events import Event
from app.feed.entries import Entry, Source
from app.feed.ports import FeedHead
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
            for execution_id, first, events in self._database.feed[: self._database.numbered]:
                row = self._database.executions.get(execution_id)
                of = None if row is None else row.execution
                source = None if of is None else Source(of.tenant_id, of.workflow_id, of.revision)
                found.append(Entry(position, execution_id, first, events, source))
                position += events
            return [entry for entry in found if entry.last > after][:ENTRIES_OF_PAGE]

    async def events(self, tenant_id: int, entries: Sequence[Entry]) -> Sequence[Sequence[Event]]:
        async with self._database.faults.around("events"):
            return [self._of_entry(tenant_id, entry) for entry in entries]

    def _of_entry(self, tenant_id: int, entry: Entry) -> Sequence[Event]:
        row = self._database.executions.get(entry.execution_id)
        if row is None or row.execution.tenant_id != tenant_id:
            return ()
        return self._database.histories[entry.execution_id][entry.first - 1 : entry.first - 1 + entry.events]

    def _last(self) -> int:
        return sum(events for _, _, events in self._database.feed[: self._database.numbered])
