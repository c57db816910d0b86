"""Leases, claims and the commands inbox in memory."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from math import ceil
from uuid import UUID

from app.engine.ports import CHILD_ENDED, ChildEnd, ControlCommand
from app.engine.running.ports import Claim, ClaimShares, DividedClaim
from tests.support.memory.database import NEVER, MemoryDatabase, StoredExecution


def divided(
    due: Sequence[StoredExecution], limit: int, shares: ClaimShares
) -> tuple[list[StoredExecution], frozenset[int]]:
    """Those to claim, and the workflows that may have more."""
    of_workflow: dict[int, list[StoredExecution]] = defaultdict(list)
    for row in due:
        of_workflow[row.execution.workflow_id].append(row)
    ready = {key: rows for key, rows in of_workflow.items() if shares.allowed.get(key, shares.of_others) > 0}
    most = {key: min(shares.allowed.get(key, shares.of_others), ceil(2 * limit / len(ready))) for key in ready}
    turns = sorted(
        (
            (shares.taken.get(key, 0) + rank, row.due_at, row.execution.id, row, rank == most[key])
            for key, rows in ready.items()
            for rank, row in enumerate(rows[: most[key]], 1)
        ),
        key=lambda turn: turn[:3],
    )
    left = [row for *_, row, _ in turns[limit:]] + [row for *_, row, is_last in turns if is_last]
    return [row for *_, row, _ in turns[:limit]], frozenset(row.execution.workflow_id for row in left)


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
            return self._take(engine_id, self._longest_due()[:limit])

    async def claim_divided(self, engine_id: int, limit: int, shares: ClaimShares) -> DividedClaim:
        async with self._database.faults.around("claim"):
            chosen, waiting = divided(self._longest_due(), limit, shares)
            return DividedClaim(self._take(engine_id, chosen), waiting)

    def _longest_due(self) -> list[StoredExecution]:
        return sorted(self._due(), key=lambda row: row.due_at)

    def _take(self, engine_id: int, rows: Sequence[StoredExecution]) -> Sequence[Claim]:
        if engine_id not in self._database.leases:
            return ()
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
