"""Leases of engines, claims of executions and pending commands in PostgreSQL. All times are the database's clock."""

from collections.abc import Collection, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any
from uuid import UUID

from asyncpg import Record
from asyncpg.pool import PoolConnectionProxy

from app.adapters.database import rows
from app.adapters.database.pool import Pool
from app.adapters.database.statements import load
from app.adapters.unreachable import reaching
from app.domain.engines import IDLE, EngineLoad, EngineProfile
from app.engine.ports import ControlCommand
from app.engine.running.ports import Claim, ClaimShares, DividedClaim

_SQL = load("ownership")
_FAMILIES = load("families")
KEPT_DAYS = 7.0
"""For so long it is known which engines there were."""

FORGOTTEN_SECONDS = 10.0
"""Only executions that are due later than this are looked at for commands whose writer woke no engine."""


class PostgresOwnership:
    """Stores which engine owns which executions.

    pool: the connections that are shared with all other reads and writes.
    lease_pool: a connection for the lease alone. A renewal that waits for a shared connection behind the requests of
        many clients would come too late, and a busy engine would lose all its executions.
    """

    def __init__(self, pool: Pool, lease_pool: Pool) -> None:
        self._pool = pool
        self._lease_pool = lease_pool

    async def register(self, profile: EngineProfile, lease_seconds: float) -> int:
        p = profile
        about = (p.kind, p.host, p.pid, p.version, p.capacity, p.task_types, p.functions)
        with reaching():
            await self._lease_pool.execute(_SQL["forget_engines"], KEPT_DAYS)
            return int(await self._lease_pool.fetchval(_SQL["register"], p.name, lease_seconds, *about))

    async def renew(self, engine_id: int, lease_seconds: float, load: EngineLoad = IDLE) -> bool:
        now = (load.running, load.parked, load.draining)
        with reaching():
            return await self._lease_pool.fetchval(_SQL["renew"], engine_id, lease_seconds, *now) is not None

    async def reap(self) -> int:
        with reaching():
            async with self._lease_pool.acquire() as connection, connection.transaction():
                await connection.execute(_SQL["sweep_commands"])
                await connection.execute(_FAMILIES["make_forgotten_due"], FORGOTTEN_SECONDS)
                gone = await connection.fetch(_SQL["remove_expired_engines"])
                return await _free(connection, [row["id"] for row in gone])

    async def release(self, engine_id: int) -> None:
        with reaching():
            async with self._lease_pool.acquire() as connection, connection.transaction():
                await connection.fetch(_SQL["remove_engine"], engine_id)
                await _free(connection, [engine_id])

    async def claim(self, engine_id: int, limit: int) -> Sequence[Claim]:
        with reaching():
            return await self._with_histories(await self._pool.fetch(_SQL["claim"], engine_id, limit))

    async def claim_divided(self, engine_id: int, limit: int, shares: ClaimShares) -> DividedClaim:
        with reaching():
            found = await self._pool.fetch(_SQL["claim_divided"], engine_id, limit, *_values(shares))
            claims = await self._with_histories([row for row in found if row["id"] is not None])
        return DividedClaim(claims, frozenset(found[0]["waiting"] or ()))

    async def _with_histories(self, claimed: Sequence[Record]) -> Sequence[Claim]:
        if not claimed:
            return ()
        events = await self._pool.read(_SQL["histories"], [row["id"] for row in claimed])
        by_execution = {
            execution_id: [rows.event(row) for row in group]
            for execution_id, group in groupby(events, key=itemgetter("execution_id"))
        }
        return [Claim(rows.execution(row), by_execution.get(row["id"], ())) for row in claimed]

    async def owned(self, engine_id: int) -> Collection[UUID]:
        with reaching():
            return [row["id"] for row in await self._pool.read(_SQL["owned"], engine_id)]

    async def give_back(self, engine_id: int, execution_ids: Sequence[UUID], seconds: float) -> None:
        with reaching():
            await self._pool.execute(_SQL["give_back"], engine_id, execution_ids, seconds)

    async def commands(self, engine_id: int) -> Sequence[ControlCommand]:
        with reaching():
            waiting = await self._pool.read(_SQL["commands"], engine_id)
        return [rows.command(row) for row in waiting]


def _values(shares: ClaimShares) -> tuple[Any, ...]:
    workflows, tenants = shares.workflows, shares.tenants
    return (
        list(workflows),
        [share.allowed for share in workflows.values()],
        [share.taken for share in workflows.values()],
        list(tenants),
        [share.allowed for share in tenants.values()],
        [share.taken for share in tenants.values()],
        [share.of_each for share in tenants.values()],
        shares.of_others.allowed,
        shares.of_others.of_each,
    )


async def _free(connection: PoolConnectionProxy, engine_ids: Sequence[int]) -> int:
    if not engine_ids:
        return 0
    tag = await connection.execute(_SQL["free_executions"], engine_ids)
    return int(tag.rpartition(" ")[2])
