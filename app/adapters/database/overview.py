"""Reads what overviews of executions show. All statements are bound to the tenant of a caller."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
import orjson

from app.adapters.database import rows
from app.adapters.database.execution_lists import ended_listing
from app.adapters.database.pool import Pool
from app.adapters.database.statements import load
from app.adapters.unreachable import reaching
from app.domain.events import EventType
from app.domain.states import ExecutionStatus
from app.engine.overview.ports import (
    Advance,
    Counts,
    Ended,
    Naming,
    OutlinedEvent,
    Revision,
    Snapshot,
    Surroundings,
    TaskAttempts,
)

AT_ONCE = 2_000

_SQL = load("overview")
_STATUS = {status.value: status for status in ExecutionStatus}
_TYPE = {word.value: word for word in EventType}


class PostgresOverviews:
    """An `OverviewStore`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def snapshot(self, tenant_id: int, execution_id: UUID, cut: int) -> Snapshot | None:
        with reaching():
            async with self._pool.transaction(tenant_id, consistent=True) as connection:
                row = await connection.fetchrow(_SQL["execution"], tenant_id, execution_id)
                if row is None:
                    return None
                found = await connection.fetch(_SQL["outline_of_history"], tenant_id, execution_id, cut)
        return Snapshot(rows.execution(row), _surroundings(row), await _events(found))

    async def surroundings(self, tenant_id: int, ids: Sequence[UUID]) -> Mapping[UUID, Surroundings]:
        with reaching():
            found = await self._pool.read(_SQL["surroundings"], tenant_id, ids)
        return {row["id"]: _surroundings(row) for row in found}

    async def advances(
        self, tenant_id: int, ids: Sequence[UUID], undo: Sequence[int], may_fail: Sequence[int], most_events: int
    ) -> Mapping[UUID, Advance]:
        with reaching():
            found = await self._pool.read(_SQL["advances"], tenant_id, ids, undo, may_fail, most_events)
        return {
            row["execution_id"]: Advance(
                row["percent"], row["done"], row["open"], row["current"], frozenset(row["retrying"])
            )
            for row in found
        }

    async def snapshots(self, tenant_id: int, revisions: Collection[Revision]) -> Mapping[Revision, str]:
        workflow_ids, numbers = [one.workflow_id for one in revisions], [one.number for one in revisions]
        with reaching():
            found = await self._pool.read(_SQL["snapshots"], tenant_id, workflow_ids, numbers)
        return {Revision(row["workflow_id"], row["revision"]): row["snapshot"] for row in found}

    async def workflows_named(self, tenant_id: int, part: str, limit: int) -> Sequence[int]:
        with reaching():
            found = await self._pool.read(_SQL["workflows_named"], tenant_id, part, limit)
        return [row["id"] for row in found]

    async def counts(self, tenant_id: int, workflow_id: int | None, hours: int) -> Counts:
        with reaching():
            if workflow_id is None:
                found = await self._pool.read(_SQL["counts"], tenant_id, hours)
            else:
                found = await self._pool.read(_SQL["counts_of_workflow"], tenant_id, hours, workflow_id)
        counted = {_STATUS[row["status"]]: row["count"] for row in found}
        sides = ({status: counted.get(status, 0) for status in _STATUS.values() if status.is_final is final}
                 for final in (False, True))  # fmt: skip
        return Counts(*sides)

    async def ended(self, tenant_id: int, workflow_id: int, after: datetime, limit: int) -> Sequence[Ended]:
        statement, arguments = ended_listing(tenant_id, workflow_id, after, limit)
        with reaching():
            found = await self._pool.read(statement, *arguments)
        return [Ended(*row)._replace(status=_STATUS[row["status"]]) for row in found]

    async def attempts(
        self, tenant_id: int, ids: Sequence[UUID], most_events: int
    ) -> tuple[int, Sequence[TaskAttempts]]:
        with reaching():
            found = await self._pool.read(_SQL["attempts"], tenant_id, ids, most_events)
        return found[0]["executions"], [_attempts(row) for row in found if row["task_id"] is not None]


def _surroundings(row: asyncpg.Record) -> Surroundings:
    name = row["workflow_name"]
    return Surroundings(None if name is None else Naming(name, row["workflow_key"]), row["retried_by"])


async def _events(found: Sequence[asyncpg.Record]) -> Sequence[OutlinedEvent]:
    """There may be many, so everything else runs in between."""
    events: list[OutlinedEvent] = []
    for start in range(0, len(found), AT_ONCE):
        events += map(_event, found[start : start + AT_ONCE])
        await asyncio.sleep(0)
    return events


def _event(row: asyncpg.Record) -> OutlinedEvent:
    sequence, word, occurred_at, status, *rest = row
    return OutlinedEvent(sequence, _TYPE[word], occurred_at, _STATUS[status], *rest)


def _attempts(row: asyncpg.Record) -> TaskAttempts:
    task_id, attempts, completed, failed, failures, p50, p95, _ = row
    return TaskAttempts(task_id, attempts, completed, failed, orjson.loads(failures), p50, p95)
