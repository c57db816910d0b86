"""Executions and their tasks as JSON documents. Inputs and outputs are JSON text, and are inserted unchanged."""

from typing import Any
from uuid import UUID

from orjson import Fragment

from app.domain.documents import rfc3339
from app.domain.executions import Execution, TaskExecution
from app.engine.watching.documents import error_document, json_fragment, wait_document


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


def parent_document(execution: Execution) -> dict[str, Any] | None:
    parent = execution.parent
    return None if parent is None else {"execution_id": str(parent.execution_id), "task_id": parent.task_id}
