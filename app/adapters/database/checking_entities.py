"""Reads all entities for a check, from one snapshot, each with its events."""

from collections.abc import AsyncIterator, Collection, Sequence
from uuid import UUID

import asyncpg
import orjson
from asyncpg.pool import PoolConnectionProxy

from app.adapters.database.cursors import Rows
from app.adapters.database.statements import load
from app.checking.entities import CheckedEntity, CheckedEntityEvent, States, check_entity, revisions_of
from app.checking.findings import Finding, Rule
from app.domain.recently_used import RecentlyUsed

_SQL = load("checking")
_AT_ONCE = 1_000
_REVISIONS_KEPT = 1_000


async def entity_findings(connection: PoolConnectionProxy) -> AsyncIterator[Finding]:
    """Everything that is wrong with entities. `connection` has a transaction with a snapshot."""
    entities = Rows(await connection.cursor(_SQL["entities"]), _AT_ONCE)
    events = Rows(await connection.cursor(_SQL["entity_events"]), _AT_ONCE)
    machines = _Machines(connection)
    while (found := await _next(entities, events, machines)) is not None:
        for finding in found:
            yield finding
    for row in await connection.fetch(_SQL["lost_entities"]):
        yield Finding(row["id"], 0, Rule.ENTITY, row["sentence"])


class _Machines:
    """The states of revisions of machines."""

    def __init__(self, connection: PoolConnectionProxy) -> None:
        self._connection = connection
        self._kept: RecentlyUsed[tuple[int, int], States | None] = RecentlyUsed(_REVISIONS_KEPT)

    async def states(self, machine_id: int, revisions: Collection[int]) -> dict[int, States]:
        """Those that are stored."""
        found = {revision: await self._of(machine_id, revision) for revision in revisions}
        return {revision: states for revision, states in found.items() if states is not None}

    async def _of(self, machine_id: int, revision: int) -> States | None:
        key = (machine_id, revision)
        if key not in self._kept:
            snapshot = await self._connection.fetchval(_SQL["machine_snapshot"], *key)
            self._kept.put(key, None if snapshot is None else _states(snapshot))
        return self._kept.get(key)


async def _next(entities: Rows, events: Rows, machines: _Machines) -> Sequence[Finding] | None:
    """The findings about the entity with the lowest remaining id; None when none remains."""
    record, event = await entities.head(), await events.head()
    if record is None and event is None:
        return None
    entity_id: UUID = min(head[0] for head in (record, event) if head is not None)
    history = []
    while (head := await events.head()) is not None and head[0] == entity_id:
        history.append(_event(head))
        events.position += 1
    if record is None or record[0] != entity_id:
        return [Finding(entity_id, 0, Rule.NO_ROW, f"{len(history)} events and no row in entities")]
    entities.position += 1
    row = CheckedEntity(**dict(record.items()) | {"data": orjson.loads(record["data"])})
    return check_entity(row, history, await machines.states(row.machine_id, revisions_of(row, history)))


def _event(record: asyncpg.Record) -> CheckedEntityEvent:
    data = record["data"]
    return CheckedEntityEvent(
        sequence=record["sequence"],
        type=record["type"],
        occurred_at=record["occurred_at"],
        from_state=record["from_state"],
        to_state=record["to_state"],
        actor=record["actor"],
        data=None if data is None else orjson.loads(data),
        execution_id=record["execution_id"],
        started=None if record["tenant_id"] is None else (record["tenant_id"], record["idempotency_key"]),
    )


def _states(snapshot: str) -> States:
    states = orjson.loads(snapshot)["states"]
    return States(
        frozenset(state["name"] for state in states), frozenset(state["name"] for state in states if state["final"])
    )
