"""Reads incoming records. What can never work is told from what may work later."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.domain.callers import Caller, RequestOrigin
from app.domain.errors import Invalid, NotFound, TooLarge
from app.domain.json_mistakes import NotJson
from app.domain.json_parsing import parse_json
from app.domain.payloads import Payload, Payloads
from app.domain.refs import Ref, parse_ref
from app.domain.run_ids import RunId, parse_run_id
from app.kafka.outgoing import RELAYED
from app.kafka.records import Received

PRINCIPAL = "kafka:{}"
"""Who starts what records start, and sends the signals that records are, with the topic."""

EXTRA_BYTES = 65_536
"""So much more than the payload may a record have."""


class Poison(Exception):
    """A record can never work.

    code: stable and machine-readable.
    message: for people.
    run_id: what the sender calls the run by, if that is known and its own.
    workflow_id: the workflow as the sender has named it, if that is known.
    """

    def __init__(
        self, code: str, message: str, run_id: str | None = None, workflow_id: str | int | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.run_id = run_id
        self.workflow_id = workflow_id


@dataclass(frozen=True, slots=True)
class Trigger:
    """A record that starts an execution.

    run_id: what the execution is called by.
    workflow: the workflow.
    payload: its input.
    traceparent: the trace that it belongs to; None if the record names none.
    """

    run_id: RunId
    workflow: Ref
    payload: Payload
    traceparent: str | None


@dataclass(frozen=True, slots=True)
class Signal:
    """A record that is a signal for an execution."""

    execution_id: UUID
    name: str
    payload: Payload


def caller_of(received: Received, tenant_id: int, tenant: str) -> Caller:
    """Who acts for a record. It has no scopes: what records may do is decided by their topics."""
    origin = RequestOrigin(received.place, None)
    return Caller(tenant_id, tenant, PRINCIPAL.format(received.topic), frozenset(), request=origin)


def relayed_id(received: Received) -> UUID | None:
    """The execution that the relay has published this record for; None for a record of anyone else."""
    if RELAYED not in received.headers or received.value is None:
        return None
    try:
        return UUID(parse_json(received.value, "value")["run_id"])
    except (Invalid, ValueError, TypeError, KeyError, AttributeError):
        return None


def parse_trigger(received: Received, caller: Caller, payloads: Payloads) -> Trigger:
    """Raise `Poison`."""
    value = _object(received, payloads.max_bytes)
    text, workflow = value.get("run_id"), value.get("workflow_id")
    if not isinstance(text, str | None):
        raise Poison("run_id_invalid", "run_id must be a string")
    try:
        run_id = parse_run_id(received.place if text is None else text, caller.tenant)
        ref = _workflow(workflow, caller.tenant_id)
        payload = _payload(value.get("payload"), payloads)
    except Invalid as error:
        raise Poison("run_id_invalid", error.message) from None
    except Poison as error:
        error.run_id, error.workflow_id = text, workflow if isinstance(workflow, str | int) else None
        raise
    return Trigger(run_id, ref, payload, received.traceparent)


def parse_signal(received: Received, payloads: Payloads) -> Signal:
    """Raise `Poison`."""
    value = _object(received, payloads.max_bytes)
    execution_id, name = value.get("execution_id"), value.get("name")
    try:
        found = UUID(execution_id) if isinstance(execution_id, str) else None
    except ValueError:
        found = None
    if found is None:
        raise Poison("execution_id_invalid", "execution_id must be the UUID of an execution")
    if not isinstance(name, str):
        raise Poison("name_invalid", "name must be a string")
    try:
        return Signal(found, name, payloads.from_value(value.get("payload"), "payload"))
    except (Invalid, TooLarge) as error:
        raise Poison("payload_invalid", error.message) from None


def _object(received: Received, max_payload: int) -> dict[str, Any]:
    if not received.value:
        raise Poison("empty", "the record has no value; it must be a JSON object")
    if len(received.value) > max_payload + EXTRA_BYTES:
        raise Poison("too_large", f"the value has {len(received.value)} bytes; a payload has {max_payload} at most")
    try:
        value = parse_json(received.value, "value")
    except NotJson as error:
        raise Poison("not_json", error.message) from None
    except Invalid as error:
        raise Poison("json_refused", error.message) from None
    if not isinstance(value, dict):
        raise Poison("not_an_object", "the value must be a JSON object")
    return value


def _workflow(value: Any, tenant_id: int) -> Ref:
    if value is None:
        raise Poison("workflow_id_missing", "workflow_id is required: the id or the key of a workflow")
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise Poison("workflow_id_invalid", "workflow_id must be the id or the key of a workflow")
    try:
        return parse_ref(str(value), tenant_id)
    except NotFound:
        raise Poison("workflow_id_invalid", f"workflow_id {str(value)[:100]!r} is neither an id nor a key") from None


def _payload(value: Any, payloads: Payloads) -> Payload:
    if not isinstance(value, dict | None):
        raise Poison("payload_invalid", "payload must be a JSON object")
    try:
        return payloads.from_value({} if value is None else value, "payload")
    except TooLarge as error:
        raise Poison("payload_too_large", error.message) from None
    except Invalid as error:
        raise Poison("payload_invalid", error.message) from None
