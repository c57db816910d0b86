"""Removing executions whose time is up, in memory."""

from datetime import datetime, timedelta
from uuid import UUID

from app.engine.ports import Removal
from tests.support.memory.database import MemoryDatabase


class MemoryRetention:
    """`days` is how long executions are kept whose workflow is not in `days_of`; 0 is for ever."""

    def __init__(self, database: MemoryDatabase, days: float, days_of: dict[int, float] | None = None) -> None:
        self._database = database
        self._days = days
        self._days_of = days_of or {}

    async def now(self) -> datetime:
        return self._database.now()

    async def shortest_days(self) -> float | None:
        return min((days for days in (self._days, *self._days_of.values()) if days > 0), default=None)

    async def remove(self, after: UUID, before: UUID, limit: int) -> Removal | None:
        async with self._database.faults.around("remove"):
            looked_at = sorted(id_ for id_ in self._database.executions if after < id_ < before)[:limit]
            expired = [execution_id for execution_id in looked_at if self._is_family_expired(execution_id)]
            for execution_id in expired:
                del self._database.executions[execution_id], self._database.histories[execution_id]
            return Removal(len(looked_at), len(expired), looked_at[-1] if looked_at else None)

    def _is_family_expired(self, execution_id: UUID) -> bool:
        root = self._root(execution_id)
        return all(self._is_expired(other) for other in self._database.executions if self._root(other) == root)

    def _root(self, execution_id: UUID) -> UUID:
        return self._database.executions[execution_id].execution.root_id

    def _is_expired(self, execution_id: UUID) -> bool:
        execution = self._database.executions[execution_id].execution
        days = self._days_of.get(execution.workflow_id, self._days)
        if execution.finished_at is None or days == 0:
            return False
        return execution.finished_at < self._database.now() - timedelta(days=days)
