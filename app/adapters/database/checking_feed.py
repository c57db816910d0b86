"""Reads the whole feed for a check, from one snapshot."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from app.adapters.database.feed_rows import ENTRY
from app.adapters.database.statements import load
from app.checking.feed import FeedCheck, FeedRow, StoredHistory
from app.checking.findings import Finding

_SQL = load("checking")
_AT_ONCE = 1_000
STORED_LATE = timedelta(minutes=1)


async def feed_findings(
    connection: PoolConnectionProxy, stored_late: timedelta = STORED_LATE
) -> AsyncIterator[Finding]:
    """Everything that is wrong with the feed. `connection` has a transaction with a snapshot.

    stored_late: how much later than it has happened an event may be stored. An event that has happened only so long
        after the beginning of the feed need not be in it.
    """
    head = await connection.fetchrow(_SQL["feed_head"])
    if head is None:
        return
    check = FeedCheck(head["removed"], head["last"])
    async for record in connection.cursor(_SQL["feed_rows"], prefetch=_AT_ONCE):
        for finding in check.row(_row(record)):
            yield finding
    for finding in check.end_of_rows():
        yield finding
    since = head["complete_since"] + stored_late
    async for record in connection.cursor(_SQL["feed_histories"], since, prefetch=_AT_ONCE):
        for finding in check.history(StoredHistory(*record)):
            yield finding


def _row(record: asyncpg.Record) -> FeedRow:
    body: bytes = record["body"]
    entries = [(UUID(bytes=of), first, events) for of, first, events in ENTRY.iter_unpack(body)]
    return FeedRow(record["id"], record["last"], record["events"], entries)
