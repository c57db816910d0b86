"""Converts what machines have to protobuf messages and back. An event is serialized once for all who read it."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from app.api.grpc.generated import machine_pb2 as pb
from app.api.grpc.generated.workflow_pb2 import EntityUpdate as UpdateMessage
from app.api.grpc.messages import PAGE_OVERHEAD_BYTES, SUMMARY_OVERHEAD_BYTES, timestamp
from app.domain.errors import Invalid
from app.domain.payloads import Payloads
from app.domain.refs import parse_ref
from app.machines.actors import Actor
from app.machines.deciding import TransitionRequest
from app.machines.entities import EntityStart
from app.machines.entity import Entity
from app.machines.machine import MAX_DATA_BYTES
from app.machines.refusals import Possible
from app.machines.updates import EntityUpdate
from app.machines.writing import Moved

PROTOBUF = "protobuf"

_PAYLOADS = Payloads(MAX_DATA_BYTES)


def update_bytes(update: EntityUpdate) -> bytes:
    """A serialized `EntityUpdate`."""
    return update.in_format(PROTOBUF, _serialized)


def start_of(message: pb.StartRequest, actor: Actor, tenant_id: int) -> EntityStart:
    """Raise `Invalid`, `TooLarge` and `NotFound` for a message that cannot start an entity."""
    if not message.machine:
        raise Invalid.at("machine", "must be a machine's id or key")
    request = TransitionRequest(
        actor,
        notes=message.notes or None,
        context=object_of(message.context, "context"),
        idempotency_key=message.idempotency_key or None,
    )
    machine = parse_ref(message.machine, tenant_id, "machine")
    return EntityStart(machine, message.entity_table, message.entity_id, request, object_of(message.data, "data"))


def transition_of(message: pb.TransitionRequest, actor: Actor) -> TransitionRequest:
    """Raise `Invalid` and `TooLarge`."""
    return TransitionRequest(
        actor,
        to=message.to_state or None,
        transition=message.transition or None,
        notes=message.notes or None,
        context=object_of(message.context, "context"),
        data=object_of(message.data, "data") if message.data else None,
        expected_sequence=message.expected_sequence if message.HasField("expected_sequence") else None,
        idempotency_key=message.idempotency_key or None,
    )


def object_of(text: str, field: str) -> Mapping[str, Any]:
    """The JSON object that a field has; an empty one for an empty text."""
    if not text:
        return {}
    found: Mapping[str, Any] = _PAYLOADS.object_from_text(text, field).value
    return found


def answer_of(moved: Moved) -> dict[str, Any]:
    """The fields of the answer to a change. All are of what never changes: a repeated call gets the same."""
    entity = moved.entity
    return {
        "id": str(entity.id),
        "machine_id": str(entity.machine_id),
        "entity_table": entity.table,
        "entity_id": entity.key,
        "event": update_message(EntityUpdate(entity.id, entity.machine_id, moved.event)),
    }


def update_message(update: EntityUpdate) -> UpdateMessage:
    event = update.event
    return UpdateMessage(
        entity_id=str(update.entity_id),
        machine_id=str(update.machine_id),
        sequence=event.sequence,
        type=event.type.value,
        occurred_at=timestamp(event.occurred_at),
        transition=event.transition or "",
        from_state=event.from_state or "",
        to_state=event.to_state or "",
        actor=event.actor,
        on_behalf_of=event.on_behalf_of or "",
        notes=event.notes or "",
        context=_text(event.context),
        data=_text(event.data),
        execution_id="" if event.execution_id is None else str(event.execution_id),
        message=update.message,
    )


def entity_message(entity: Entity) -> pb.Entity:
    return pb.Entity(
        id=str(entity.id),
        machine_id=str(entity.machine_id),
        revision=entity.revision,
        entity_table=entity.table,
        entity_id=entity.key,
        state=entity.state,
        is_final=entity.is_final,
        sequence=entity.sequence,
        data=_text(entity.data),
        entered_at=timestamp(entity.entered_at),
        due_at=None if entity.due is None else timestamp(entity.due.at),
        created_at=timestamp(entity.created_at),
        updated_at=timestamp(entity.updated_at),
        completed_at=timestamp(entity.completed_at),
    )


def entities_message(found: Sequence[Entity], size: int, max_bytes: int) -> pb.ListEntitiesResponse:
    """A message with as many entities as fit, at least one. `found` has one more than `size` if there are more."""
    message = pb.ListEntitiesResponse()
    left = max_bytes - PAGE_OVERHEAD_BYTES
    for entity in found[:size]:
        one = entity_message(entity)
        left -= one.ByteSize() + SUMMARY_OVERHEAD_BYTES
        if left < 0 and message.entities:
            break
        message.entities.append(one)
    if len(message.entities) < len(found):
        message.next_page_token = message.entities[-1].id
    return message


def possible_message(possible: Possible) -> pb.PossibleTransition:
    return pb.PossibleTransition(
        name=possible.name,
        to=possible.target,
        allowed=possible.allowed,
        blocked_by=possible.blocked_by,
        context=_text(possible.context),
        metadata=_text(possible.metadata),
    )


def _serialized(update: EntityUpdate) -> bytes:
    return update_message(update).SerializeToString()


def _text(value: Mapping[str, Any] | None) -> str:
    return "" if value is None else orjson.dumps(value).decode()
