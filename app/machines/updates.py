"""Shows an event of an entity: as a JSON document, the same bytes for all readers, and as a sentence for people."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson

from app.domain.documents import rfc3339
from app.machines.entity import EntityEvent, EntityEventType

JSON = "json"


@dataclass(slots=True)
class EntityUpdate:
    """One event of an entity, in the form that all APIs show.

    entity_id: the entity that the event belongs to.
    machine_id: its machine.
    event: the event.
    """

    entity_id: UUID
    machine_id: int
    event: EntityEvent
    _made: dict[str, bytes] = field(default_factory=dict, init=False, compare=False, repr=False)

    def in_format(self, name: str, make: Callable[["EntityUpdate"], bytes]) -> bytes:
        """The update as an API sends it. `make` makes the bytes, once for each name of a format."""
        made = self._made.get(name)
        if made is None:
            made = self._made[name] = make(self)
        return made

    @property
    def json(self) -> bytes:
        """The document of the event."""
        return self.in_format(JSON, _encoded)

    @property
    def message(self) -> str:
        return sentence(self.event)


def entity_event_document(event: EntityEvent) -> dict[str, Any]:
    return {
        "sequence": event.sequence,
        "type": event.type.value,
        "occurred_at": rfc3339(event.occurred_at),
        "transition": event.transition,
        "from_state": event.from_state,
        "to_state": event.to_state,
        "actor": event.actor,
        "on_behalf_of": event.on_behalf_of,
        "notes": event.notes,
        "context": event.context,
        "data": event.data,
        "execution_id": None if event.execution_id is None else str(event.execution_id),
        "message": sentence(event),
    }


def sentence(event: EntityEvent) -> str:
    """Describe an event in a sentence."""
    return _SENTENCES[event.type](event, event.data or {})


def _encoded(update: EntityUpdate) -> bytes:
    return orjson.dumps(entity_event_document(update.event))


def _started(event: EntityEvent, _: Mapping[str, Any]) -> str:
    return f"Entity started in {event.to_state!r}"


def _transitioned(event: EntityEvent, _: Mapping[str, Any]) -> str:
    return f"Transition {event.transition!r} from {event.from_state!r} to {event.to_state!r}"


def _data_changed(_: EntityEvent, data: Mapping[str, Any]) -> str:
    return f"Data changed: {', '.join(data)}" if data else "Data changed"


def _timer_set(_: EntityEvent, data: Mapping[str, Any]) -> str:
    return f"Timer set for {data.get('due_at')}"


def _timer_blocked(_: EntityEvent, data: Mapping[str, Any]) -> str:
    return f"Timer blocked: {'; '.join(data.get('errors', ()))}"


def _migrated(event: EntityEvent, data: Mapping[str, Any]) -> str:
    moved = "" if event.from_state == event.to_state else f", from {event.from_state!r} to {event.to_state!r}"
    return f"Migrated from revision {data.get('from_revision')} to {data.get('to_revision')}{moved}"


def _workflow_started(_: EntityEvent, data: Mapping[str, Any]) -> str:
    return f"Workflow {data.get('workflow')!r} started by {data.get('effect')}"


_SENTENCES: Mapping[EntityEventType, Callable[[EntityEvent, Mapping[str, Any]], str]] = {
    EntityEventType.ENTITY_STARTED: _started,
    EntityEventType.TRANSITIONED: _transitioned,
    EntityEventType.DATA_CHANGED: _data_changed,
    EntityEventType.TIMER_SET: _timer_set,
    EntityEventType.TIMER_BLOCKED: _timer_blocked,
    EntityEventType.MIGRATED: _migrated,
    EntityEventType.WORKFLOW_STARTED: _workflow_started,
}
