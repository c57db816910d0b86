"""Executions and their histories as JSON documents. Inputs and outputs are JSON text, and are inserted unchanged."""

from typing import Any
from uuid import UUID

from orjson import Fragment

from app.domain.documents import rfc3339
from app.domain.executions import Execution, Failure, TaskExecution
from app.domain.waiting import Awaited
from app.engine.watching.updates import Update


def execution_document(execution: Execution) -> dict[str, Any]:
    return {
        "id": str(execution.id),
        "workflow_id": execution.workflow_id,
        "revision": execution.revision,
        "status": execution.status.value,
        "input": Fragment(execution.input.text),
        "output": json_fragment(execution.output),
        "error": error_document(execution.failure),
        "created_at": rfc3339(execution.created_at),
        "started_at": rfc3339(execution.started_at),
        "finished_at": rfc3339(execution.finished_at),
        "idempotency_key": execution.idempotency_key,
        "origin_id": None if execution.origin_id is None else str(execution.origin_id),
        "parent": parent_document(execution),
        "root_id": str(execution.root_id),
        "depth": execution.depth,
        "started_by": execution.started_by,
    }


def execution_summary(execution: Execution) -> dict[str, Any]:
    """An execution in a list: without input and output."""
    document = execution_document(execution)
    del document["input"], document["output"]
    return document


def event_document(update: Update) -> dict[str, Any]:
    event, task_status = update.event, update.task_status
    return {
        "sequence": event.sequence,
        "type": event.type.value,
        "occurred_at": rfc3339(event.occurred_at),
        "status": event.status.value,
        "progress_percent": event.progress_percent,
        "task_id": event.task_id,
        "task_name": update.task_name,
        "task_status": None if task_status is None else task_status.value,
        "attempt": event.attempt,
        "message": update.message,
        "output": json_fragment(update.output),
        "error": error_document(update.failure),
        "waits_for": wait_document(update.waits_for),
        "requested_by": update.requested_by,
    }


def task_execution_document(execution_id: UUID, task: TaskExecution) -> dict[str, Any]:
    awaited = task.waits_for
    return {
        "task_id": task.task_id,
        "name": task.name,
        "status": task.status.value,
        "attempt": task.attempt,
        "started_at": rfc3339(task.started_at),
        "finished_at": rfc3339(task.finished_at),
        "output": json_fragment(task.output),
        "error": error_document(task.failure),
        "child_execution_id": None if task.child_id is None else str(task.child_id),
        "waits_for": wait_document(awaited),
        "message": None if awaited is None else awaited.sentence(execution_id),
    }


def wait_document(awaited: Awaited | None) -> dict[str, str | None] | None:
    return None if awaited is None else {"signal": awaited.signal, "until": rfc3339(awaited.until)}


def parent_document(execution: Execution) -> dict[str, Any] | None:
    parent = execution.parent
    return None if parent is None else {"execution_id": str(parent.execution_id), "task_id": parent.task_id}


def json_fragment(text: str | None) -> Fragment | None:
    """JSON text that is inserted into a document unchanged; None becomes `null`."""
    return None if text is None else Fragment(text)


def error_document(failure: Failure | None) -> dict[str, str] | None:
    return None if failure is None else {"code": failure.code, "message": failure.message}
