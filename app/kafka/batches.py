"""Reads what the relay publishes next: the events of all tenants, with what else their records need."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from app.domain.events import EventType
from app.domain.run_ids import VIA_KAFKA
from app.feed.entries import Entry
from app.feed.ports import FeedStore
from app.feed.reading import FeedReading
from app.kafka.origins import Origins
from app.kafka.outgoing import OutgoingEvent, records_of
from app.kafka.ports import Triggered
from app.kafka.records import Record
from app.kafka.topics import Topics

EVENTS_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Batch:
    """What is published at once.

    records: the records.
    position: that of the last event.
    """

    records: Sequence[Record]
    position: int


class Batches:
    """Makes batches of the feed.

    store: gives positions, and has the first events of executions.
    reading: reads entries and events.
    triggered: the inputs of executions, and the keys of tenants.
    every_end: whether all ends are published, or only those of executions that were triggered.
    """

    def __init__(
        self,
        topics: Topics,
        store: FeedStore,
        reading: FeedReading,
        triggered: Triggered,
        *,
        every_end: bool,
    ) -> None:
        self._topics = topics
        self._store = store
        self._reading = reading
        self._keys: dict[int, str] = {}
        self._triggered = triggered
        self._origins = Origins(store)
        self._every_end = every_end

    async def next(self, after: int) -> Batch | None:
        """What follows a position; None if nothing does yet. Raise `PositionExpired`."""
        entries = list(await self._entries(after))
        if not entries:
            return None
        events = await self._events(after, entries)
        origins = await self._origins.of(events, entries)
        starts = [event.stream_id for event in events if event.type is EventType.EXECUTION_CREATED]
        inputs = await self._inputs([started for started in starts if origins[started].via == VIA_KAFKA])
        return Batch(records_of(self._topics, events, origins, inputs, self._every_end), entries[-1].last)

    async def _entries(self, after: int) -> Sequence[Entry]:
        """At least one read; another one if the first has not brought enough."""
        found = list(await self._reading.entries(after))
        if not found:
            await self._store.number()
            found = list(await self._reading.entries(after))
        while found and found[-1].last - after < EVENTS_AT_ONCE // 2:
            more = await self._reading.entries(found[-1].last)
            if not more:
                break
            found += more
        return found

    async def _events(self, after: int, entries: Sequence[Entry]) -> Sequence[OutgoingEvent]:
        """Those of all tenants, in the order of their positions."""
        events: list[OutgoingEvent] = []
        for tenant_id in dict.fromkeys(entry.source.tenant_id for entry in entries if entry.source is not None):
            key = await self._key(tenant_id)
            if key is not None:
                batch = await self._reading.batch(tenant_id, after, entries)
                events += (OutgoingEvent(found, key) for found in batch.events)
        return sorted(events, key=lambda event: event.found.position)

    async def _key(self, tenant_id: int) -> str | None:
        """The key of a tenant. It never changes."""
        if (key := self._keys.get(tenant_id)) is None and (key := await self._triggered.tenant(tenant_id)) is not None:
            self._keys[tenant_id] = key
        return key

    async def _inputs(self, execution_ids: Collection[UUID]) -> Mapping[UUID, str]:
        return await self._triggered.inputs(execution_ids) if execution_ids else {}
