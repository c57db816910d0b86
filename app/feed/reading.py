"""Reads the feed from the store: a range of positions at a time."""

import asyncio
from collections.abc import Iterator, Sequence
from operator import attrgetter

from app.domain.errors import PositionExpired
from app.domain.events import Event
from app.engine.planning.plans import Plans
from app.engine.watching.updates import Update
from app.feed.entries import EntitySource, Entry, FeedBatch, FeedEvent, Source
from app.feed.ports import ROWS_AT_ONCE, FeedStore
from app.machines.entity import EntityEvent
from app.machines.updates import EntityUpdate

EVENTS_AT_ONCE = 500
ASIDE_SECONDS = 0.01
_POSITION = attrgetter("position")


class FeedReading:
    """Reads entries for all tenants, and their events for one.

    store: the stored feed.
    plans: the compiled revisions, which know the names of tasks.
    """

    def __init__(self, store: FeedStore, plans: Plans) -> None:
        self._store = store
        self._plans = plans

    async def end(self) -> int:
        """The last position, when all that is stored now has one."""
        last: int | None = None
        while True:
            number = await self._store.number()
            if number is None:
                await asyncio.sleep(ASIDE_SECONDS)
            elif last is not None and number - last < ROWS_AT_ONCE:
                return number
            else:
                last = number

    async def entries(self, after: int) -> Sequence[Entry]:
        """The next entries behind a position, with at most `EVENTS_AT_ONCE` events; none if there are none yet.

        Raise `PositionExpired` if what comes next has been removed.
        """
        found = await self._store.entries(after)
        if found and found[0].position > after + 1:
            raise PositionExpired(after, found[0].position - 1)
        return list(_bounded(entry.after(after) for entry in found if entry.last > after))

    async def batch(self, tenant_id: int, after: int, entries: Sequence[Entry]) -> FeedBatch:
        """The events of a tenant in these entries, which are those behind `after`."""
        own = [entry for entry in entries if (source := entry.source) is not None and source.tenant_id == tenant_id]
        of_entities = [entry for entry in own if isinstance(entry.source, EntitySource)]
        if not of_entities:
            return FeedBatch(after, entries[-1].last, await self._of_executions(tenant_id, own))
        of_executions = [entry for entry in own if isinstance(entry.source, Source)]
        events = await self._of_executions(tenant_id, of_executions) + await self._of_entities(tenant_id, of_entities)
        return FeedBatch(after, entries[-1].last, sorted(events, key=_POSITION))

    async def read(self, tenant_id: int, after: int) -> FeedBatch | None:
        """The next batch behind a position; None if there is nothing yet. Raise `PositionExpired`."""
        entries = await self.entries(after)
        return await self.batch(tenant_id, after, entries) if entries else None

    async def _of_executions(self, tenant_id: int, own: Sequence[Entry]) -> list[FeedEvent]:
        events: list[FeedEvent] = []
        if own:
            for entry, history in zip(own, await self._store.events(tenant_id, own), strict=True):
                events += await self._show(entry, history)
        return events

    async def _of_entities(self, tenant_id: int, own: Sequence[Entry]) -> list[FeedEvent]:
        histories = await self._store.entity_events(tenant_id, own)
        return [
            FeedEvent(entry.position - entry.first + event.sequence, _of_entity(entry, event))
            for entry, history in zip(own, histories, strict=True)
            for event in history
        ]

    async def _show(self, entry: Entry, history: Sequence[Event]) -> Sequence[FeedEvent]:
        source = entry.source
        if not isinstance(source, Source) or not history:
            return []
        plan = await self._plans.get(source.tenant_id, source.workflow_id, source.revision)
        if plan is None:
            # The execution has been removed meanwhile, with its workflow.
            return []
        offset = entry.position - entry.first
        return [
            FeedEvent(
                offset + event.sequence,
                Update(entry.stream_id, source.workflow_id, event, plan.task_name(event.task_id)),
            )
            for event in history
        ]


def _of_entity(entry: Entry, event: EntityEvent) -> EntityUpdate:
    assert isinstance(entry.source, EntitySource)
    return EntityUpdate(entry.stream_id, entry.source.machine_id, event)


def _bounded(entries: Iterator[Entry]) -> Iterator[Entry]:
    left = EVENTS_AT_ONCE
    for entry in entries:
        if left <= 0:
            return
        yield entry.begin(left)
        left -= entry.events
