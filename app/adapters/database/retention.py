"""Removes executions whose retention has ended, by the database's clock."""

from datetime import datetime
from uuid import UUID

from app.adapters.database.pool import Pool
from app.adapters.database.statements import load
from app.adapters.unreachable import reaching
from app.engine.ports import Removal

_SQL = load("retention")
LOCK = 0x72657465_6E74696F
"""The key of the advisory lock; any number that no other program uses."""


class PostgresRetention:
    """Removes finished executions.

    pool: the connections to the database.
    days: how long executions are kept whose workflow sets no retention; 0 keeps them without limit.
    """

    def __init__(self, pool: Pool, days: float) -> None:
        self._pool = pool
        self._days = days

    async def shortest_days(self) -> float | None:
        with reaching():
            days: float | None = await self._pool.read_value(_SQL["shortest_days"], self._days)
        return days

    async def now(self) -> datetime:
        with reaching():
            now: datetime = await self._pool.read_value(_SQL["now"])
        return now

    async def remove(self, after: UUID, before: UUID, limit: int) -> Removal | None:
        with reaching():
            row = await self._pool.fetchrow(_SQL["remove"], after, before, limit, self._days, LOCK)
        if row is None or not row["granted"]:
            return None
        return Removal(row["looked_at"], row["removed"], row["last_id"])
