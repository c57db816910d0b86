"""Where the executions come from whose events are published."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from app.domain.events import EventType
from app.feed.entries import Entry
from app.feed.ports import FeedStore
from app.kafka.outgoing import Origin, OutgoingEvent

MOST_KEPT = 10_000


class Origins:
    """The origins of executions, read once for each: its first event is nearly always among those published before.

    store: has the first events of executions.
    """

    def __init__(self, store: FeedStore) -> None:
        self._store = store
        self._kept: dict[UUID, Origin] = {}

    async def of(self, events: Sequence[OutgoingEvent], entries: Sequence[Entry]) -> Mapping[UUID, Origin]:
        """The origins of the executions that these events are of.

        entries: those of the feed that the events were read from.
        """
        updates = [update for event in events if (update := event.of_execution) is not None]
        found = {
            update.execution_id: Origin.of(update.event)
            for update in updates
            if update.event.type is EventType.EXECUTION_CREATED
        }
        others = {update.execution_id for update in updates} - found.keys()
        found |= {execution_id: self._kept[execution_id] for execution_id in others & self._kept.keys()}
        if unknown := others - found.keys():
            found |= await self._read(unknown, entries)
        self._keep(found, {update.execution_id for update in updates if update.event.type.is_final})
        return found

    async def _read(self, execution_ids: Collection[UUID], entries: Sequence[Entry]) -> Mapping[UUID, Origin]:
        """From their first events."""
        firsts: dict[int, dict[UUID, Entry]] = {}
        for entry in entries:
            if entry.stream_id in execution_ids and entry.source is not None:
                first = Entry(1, entry.stream_id, 1, 1, entry.source)
                firsts.setdefault(entry.source.tenant_id, {})[entry.stream_id] = first
        known: dict[UUID, Origin] = {}
        for tenant_id, asked in firsts.items():
            found = await self._store.events(tenant_id, list(asked.values()))
            for execution_id, history in zip(asked, found, strict=True):
                known[execution_id] = Origin.of(history[0] if history else None)
        return known

    def _keep(self, found: Mapping[UUID, Origin], ended: Collection[UUID]) -> None:
        """Keep those of executions that have not ended; the oldest make room."""
        self._kept |= found
        for execution_id in ended:
            self._kept.pop(execution_id, None)
        while len(self._kept) > MOST_KEPT:
            del self._kept[next(iter(self._kept))]
