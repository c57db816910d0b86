"""Reads what the relay publishes next: the events of all tenants, with what else their records need."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from app.domain.events import EventType
from app.domain.run_ids import VIA_KAFKA
from app.engine.planning.plans import Plans
from app.feed.entries import Entry, Source
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
    plans: the compiled revisions, which know the keys of tenants.
    triggered: the inputs of executions.
    every_end: whether all ends are published, or only those of executions that were triggered.
    """

    def __init__(
        self,
        topics: Topics,
        store: FeedStore,
        reading: FeedReading,
        plans: Plans,
        triggered: Triggered,
        *,
        every_end: bool,
    ) -> None:
        self._topics = topics
        self._store = store
        self._reading = reading
        self._plans = plans
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
        starts = [event.execution_id for event in events if event.type is EventType.EXECUTION_CREATED]
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
        for tenant_id, sources in _by_tenant(entries).items():
            key = await self._key(sources)
            if key is not None:
                batch = await self._reading.batch(tenant_id, after, entries)
                events += (OutgoingEvent(found, key) for found in batch.events)
        return sorted(events, key=lambda event: event.found.position)

    async def _key(self, sources: Iterable[Source]) -> str | None:
        """The key of the tenant. None if all its workflows have been removed meanwhile, and so its executions."""
        for source in sources:
            plan = await self._plans.get(source.tenant_id, source.workflow_id, source.revision)
            if plan is not None:
                return plan.tenant
        return None

    async def _inputs(self, execution_ids: Collection[UUID]) -> Mapping[UUID, str]:
        return await self._triggered.inputs(execution_ids) if execution_ids else {}


def _by_tenant(entries: Sequence[Entry]) -> Mapping[int, Sequence[Source]]:
    found: dict[int, dict[Source, None]] = {}
    for entry in entries:
        if entry.source is not None:
            found.setdefault(entry.source.tenant_id, {})[entry.source] = None
    return {tenant_id: list(sources) for tenant_id, sources in found.items()}
