"""Requests to start executions, in short."""

from typing import Any

from app.domain.definitions import Workflow
from app.domain.payloads import Payload, Payloads
from app.domain.refs import Ref, parse_ref
from app.engine.starting import StartRequest
from app.schedules.schedule import Schedule
from tests.support.tenant import TENANT_ID

PAYLOADS = Payloads(100_000)


def ref_of(named: Workflow | Schedule | int | str, tenant_id: int = TENANT_ID) -> Ref:
    """Of a workflow or schedule by its id; of text as callers write it."""
    if isinstance(named, Workflow | Schedule):
        return Ref(tenant_id=tenant_id, id=named.id)
    return parse_ref(str(named), tenant_id)


def payload_of(value: Any) -> Payload:
    return PAYLOADS.from_value(value, "input")


def start_of(
    workflow: Workflow | int | str,
    input: dict[str, Any] | None = None,
    idempotency_key: str | None = None,
    revision: int | None = None,
    tenant_id: int = TENANT_ID,
) -> StartRequest:
    return StartRequest(
        ref_of(workflow, tenant_id), payload_of({} if input is None else input), idempotency_key, revision
    )
