"""Converts rows of the engine's tables to domain objects."""

from typing import Any
from uuid import UUID

import asyncpg
import orjson

from app.domain.events import Event, EventType
from app.domain.executions import Execution, Failure, Parent
from app.domain.payloads import Payload
from app.domain.states import ExecutionStatus
from app.engine.ports import ChildEnd, ControlCommand, Opening

_STATUS = {status.value: status for status in ExecutionStatus}
_TYPE = {word.value: word for word in EventType}


def execution(row: asyncpg.Record) -> Execution:
    return Execution(
        id=row["id"],
        tenant_id=row["tenant_id"],
        workflow_id=row["workflow_id"],
        revision=row["revision"],
        status=_STATUS[row["status"]],
        input=Payload(row["input"]),
        created_at=row["created_at"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        output=row["output"],
        failure=failure(row["failure"]),
        idempotency_key=row["idempotency_key"],
        origin_id=row["origin_id"],
        parent=None if row["parent_id"] is None else _parent(row),
        started_by=row["started_by"],
    )


def _parent(row: asyncpg.Record) -> Parent:
    return Parent(row["parent_id"], row["parent_task_id"], row["parent_element"], row["root_id"], row["depth"])


def command(row: asyncpg.Record) -> ControlCommand:
    child = None if row["child_id"] is None else _child_end(row)
    return ControlCommand(
        row["id"],
        row["execution_id"],
        row["type"],
        row["reason"],
        row["name"],
        row["payload"],
        child,
        row["requested_by"],
    )


def _child_end(row: asyncpg.Record) -> ChildEnd:
    why = failure(row["child_failure"])
    message = "" if why is None else why.message
    return ChildEnd(row["child_id"], _STATUS[row["child_status"]], row["child_output"], message)


def opening_values(execution_id: UUID, opening: Opening) -> tuple[Any, ...]:
    """The first columns of a new execution's row, in the order that all statements use."""
    return (
        execution_id,
        opening.workflow_id,
        opening.revision,
        opening.idempotency_key,
        opening.input.text,
        opening.created_at,
    )


def failure(text: str | None) -> Failure | None:
    if text is None:
        return None
    data = orjson.loads(text)
    return Failure(data["code"], data["message"])


def event(row: asyncpg.Record) -> Event:
    return Event(
        sequence=row["sequence"],
        type=_TYPE[row["type"]],
        occurred_at=row["occurred_at"],
        status=_STATUS[row["status"]],
        progress_percent=row["progress_percent"],
        task_id=row["task_id"],
        attempt=row["attempt"],
        data=row["data"],
    )
