"""Entities in PostgreSQL. A step is one statement, which is also its fence: it stores only what follows the last event
that the entity has.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from app.adapters.database.pool import Pool
from app.adapters.database.statements import load
from app.adapters.unreachable import reaching
from app.engine.ports import NEW_COMMANDS, NEW_WORK
from app.machines.deciding import Step
from app.machines.entity import Due, Entity, EntityEvent, EntityEventType
from app.machines.ports import Effect, EndedRun, EntityFilter, EntityPage, Outlook, Stored

_SQL = load("entities")
_GET, _FIND, _LIST, _OTHERS = (
    f"{_SQL['columns']}\n{_SQL[name]}" for name in ("get", "find", "list", "other_revisions")
)
_HISTORY, _ANSWERED = (f"{_SQL['event_columns']}\n{_SQL[name]}" for name in ("history", "answered"))
_WORKFLOW_CHANGED = "WF001"
"""The SQLSTATE by which `store_entity_step` takes back a step whose workflow has changed."""

HELD_SECONDS = 2.0
"""How long others leave alone what an engine has claimed, and what waits longer if that engine dies. Firing 50 timers
takes less than a tenth of it. When it takes longer, two engines do the same work, and the step of one is not stored.
"""


class PostgresEntityStore:
    """Stores entities, for a login that callers are served with. All statements are bound to a tenant."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def store(self, tenant_id: int, step: Step, effects: Sequence[Effect] = ()) -> Stored:
        documents = (_entity_document(step.entity), [_event_document(event) for event in step.events])
        entity, events = (orjson.dumps(document).decode() for document in documents)
        started = orjson.dumps([_effect_document(effect) for effect in effects]).decode() if effects else None
        try:
            with reaching():
                return Stored(await self._pool.fetchval(_SQL["store"], tenant_id, entity, events, started))
        except asyncpg.UniqueViolationError:
            # Another request with the same idempotency key was faster.
            return Stored.MOVED
        except asyncpg.PostgresError as error:
            if error.sqlstate == _WORKFLOW_CHANGED:
                return Stored.CHANGED
            raise

    async def get(self, tenant_id: int, entity_id: UUID) -> Entity | None:
        with reaching():
            row = await self._pool.read_row(_GET, tenant_id, entity_id)
        return None if row is None else entity_of(row)

    async def find(self, tenant_id: int, machine_id: int, table: str, key: str) -> Entity | None:
        with reaching():
            row = await self._pool.read_row(_FIND, tenant_id, machine_id, table, key)
        return None if row is None else entity_of(row)

    async def answered(self, tenant_id: int, entity_id: UUID, idempotency_key: str) -> EntityEvent | None:
        with reaching():
            row = await self._pool.read_row(_ANSWERED, tenant_id, entity_id, idempotency_key)
        return None if row is None else event_of(row)

    async def last_actors(self, tenant_id: int, entity_id: UUID, names: Collection[str]) -> Mapping[str, str]:
        with reaching():
            found = await self._pool.read(_SQL["last_actors"], tenant_id, entity_id, list(names))
        return {row["transition"]: row["person"] for row in found}

    async def history(self, tenant_id: int, entity_id: UUID, after: int, limit: int) -> Sequence[EntityEvent]:
        with reaching():
            found = await self._pool.read(_HISTORY, tenant_id, entity_id, after, limit)
        return [event_of(row) for row in found]

    async def page(self, tenant_id: int, entity_id: UUID, after: int, limit: int) -> EntityPage | None:
        with reaching():
            found = await self._pool.read(_SQL["page"], tenant_id, entity_id, after, limit)
        if not found:
            return None
        row = found[0]
        events = [event_of(row) for row in found if row["sequence"] is not None]
        return EntityPage(row["entity"], row["machine_id"], events, row["last"], row["is_final"])

    async def list(self, tenant_id: int, wanted: EntityFilter, before: UUID | None, limit: int) -> Sequence[Entity]:
        wishes = (wanted.machine_id, wanted.state, wanted.table, wanted.key, wanted.is_final)
        with reaching():
            found = await self._pool.read(_LIST, tenant_id, *wishes, before, limit)
        return [entity_of(row) for row in found]

    async def of_other_revisions(
        self, tenant_id: int, machine_id: int, revision: int, after: UUID | None, limit: int
    ) -> Sequence[Entity]:
        with reaching():
            found = await self._pool.read(_OTHERS, tenant_id, machine_id, revision, after, limit)
        return [entity_of(row) for row in found]


