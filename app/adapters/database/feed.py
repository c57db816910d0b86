"""Reads the feed, and gives positions. Any process may do this."""

from collections.abc import Iterable, Sequence
from typing import Any

import asyncpg

from app.adapters.database import rows
from app.adapters.database.entities import event_of
from app.adapters.database.pool import Pool
from app.adapters.database.statements import load
from app.adapters.unreachable import reaching
from app.domain.events import Event
from app.feed.entries import EntitySource, Entry, Source
from app.feed.ports import ROWS_AT_ONCE, FeedHead
from app.machines.entity import EntityEvent

_SQL = load("feed")
ROWS_OF_PAGE = 100


class PostgresFeed:
    """The feed of all tenants, for a login that callers are served with."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def number(self) -> int | None:
        with reaching():
            last: int | None = await self._pool.fetchval(_SQL["number"], ROWS_AT_ONCE)
        return last

    async def head(self) -> FeedHead:
        with reaching():
            row = await self._pool.read_row(_SQL["head"])
        assert row is not None
        return FeedHead(row["last"], row["removed"])

    async def entries(self, after: int) -> Sequence[Entry]:
        with reaching():
            found = await self._pool.read(_SQL["entries"], after, ROWS_OF_PAGE)
        return [_entry(row) for row in found]

    async def events(self, tenant_id: int, entries: Sequence[Entry]) -> Sequence[Sequence[Event]]:
        found: list[list[Event]] = [[] for _ in entries]
        with reaching():
            for row in await self._pool.read(_SQL["events"], tenant_id, *_columns(entries)):
                found[row["place"] - 1].append(rows.event(row))
        return found

    async def entity_events(self, tenant_id: int, entries: Sequence[Entry]) -> Sequence[Sequence[EntityEvent]]:
        found: list[list[EntityEvent]] = [[] for _ in entries]
        with reaching():
            for row in await self._pool.read(_SQL["entity_events"], tenant_id, *_columns(entries)):
                found[row["place"] - 1].append(event_of(row))
        return found


class PostgresFeedRetention:
    """Removes old rows of the feed, with the login of engines.

    pool: the connections.
    hours: how old a row may become.
    """

    def __init__(self, pool: Pool, hours: float) -> None:
        self._pool = pool
        self._hours = hours

    async def remove(self, limit: int) -> int:
        # Two statements: the second sees what was numbered before the lock was there.
        with reaching():
            async with self._pool.acquire() as connection, connection.transaction():
                await connection.fetchval(_SQL["lock"])
                removed: int = await connection.fetchval(_SQL["remove"], self._hours, limit)
        return removed


def _entry(row: asyncpg.Record) -> Entry:
    events = row["events"]
    return Entry(row["last"] - events + 1, row["stream_id"], row["first"], events, _source(row))


def _source(row: asyncpg.Record) -> Source | EntitySource | None:
    tenant_id, workflow_id = row["tenant_id"], row["workflow_id"]
    if tenant_id is None:
        return None
    if workflow_id is None:
        return EntitySource(tenant_id, row["machine_id"])
    return Source(tenant_id, workflow_id, row["revision"])


def _columns(entries: Sequence[Entry]) -> Iterable[tuple[Any, ...]]:
    return zip(*((entry.stream_id, entry.first, entry.events) for entry in entries), strict=True)
