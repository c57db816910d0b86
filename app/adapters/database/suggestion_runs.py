"""What suggestions are computed from, and which engine computes them, in PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid4

import orjson

from app.adapters.database.pool import Pool
from app.adapters.database.statements import load
from app.adapters.unreachable import reaching
from app.domain.definitions import Workflow
from app.domain.documents import workflow_from_document
from app.domain.states import ExecutionStatus
from app.insights.folding import READ, StoredEvent, StoredExecution
from app.insights.ports import Claim
from app.insights.rules.capacity import Fullness
from app.insights.suggestions import ComputingState

_SQL = load("suggestions")
_TYPES = {word.value: word for word in READ}


class PostgresHistories:
    """Reads samples, and asks engines to compute.

    pool: the connections with which callers are served.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def now(self) -> datetime:
        with reaching():
            now: datetime = await self._pool.read_value(_SQL["now"])
        return now

    async def workflows(self, tenant_id: int, after: int, created_before: datetime, limit: int) -> Sequence[Workflow]:
        with reaching():
            rows = await self._pool.read(_SQL["workflows"], tenant_id, after, created_before, limit)
        return [workflow_from_document(orjson.loads(row["snapshot"])) for row in rows]

    async def revisions(self, tenant_id: int, workflow_id: int, numbers: Sequence[int]) -> Sequence[Workflow]:
        with reaching():
            rows = await self._pool.read(_SQL["revisions"], tenant_id, workflow_id, list(numbers))
        return [workflow_from_document(orjson.loads(row["snapshot"])) for row in rows]

    async def executions(
        self, tenant_id: int, workflow_id: int, first: UUID, last: UUID, limit: int
    ) -> Sequence[StoredExecution]:
        with reaching():
            rows = await self._pool.read(_SQL["executions"], tenant_id, workflow_id, first, last, limit)
        return [StoredExecution(row[0], row[1], ExecutionStatus(row[2]), *row[3:]) for row in map(tuple, rows)]

    async def events(self, tenant_id: int, ids: Sequence[UUID], limit: int) -> Sequence[StoredEvent]:
        with reaching():
            rows = await self._pool.read(_SQL["events"], tenant_id, list(ids), list(_TYPES), limit)
        return [StoredEvent(row[0], _TYPES[row[1]], *row[2:]) for row in map(tuple, rows)]

    async def request(self, tenant_id: int) -> ComputingState:
        with reaching():
            async with self._pool.transaction(tenant_id) as connection:
                row = await connection.fetchrow(_SQL["request"], tenant_id)
        assert row is not None
        return ComputingState(**row)


class PostgresTurns:
    """Gives one tenant to one engine.

    pool: the connections of the engine, which sees all tenants.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._holder = uuid4()

    async def claim(self, seconds: float) -> Claim | None:
        with reaching():
            await self._pool.execute(_SQL["expect"])
            row = await self._pool.fetchrow(_SQL["claim"], self._holder, seconds)
        return None if row is None else Claim(row["tenant_id"], row["tenant"], self._holder, row["requested_at"])

    async def renew(self, claim: Claim, seconds: float) -> bool:
        with reaching():
            return bool(await self._pool.fetchval(_SQL["renew"], claim.tenant_id, claim.holder, seconds))

    async def done(self, claim: Claim, next_seconds: float) -> None:
        values = (claim.tenant_id, claim.holder, claim.requested_at, next_seconds)
        with reaching():
            await self._pool.execute(_SQL["done"], *values)

    async def release(self, claim: Claim) -> None:
        with reaching():
            await self._pool.execute(_SQL["release_run"], claim.tenant_id, claim.holder)

    async def note_fullness(self, engine: str, *, is_full: bool) -> None:
        with reaching():
            await self._pool.execute(_SQL["note_fullness"], engine, is_full)
            await self._pool.execute(_SQL["forget_engines"])

    async def fullness(self) -> Fullness | None:
        with reaching():
            row = await self._pool.read_row(_SQL["fullness"])
        return None if row is None or row["begin"] is None else Fullness(row["begin"], row["end"], row["engines"])