class PostgresEntityTimers:
    """Finds what is due, with the login of engines."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def outlook(self) -> Outlook:
        with reaching():
            (row,) = await self._pool.read(_SQL["outlook"])
        return Outlook(row["seconds"], row["has_ended"], row["has_waits"])

    async def due(self, limit: int) -> Sequence[Entity]:
        with reaching():
            return [entity_of(row) for row in await self._pool.fetch(_SQL["due"], limit, HELD_SECONDS)]

    async def ended(self, limit: int) -> Sequence[EndedRun]:
        with reaching():
            found = await self._pool.fetch(_SQL["ended"], limit, HELD_SECONDS)
        return [EndedRun(row["execution_id"], row["entity_id"], row["tenant_id"], row["transition"]) for row in found]

    async def sweep(self, limit: int) -> None:
        with reaching():
            await self._pool.execute(_SQL["sweep"], limit)
            await self._pool.execute(_SQL["sweep_waits"])

    async def tell(self, limit: int) -> bool:
        with reaching():
            await self._pool.execute(_SQL["resolve_waits"], limit)
            if not await self._pool.fetch(_SQL["tell_waits"], limit):
                return False
            await self._pool.execute("SELECT pg_notify($1, ''), pg_notify($2, '')", NEW_WORK, NEW_COMMANDS)
        return True

    async def settle(self, execution_id: UUID) -> None:
        with reaching():
            await self._pool.execute(_SQL["settle"], execution_id)


def entity_of(row: asyncpg.Record) -> Entity:
    due_at = row["due_at"]
    return Entity(
        id=row["id"],
        tenant_id=row["tenant_id"],
        machine_id=row["machine_id"],
        revision=row["revision"],
        table=row["entity_table"],
        key=row["entity_id"],
        state=row["state"],
        sequence=row["sequence"],
        is_final=row["is_final"],
        data=orjson.loads(row["data"]),
        entered_at=row["entered_at"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        due=None if due_at is None else Due(due_at, row["due_to"], row["due_transition"]),
        automatic=row["automatic"],
        completed_at=row["completed_at"],
    )


def event_of(row: asyncpg.Record) -> EntityEvent:
    return EntityEvent(
        sequence=row["sequence"],
        type=EntityEventType(row["type"]),
        occurred_at=row["occurred_at"],
        actor=row["actor"],
        transition=row["transition"],
        from_state=row["from_state"],
        to_state=row["to_state"],
        on_behalf_of=row["on_behalf_of"],
        notes=row["notes"],
        context=_object(row["context"]),
        data=_object(row["data"]),
        execution_id=row["execution_id"],
    )


def _object(text: str | None) -> Mapping[str, Any] | None:
    return None if text is None else orjson.loads(text)


def _entity_document(entity: Entity) -> dict[str, Any]:
    due = entity.due
    return {
        "id": str(entity.id),
        "machine_id": entity.machine_id,
        "revision": entity.revision,
        "entity_table": entity.table,
        "entity_id": entity.key,
        "state": entity.state,
        "sequence": entity.sequence,
        "is_final": entity.is_final,
        "data": dict(entity.data),
        "entered_at": entity.entered_at,
        "due_at": None if due is None else due.at,
        "due_to": None if due is None else due.to,
        "due_transition": None if due is None else due.transition,
        "automatic": entity.automatic,
        "created_at": entity.created_at,
        "updated_at": entity.updated_at,
        "completed_at": entity.completed_at,
    }


def _event_document(event: EntityEvent) -> dict[str, Any]:
    return {
        "sequence": event.sequence,
        "type": event.type.value,
        "occurred_at": event.occurred_at,
        "transition": event.transition,
        "from_state": event.from_state,
        "to_state": event.to_state,
        "actor": event.actor,
        "on_behalf_of": event.on_behalf_of,
        "notes": event.notes,
        "context": None if event.context is None else dict(event.context),
        "data": None if event.data is None else dict(event.data),
        "execution_id": None if event.execution_id is None else str(event.execution_id),
        "idempotency_key": event.idempotency_key,
    }


def _effect_document(effect: Effect) -> dict[str, Any]:
    opening = effect.opening
    return {
        "id": str(effect.id),
        "workflow_id": opening.workflow_id,
        "revision": opening.revision,
        "idempotency_key": opening.idempotency_key,
        "input": orjson.Fragment(opening.input.text),
        "created_at": opening.created_at,
        "created_data": orjson.Fragment(opening.created_data or "null"),
        "started_by": opening.started_by,
        "on_completed": effect.on_completed,
        "on_failed": effect.on_failed,
    }
