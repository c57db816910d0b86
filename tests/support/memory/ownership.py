"""Leases, claims and the commands inbox in memory."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from math import ceil
from uuid import UUID

from app.domain.engines import IDLE, EngineLoad, EngineProfile
from app.domain.shares import Group
from app.engine.ports import CHILD_ENDED, ChildEnd, ControlCommand
from app.engine.running.ports import Claim, ClaimShares, DividedClaim
from tests.support.memory.database import NEVER, MemoryDatabase, StoredExecution


def divided(
    due: Sequence[StoredExecution], limit: int, shares: ClaimShares
) -> tuple[list[StoredExecution], frozenset[int]]:
    """Those to claim, and the workflows that may have more."""
    ready = _ready(due, shares)
    workflows = Counter(group.tenant_id for group in ready)
    turns: dict[int, list[tuple[int, datetime, UUID, StoredExecution]]] = defaultdict(list)
    last = set()
    for group, rows in ready.items():
        share = shares.workflows.get(group.workflow_id)
        tenant = shares.tenants.get(group.tenant_id, shares.of_others)
        allowed, taken = (tenant.of_each, 0) if share is None else (share.allowed, share.taken)
        most = min(allowed, ceil(2 * limit / (len(workflows) * workflows[group.tenant_id])))
        for rank, row in enumerate(rows[:most], 1):
            turns[group.tenant_id].append((taken + rank, row.due_at, row.execution.id, row))
            last |= {group.workflow_id} if rank == most else set()
    return _in_turn(turns, limit, shares, last)


def _ready(due: Sequence[StoredExecution], shares: ClaimShares) -> dict[Group, list[StoredExecution]]:
    """What is due of the workflows that may have more, by the workflow."""
    found: dict[Group, list[StoredExecution]] = defaultdict(list)
    for row in due:
        group = row.execution.group
        share, tenant = shares.workflows.get(group.workflow_id), shares.tenants.get(group.tenant_id, shares.of_others)
        if (tenant.of_each if share is None else share.allowed) > 0 and tenant.allowed > 0:
            found[group].append(row)
    return found


def _in_turn(
    turns: dict[int, list[tuple[int, datetime, UUID, StoredExecution]]],
    limit: int,
    shares: ClaimShares,
    last: set[int],
) -> tuple[list[StoredExecution], frozenset[int]]:
    """The first `limit` of all tenants in turn, each of them with no more than it may have."""
    ordered = []
    for tenant_id, own in turns.items():
        share = shares.tenants.get(tenant_id, shares.of_others)
        in_order = [row for *_, row in sorted(own, key=lambda turn: turn[:3])]
        ordered += [(share.taken + rank, row.due_at, row) for rank, row in enumerate(in_order[: share.allowed], 1)]
    chosen = [row for *_, row in sorted(ordered, key=lambda turn: turn[:2])][:limit]
    taken = {row.execution.id for row in chosen}
    left = {row.execution.workflow_id for own in turns.values() for *_, row in own if row.execution.id not in taken}
    return chosen, frozenset(left | last)


class MemoryOwnership:
    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def register(self, profile: EngineProfile, lease_seconds: float) -> int:
        async with self._database.faults.around("register"):
            engine_id = next(self._database.engine_ids)
            self._extend(engine_id, lease_seconds)
            return engine_id

    async def renew(self, engine_id: int, lease_seconds: float, load: EngineLoad = IDLE) -> bool:
        async with self._database.faults.around("renew"):
            if engine_id not in self._database.leases:
                return False
            self._extend(engine_id, lease_seconds)
            self._database.loads[engine_id] = load
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
