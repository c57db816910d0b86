"""Requests to start executions, in short."""

from typing import Any

from app.domain.definitions import Workflow
from app.domain.payloads import Payload, Payloads
from app.domain.refs import Ref, parse_ref
from app.engine.starting import StartRequest
from app.schedules.schedule import Schedule

PAYLOADS = Payloads(100_000)


def ref_of(named: Workflow | Schedule | int | str) -> Ref:
    """Of a workflow or schedule by its id; of text as callers write it."""
    return Ref(id=named.id) if isinstance(named, Workflow | Schedule) else parse_ref(str(named))


def payload_of(value: Any) -> Payload:
    return PAYLOADS.from_value(value, "input")


def start_of(
    workflow: Workflow | int | str,
    input: dict[str, Any] | None = None,
    idempotency_key: str | None = None,
    revision: int | None = None,
) -> StartRequest:
    return StartRequest(ref_of(workflow), payload_of({} if input is None else input), idempotency_key, revision)
