"""Shows an event of an entity as a JSON document."""

from typing import Any

from app.domain.documents import rfc3339
from app.machines.entity import EntityEvent


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
    }
