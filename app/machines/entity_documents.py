"""The JSON documents of entities, and of the answers to requests that have changed them."""

from typing import Any

from app.domain.documents import rfc3339
from app.machines.entity import Entity
from app.machines.refusals import Possible
from app.machines.updates import entity_event_document
from app.machines.writing import Moved

Document = dict[str, Any]


def entity_document(entity: Entity) -> Document:
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
        "due": None if due is None else {"at": rfc3339(due.at), "to": due.to, "transition": due.transition},
        "entered_at": rfc3339(entity.entered_at),
        "created_at": rfc3339(entity.created_at),
        "updated_at": rfc3339(entity.updated_at),
        "completed_at": rfc3339(entity.completed_at),
    }


def moved_document(moved: Moved) -> Document:
    """Of what never changes, so that a repetition of the request gets the same."""
    entity, event = moved.entity, moved.event
    return {
        "id": str(entity.id),
        "machine_id": entity.machine_id,
        "entity_table": entity.table,
        "entity_id": entity.key,
        "state": event.to_state,
        "event": entity_event_document(event),
    }


def possible_document(one: Possible) -> Document:
    return {
        "name": one.name,
        "to": one.target,
        "allowed": one.allowed,
        "blocked_by": list(one.blocked_by),
        "context": dict(one.context),
        "metadata": dict(one.metadata),
    }
