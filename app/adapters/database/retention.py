"""Removing executions whose time is up, on the database's clock."""

from datetime import datetime
from uuid import UUID

from app.adapters.database.pool import Pool
from app.adapters.database.statements import load
from app.adapters.unreachable import reaching
from app.engine.ports import Removal

_SQL = load("retention")
LOCK = 0x72657465_6E74696F
"""The advisory lock's number, of this program's own choosing."""


class PostgresRetention:
    """`days` is how long executions are kept whose workflow has no retention of its own; 0 keeps them without limit."""

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
