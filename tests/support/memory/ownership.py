"""Leases, claims and the commands inbox in memory."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from app.engine.ports import CHILD_ENDED, ChildEnd, Claim, ControlCommand
from tests.support.memory.database import NEVER, MemoryDatabase, StoredExecution


class MemoryOwnership:
    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def register(self, name: str, lease_seconds: float) -> int:
        async with self._database.faults.around("register"):
            engine_id = next(self._database.engine_ids)
            self._extend(engine_id, lease_seconds)
            return engine_id

    async def renew(self, engine_id: int, lease_seconds: float) -> bool:
        async with self._database.faults.around("renew"):
            if engine_id not in self._database.leases:
                return False
            self._extend(engine_id, lease_seconds)
            return True

    async def reap(self) -> int:
        async with self._database.faults.around("reap"):
            now = self._database.now()
            ended = [engine_id for engine_id, until in self._database.leases.items() if until < now]
            self._sweep_commands()
            self._database.make_due(list(self._database.executions))
            return self._remove(ended)

    async def release(self, engine_id: int) -> None:
        async with self._database.faults.around("release"):
            self._remove([engine_id])

    async def claim(self, engine_id: int, limit: int) -> Sequence[Claim]:
        async with self._database.faults.around("claim"):
            if engine_id not in self._database.leases:
                return ()
            rows = sorted(self._due(), key=lambda row: row.due_at)[:limit]
            for row in rows:
                row.owner_id = engine_id
                row.due_at = NEVER
            return [Claim(row.execution, tuple(self._database.histories[row.execution.id])) for row in rows]

    async def owned(self, engine_id: int) -> Collection[UUID]:
        async with self._database.faults.around("owned"):
            return [row.execution.id for row in self._database.owned_by([engine_id])]

    async def give_back(self, engine_id: int, execution_ids: Sequence[UUID], seconds: float) -> None:
        async with self._database.faults.around("give_back"):
            for row in self._database.owned_by([engine_id]):
                if row.execution.id in execution_ids:
                    self._free(row, seconds)

    async def commands(self, engine_id: int) -> Sequence[ControlCommand]:
        async with self._database.faults.around("commands"):
            owned = {row.execution.id for row in self._database.owned_by([engine_id])}
            return [self._read(c) for c in self._database.commands.values() if c.execution_id in owned]

    def _read(self, command: ControlCommand) -> ControlCommand:
        if command.type != CHILD_ENDED:
            return command
        child = self._database.executions[UUID(command.name)].execution
        message = "" if child.failure is None else child.failure.message
        return replace(command, child=ChildEnd(child.id, child.status, child.output, message))

    def _extend(self, engine_id: int, seconds: float) -> None:
        self._database.leases[engine_id] = self._database.now() + timedelta(seconds=seconds)

    def _due(self) -> Iterable[StoredExecution]:
        now = self._database.now()
        return (
            row
            for row in self._database.executions.values()
            if row.owner_id is None and row.is_open and row.due_at <= now
        )

    def _remove(self, engine_ids: Sequence[int]) -> int:
        for engine_id in engine_ids:
            self._database.leases.pop(engine_id, None)
        freed = self._database.owned_by(engine_ids)
        for row in freed:
            row.owner_id = None
            row.due_at = min(self._database.now(), row.execution.created_at)
        return len(freed)

    def _free(self, row: StoredExecution, seconds: float) -> None:
        row.owner_id = None
        row.due_at = self._database.now() + timedelta(seconds=seconds)

    def _sweep_commands(self) -> None:
        for command in list(self._database.commands.values()):
            if not self._database.executions[command.execution_id].is_open:
                del self._database.commands[command.id]
