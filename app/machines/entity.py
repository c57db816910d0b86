"""Entities and the events of their histories. An entity's row is the fold of its events."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from app.machines.actors import is_automatic

Json = Mapping[str, Any]


class EntityEventType(StrEnum):
    ENTITY_STARTED = "entity_started"
    TRANSITIONED = "transitioned"
    DATA_CHANGED = "data_changed"
    TIMER_SET = "timer_set"
    TIMER_BLOCKED = "timer_blocked"
    MIGRATED = "migrated"
    WORKFLOW_STARTED = "workflow_started"


@dataclass(frozen=True, slots=True)
class Due:
    """A timer that is set.

    at: when it fires.
    to: the target; None if `transition` is set.
    transition: the name of the transition.
    """

    at: datetime
    to: str | None = None
    transition: str | None = None


@dataclass(frozen=True, slots=True)
class Entity:
    """One thing that a machine governs.

    machine_id, revision: the machine, and the revision whose rules the entity follows.
    table, key: what the entity is called outside, `entity_table` and `entity_id` in the APIs.
    state: the state that it is in.
    sequence: the number of its last event.
    is_final: whether the state is final.
    data: its own, an object.
    entered_at: when it entered the state.
    due: the timer that is set.
    automatic: how many transitions in a row no caller has made.
    completed_at: when it entered a final state.
    """

    id: UUID
    tenant_id: int
    machine_id: int
    revision: int
    table: str
    key: str
    state: str
    sequence: int
    is_final: bool
    data: Json
    entered_at: datetime
    created_at: datetime
    updated_at: datetime
    due: Due | None = None
    automatic: int = 0
    completed_at: datetime | None = None

    @property
    def etag(self) -> str:
        return f'"{self.id}-{self.sequence}"'


@dataclass(frozen=True, slots=True)
class EntityEvent:
    """One numbered event of an entity.

    transition, from_state, to_state: of a transition and of a start; the state does not change by other events.
    actor: who has made it.
    on_behalf_of: for whom, by the actor's own word.
    notes, context: as the request had them.
    data: by the type: the whole data of ENTITY_STARTED, the changes of TRANSITIONED and DATA_CHANGED (a merge patch,
        RFC 7396), the timer of TIMER_SET, the errors of TIMER_BLOCKED, the revisions of MIGRATED, the effect of
        WORKFLOW_STARTED.
    execution_id: the execution that was started.
    idempotency_key: that of the request; only the first event of a request has it.
    """

    sequence: int
    type: EntityEventType
    occurred_at: datetime
    actor: str
    transition: str | None = None
    from_state: str | None = None
    to_state: str | None = None
    on_behalf_of: str | None = None
    notes: str | None = None
    context: Json | None = None
    data: Json | None = None
    execution_id: UUID | None = None
    idempotency_key: str | None = field(default=None, compare=False)


def merged(data: Json, patch: Json) -> dict[str, Any]:
    """The result of a merge patch, RFC 7396: null removes a field, objects are merged, all else replaces."""
    result = dict(data)
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, Mapping):
            before = result.get(name)
            result[name] = merged(before if isinstance(before, Mapping) else {}, value)
        else:
            result[name] = value
    return result


def after(entity: Entity, events: Iterable[EntityEvent], finals: frozenset[str]) -> Entity:
    """The entity after events that follow its own. `finals` are the names of the final states."""
    for event in events:
        entity = _after_one(entity, event, finals)
    return entity


def _after_one(entity: Entity, event: EntityEvent, finals: frozenset[str]) -> Entity:
    entity = replace(entity, sequence=event.sequence, updated_at=event.occurred_at)
    change = _CHANGES.get(event.type)
    return entity if change is None else change(entity, event, finals)


def _started(entity: Entity, event: EntityEvent, finals: frozenset[str]) -> Entity:
    state = event.to_state or entity.state
    is_final = state in finals
    completed_at = event.occurred_at if is_final else None
    data = event.data or {}
    return replace(
        entity, state=state, data=data, is_final=is_final, entered_at=event.occurred_at, completed_at=completed_at
    )


def _transitioned(entity: Entity, event: EntityEvent, finals: frozenset[str]) -> Entity:
    state = event.to_state or entity.state
    return replace(
        entity,
        state=state,
        is_final=state in finals,
        data=entity.data if event.data is None else merged(entity.data, event.data),
        entered_at=event.occurred_at,
        due=None,
        automatic=entity.automatic + 1 if is_automatic(event.actor) else 0,
        completed_at=event.occurred_at if state in finals else None,
    )


def _data_changed(entity: Entity, event: EntityEvent, _finals: frozenset[str]) -> Entity:
    return replace(entity, data=merged(entity.data, event.data or {}))


def _timer_set(entity: Entity, event: EntityEvent, _finals: frozenset[str]) -> Entity:
    return replace(entity, due=due_of(event.data or {}))


def _timer_blocked(entity: Entity, event: EntityEvent, _finals: frozenset[str]) -> Entity:
    data = event.data or {}
    retry_at = data.get("retry_at")
    due = None if retry_at is None or entity.due is None else replace(entity.due, at=datetime.fromisoformat(retry_at))
    return replace(entity, due=due)


def _migrated(entity: Entity, event: EntityEvent, finals: frozenset[str]) -> Entity:
    state = event.to_state or entity.state
    data = event.data or {}
    entered_at = entity.entered_at if state == entity.state else event.occurred_at
    return replace(
        entity,
        revision=data["to_revision"],
        state=state,
        is_final=state in finals,
        entered_at=entered_at,
        due=None,
        completed_at=(entity.completed_at or event.occurred_at) if state in finals else None,
    )


_CHANGES = {
    EntityEventType.ENTITY_STARTED: _started,
    EntityEventType.TRANSITIONED: _transitioned,
    EntityEventType.DATA_CHANGED: _data_changed,
    EntityEventType.TIMER_SET: _timer_set,
    EntityEventType.TIMER_BLOCKED: _timer_blocked,
    EntityEventType.MIGRATED: _migrated,
}


def due_of(data: Json) -> Due:
    """The timer that the data of TIMER_SET describe."""
    return Due(datetime.fromisoformat(data["due_at"]), data.get("to"), data.get("transition"))
