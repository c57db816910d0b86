"""What Kafka's part of the service keeps in PostgreSQL, and asks of executions. All tenants: it is for engines."""

from collections.abc import Collection, Mapping
from uuid import UUID

from app.adapters.database.pool import Pool
from app.adapters.database.statements import load
from app.adapters.unreachable import reaching

_SQL = load("kafka")


class PostgresRelayLease:
    """The lease of the relay, on the database's clock.

    pool: the connections.
    holder: names this process.
    """

    def __init__(self, pool: Pool, holder: UUID) -> None:
        self._pool = pool
        self._holder = holder

    async def hold(self, seconds: float) -> bool:
        with reaching():
            return await self._pool.fetchval(_SQL["hold"], self._holder, seconds) is not None

    async def position(self) -> int | None:
        with reaching():
            position: int | None = await self._pool.read_value(_SQL["position"])
        return position

    async def note(self, position: int) -> None:
        with reaching():
            await self._pool.execute(_SQL["note"], self._holder, position)

    async def release(self) -> None:
        with reaching():
            await self._pool.execute(_SQL["release"], self._holder)


class PostgresTriggered:
    """What is asked of executions that were triggered.

    pool: the connections.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def tenant(self, tenant_id: int) -> str | None:
        with reaching():
            key: str | None = await self._pool.read_value(_SQL["tenant_key"], tenant_id)
        return key

    async def inputs(self, execution_ids: Collection[UUID]) -> Mapping[UUID, str]:
        with reaching():
            found = await self._pool.read(_SQL["inputs"], list(execution_ids))
        return {row["id"]: row["input"] for row in found}

    async def make_due(self, execution_ids: Collection[UUID]) -> int:
        with reaching():
            return len(await self._pool.fetch(_SQL["make_due"], list(execution_ids)))

    async def waiting(self, most: int) -> int:
        with reaching():
            return int(await self._pool.read_value(_SQL["waiting"], most))
