"""Reads a whole database, or one execution, for a check: from one snapshot, with cursors, in little memory.

Two cursors return their rows in the order of the executions' ids. So each execution is checked and dropped from memory
before the next one, and a row without events, or events without a row, are found in the same pass. A third one returns
children with their parents.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import NamedTuple
from uuid import UUID

import asyncpg
import orjson
from asyncpg.pool import PoolConnectionProxy

from app.adapters.database.checking_entities import entity_findings
from app.adapters.database.checking_feed import STORED_LATE, feed_findings
from app.adapters.database.cursors import Rows
from app.adapters.database.pool import Pool
from app.adapters.database.statements import load
from app.adapters.unreachable import reaching
from app.checking.families import Parentage, family_problems, tenant_problems
from app.checking.findings import NO_EXECUTION, Finding, Rule
from app.checking.history import HistoryCheck
from app.checking.rows import CheckedRow, finish
from app.checking.task_order import TaskOrder, task_order
from app.domain.documents import workflow_from_document
from app.domain.errors import Invalid
from app.domain.recently_used import RecentlyUsed

_SQL = load("checking")
_ALL = (UUID(int=0), UUID(int=2**128 - 1))
_ROWS_AT_ONCE = 500
_EVENTS_AT_ONCE = 5_000
_ORDERS_KEPT = 10_000
SWEEP_SECONDS = 60.0
"""How long an engine may take to remove a command that came after its execution had ended.

Engines remove such commands each time they renew their lease.
"""


class _Event(NamedTuple):
    """A row of the statement `events`, in the order of its columns."""

    execution_id: UUID
    sequence: int
    type: str
    occurred_at: datetime
    status: str
    progress_percent: int
    task_id: int | None
    attempt: int
    data: str | None


@dataclass(slots=True)
class Counts:
    """The progress of a check: the executions and events checked so far."""

    executions: int = 0
    events: int = 0


class DatabaseCheck:
    """Checks all executions and entities of a database, or one execution.

    pool: the connections to the database.
    execution_id: the execution to check; None checks all.
    on_fetch: called each time `counts` has grown.
    max_descendants: the largest number of executions below one root; None for no such limit.
    feed: whether the feed is checked, too; only with all executions.
    stored_late: see `feed_findings`.
    """

    def __init__(
        self,
        pool: Pool,
        execution_id: UUID | None = None,
        on_fetch: Callable[[], None] = lambda: None,
        max_descendants: int | None = None,
        *,
        feed: bool = False,
        stored_late: timedelta = STORED_LATE,
    ) -> None:
        self._feed = feed
        self._stored_late = stored_late
        self.counts = Counts()
        self._pool = pool
        self._range = _ALL if execution_id is None else (execution_id, execution_id)
        self._on_fetch = on_fetch
        self._max_descendants = max_descendants
        self._orders: RecentlyUsed[tuple[int, int], TaskOrder | None] = RecentlyUsed(_ORDERS_KEPT)

    async def findings(self) -> AsyncIterator[Finding]:
        """Yield each violation that is found. Raise `StoreUnreachable` when the database becomes unreachable."""
        with reaching():
            async with _snapshot(self._pool) as connection:
                rows = Rows(await connection.cursor(_SQL["executions"], *self._range), _ROWS_AT_ONCE)
                events = Rows(await connection.cursor(_SQL["events"], *self._range), _EVENTS_AT_ONCE)
                while (found := await self._next(connection, rows, events)) is not None:
                    for finding in found:
                        yield finding
                for command in await connection.fetch(_SQL["commands"], *self._range, SWEEP_SECONDS):
                    yield _of_command(command)
                async for finding in self._of_families(connection):
                    yield finding
                if self._range == _ALL:
                    for row in await connection.fetch(_SQL["foreign_definitions"]):
                        yield Finding(NO_EXECUTION, 0, Rule.TENANT, row["sentence"])
                    async for finding in entity_findings(connection):
                        yield finding
                if self._feed:
                    async for finding in feed_findings(connection, self._stored_late):
                        yield finding

    async def _of_families(self, connection: PoolConnectionProxy) -> AsyncIterator[Finding]:
        async for record in connection.cursor(_SQL["children"], *self._range, prefetch=_ROWS_AT_ONCE):
            child = Parentage(*record)
            for sentence in family_problems(child):
                yield Finding(child.id, 0, Rule.FAMILY, sentence)
            for sentence in tenant_problems(child):
                yield Finding(child.id, 0, Rule.TENANT, sentence)
        if (most := self._max_descendants) is not None:
            for root_id, size in await connection.fetch(_SQL["large_families"], *self._range, most):
                sentence = f"{size} executions are below it, and the limit is {most} (MAX_DESCENDANTS)"
                yield Finding(root_id, 0, Rule.FAMILY_SIZE, sentence)

    async def _next(self, connection: PoolConnectionProxy, rows: Rows, events: Rows) -> list[Finding] | None:
        """Check the execution with the lowest remaining id and return its findings; None when none remains."""
        record, event = await rows.head(), await events.head()
        if record is None and event is None:
            return None
        execution_id = min(head[0] for head in (record, event) if head is not None)
        row = CheckedRow(*record) if record is not None and record[0] == execution_id else None
        history = HistoryCheck(execution_id, None if row is None else await self._order(connection, row))
        while (head := await events.head()) is not None and head[0] == execution_id:
            self._take_fetched(history, events)
        finish(history, row)
        rows.position += row is not None
        self.counts.executions += 1
        return history.found

    def _take_fetched(self, history: HistoryCheck, events: Rows) -> None:
        """Take those events of this execution that have been fetched already."""
        before, take = events.position, history.take
        for record in islice(events.rows, before, None):
            if record[0] != history.execution_id:
                break
            take(_Event._make(record))
            events.position += 1
        self.counts.events += events.position - before
        self._on_fetch()

    async def _order(self, connection: PoolConnectionProxy, row: CheckedRow) -> TaskOrder | None:
        key = (row.workflow_id, row.revision)
        if key not in self._orders:
            self._orders.put(key, await _read_order(connection, *key))
        return self._orders.get(key)


async def ids_like(pool: Pool, digits: str, limit: int) -> list[tuple[UUID, str]]:
    """Id and status of the executions whose id begins or ends with these hexadecimal digits, newest first.

    Raise `StoreUnreachable` when the database does not respond.
    """
    with reaching():
        return [tuple(row) for row in await pool.fetch(_SQL["ids_like"], digits, limit)]


@asynccontextmanager
async def _snapshot(pool: Pool) -> AsyncIterator[PoolConnectionProxy]:
    """A connection with a read-only transaction: all its statements see the database as it was at one moment."""
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        await connection.execute(_SQL["ordered_by_key"])
        yield connection


async def _read_order(connection: PoolConnectionProxy, workflow_id: int, revision: int) -> TaskOrder | None:
    """None when the revision is not stored, or when this program cannot read its document."""
    snapshot = await connection.fetchval(_SQL["revision_snapshot"], workflow_id, revision)
    try:
        return None if snapshot is None else task_order(workflow_from_document(orjson.loads(snapshot)))
    except (KeyError, TypeError, ValueError, Invalid):
        return None


def _of_command(row: asyncpg.Record) -> Finding:
    state = "no execution" if row["lost"] else "an execution that has ended, and no engine removes it"
    return Finding(row["execution_id"], 0, Rule.COMMAND, f"command {row['id']} ({row['type']}) is for {state}")
