"""The AsyncAPI document: the topics, and what their records contain."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.kafka.topics import Topics

TEXT: Mapping[str, Any] = {"type": "string"}
RUN_ID = {
    "type": "string",
    "maxLength": 190,
    "description": "A UUID is the id of the execution, other text stands for one.",
}
WORKFLOW = {"type": ["integer", "string"], "description": "The id or the key of a workflow."}
ERROR = {"type": "object", "required": ["code", "message"], "properties": {"code": TEXT, "message": TEXT}}
_OF_EVENTS = ("ce_specversion", "ce_id", "ce_source", "ce_type", "ce_subject", "ce_time", "content-type", "tenant")
HEADERS = {"type": "object", "properties": dict.fromkeys((*_OF_EVENTS, "traceparent"), TEXT)}
DEAD_HEADERS = {
    "type": "object",
    "properties": {f"dlq_{name}": TEXT for name in ("code", "message", "topic", "partition", "offset", "timestamp")},
}


def asyncapi_document(topics: Topics, version: str) -> dict[str, Any]:
    """AsyncAPI 3.0. The service receives what it has as `receive`, and sends what it has as `send`."""
    received = {"trigger": (topics.trigger, _trigger()), "signal": (topics.signals, _signal())}
    sent = {
        "event": (topics.events, _event(), HEADERS),
        "completed": (topics.completed, _completed(), HEADERS),
        "refused_trigger": (topics.dead(topics.trigger), {}, DEAD_HEADERS),
        "refused_signal": (topics.dead(topics.signals), {}, DEAD_HEADERS),
    }
    messages = {name: _message(payload) for name, (_, payload) in received.items()}
    messages |= {name: _message(payload, headers) for name, (_, payload, headers) in sent.items()}
    addresses = {name: topic for name, (topic, _) in received.items()} | {name: of[0] for name, of in sent.items()}
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Workflow execution service", "version": version},
        "defaultContentType": "application/json",
        "channels": {name: _channel(name, address) for name, address in addresses.items()},
        "operations": {name: _operation(name, "receive" if name in received else "send") for name in addresses},
        "components": {"messages": messages},
    }


def _channel(name: str, address: str) -> dict[str, Any]:
    return {"address": address, "messages": {name: {"$ref": f"#/components/messages/{name}"}}}


def _operation(name: str, action: str) -> dict[str, Any]:
    return {"action": action, "channel": {"$ref": f"#/channels/{name}"}}


def _message(payload: Mapping[str, Any], headers: Mapping[str, Any] = HEADERS) -> dict[str, Any]:
    return {"contentType": "application/json", "headers": headers, "payload": payload}


def _object(required: Sequence[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "properties": properties}


def _trigger() -> dict[str, Any]:
    return _object(["workflow_id"], run_id=RUN_ID, workflow_id=WORKFLOW, payload={"type": "object"})


def _signal() -> dict[str, Any]:
    return _object(["execution_id", "name"], execution_id={"type": "string", "format": "uuid"}, name=TEXT, payload={})


def _completed() -> dict[str, Any]:
    status = {"enum": ["success", "failed", "cancelled"]}
    execution = {"type": "string", "format": "uuid"}
    required = ["run_id", "workflow_id", "status"]
    return _object(required, run_id=TEXT, workflow_id=WORKFLOW, status=status, error=ERROR, execution_id=execution)


def _event() -> dict[str, Any]:
    """The other fields are those of an event over REST."""
    return {"oneOf": [_event_of_execution(), _event_of_entity()]}


def _event_of_entity() -> dict[str, Any]:
    number, nullable = {"type": "integer"}, {"type": ["string", "null"]}
    required = ["position", "entity_id", "machine_id", "sequence", "type", "occurred_at", "actor"]
    fields = {"position": number, "machine_id": number, "sequence": number}
    states = dict.fromkeys(("transition", "from_state", "to_state"), nullable)
    return _object(required, **fields, **dict.fromkeys(("entity_id", "type", "occurred_at", "actor"), TEXT), **states)


def _event_of_execution() -> dict[str, Any]:
    number = {"type": "integer"}
    required = ["position", "execution_id", "workflow_id", "sequence", "type", "occurred_at", "status"]
    fields = {"position": number, "workflow_id": number, "sequence": number, "output_omitted": {"type": "boolean"}}
    texts = dict.fromkeys(("execution_id", "type", "occurred_at", "status"), TEXT)
    return _object(required, **fields, **texts, output={}, error={"anyOf": [ERROR, {"type": "null"}]})
