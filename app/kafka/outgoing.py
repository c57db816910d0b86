"""The records that are made of events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from app.domain.documents import rfc3339
from app.domain.events import Event, EventType
from app.domain.run_ids import VIA_KAFKA
from app.engine.watching.documents import error_document
from app.engine.watching.updates import Update
from app.feed.documents import feed_event_json
from app.feed.entries import AnyType, FeedEvent, stream_of
from app.kafka.records import Record
from app.kafka.topics import Topics

MAX_VALUE_BYTES = 900_000
"""Brokers take 1 MiB by default. A larger event is published without its output, and a trigger without its payload."""

STATUS_OF_END = {
    EventType.EXECUTION_COMPLETED: "success",
    EventType.EXECUTION_FAILED: "failed",
    EventType.EXECUTION_CANCELLED: "cancelled",
}
RELAYED = "relayed"
"""The header of a record in the trigger topic that stands for an execution which is stored already."""


@dataclass(frozen=True, slots=True)
class Origin:
    """How an execution came to be, from the data of its first event.

    via: the way on which it was triggered; None if it was not.
    run_id: what its caller calls it by; None for its id.
    traceparent: the trace that it belongs to; None if that is not known.
    """

    via: str | None = None
    run_id: str | None = None
    traceparent: str | None = None

    @classmethod
    def of(cls, created: Event | None) -> "Origin":
        data = orjson.loads(created.data) if created is not None and created.data else {}
        return cls(data.get("via"), data.get("run_id"), data.get("traceparent"))


@dataclass(frozen=True, slots=True)
class OutgoingEvent:
    """An event to publish.

    found: the event.
    tenant: the key of its tenant.
    """

    found: FeedEvent
    tenant: str

    @property
    def stream_id(self) -> UUID:
        """The execution, or the entity."""
        return stream_of(self.found.update)

    @property
    def of_execution(self) -> Update | None:
        """The event, if it is one of an execution."""
        return self.found.update if isinstance(self.found.update, Update) else None

    @property
    def type(self) -> AnyType:
        return self.found.update.event.type

    @property
    def key(self) -> bytes:
        return str(self.stream_id).encode()


def event_record(topics: Topics, event: OutgoingEvent, origin: Origin) -> Record:
    """The record of the events' topic."""
    value = feed_event_json(event.found)
    headers = _headers(topics, event, f"event.{event.type.value}") | trace_headers(origin.traceparent)
    if len(value) > MAX_VALUE_BYTES:
        value = orjson.dumps(orjson.loads(value) | {"output": None, "output_omitted": True})
    return Record(topics.events, event.key, value, headers)


def end_record(topics: Topics, event: OutgoingEvent, update: Update, origin: Origin) -> Record:
    """The record of the topic of ends, for the final event of an execution. `update` is that event."""
    status = STATUS_OF_END[update.event.type]
    value = completion(origin.run_id or str(update.execution_id), update.workflow_id, status)
    value["execution_id"] = str(update.execution_id)
    if (error := error_document(update.failure)) is not None:
        value["error"] = error
    headers = _headers(topics, event, "completed") | trace_headers(origin.traceparent)
    return Record(topics.completed, event.key, orjson.dumps(value), headers)


def completion(run_id: str, workflow_id: int | str, status: str) -> dict[str, Any]:
    return {"run_id": run_id, "workflow_id": workflow_id, "status": status}


def trigger_record(topics: Topics, event: OutgoingEvent, update: Update, origin: Origin, payload: str) -> Record:
    """The record that makes an execution run which was triggered over REST.

    update: its first event.
    payload: its input, as JSON text.
    """
    value = {"run_id": str(update.execution_id), "workflow_id": update.workflow_id}
    if len(payload) <= MAX_VALUE_BYTES:
        value["payload"] = orjson.Fragment(payload)
    headers = _headers(topics, event, "trigger") | trace_headers(origin.traceparent) | {RELAYED: b"true"}
    return Record(topics.trigger, event.key, orjson.dumps(value), headers)


def records_of(
    topics: Topics,
    events: Sequence[OutgoingEvent],
    origins: Mapping[UUID, Origin],
    inputs: Mapping[UUID, str],
    every: bool,
) -> list[Record]:
    """All records for these events.

    origins: of their executions; one that is missing has been removed.
    inputs: of the executions that were triggered for Kafka.
    every: whether all ends are published, or only those of executions that were triggered.
    """
    made: list[Record] = []
    for event in events:
        update = event.of_execution
        if update is None:
            made.append(event_record(topics, event, Origin()))
            continue
        origin, execution_id = origins.get(update.execution_id, Origin()), update.execution_id
        made.append(event_record(topics, event, origin))
        if update.event.type.is_final and (every or origin.via is not None):
            made.append(end_record(topics, event, update, origin))
        elif event.type is EventType.EXECUTION_CREATED and origin.via == VIA_KAFKA and execution_id in inputs:
            made.append(trigger_record(topics, event, update, origin, inputs[execution_id]))
    return made


def _headers(topics: Topics, event: OutgoingEvent, type: str) -> dict[str, bytes]:
    """CloudEvents 1.0 in binary mode. `ce_id` is unique for the source and the type."""
    happened = event.found.update.event
    attributes = {
        "ce_specversion": "1.0",
        "ce_id": f"{event.stream_id}/{happened.sequence}",
        "ce_source": f"/{topics.prefix}/{event.tenant}",
        "ce_type": f"{topics.prefix}.{type}",
        "ce_subject": str(event.stream_id),
        "ce_time": rfc3339(happened.occurred_at) or "",
        "content-type": "application/json",
        "tenant": event.tenant,
    }
    return {name: value.encode() for name, value in attributes.items()}


def trace_headers(traceparent: str | None) -> dict[str, bytes]:
    return {} if traceparent is None else {"traceparent": traceparent.encode()}
