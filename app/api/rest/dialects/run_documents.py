"""Executions as runs, whose tasks are steps."""

from collections.abc import Iterable, Mapping
from typing import Any

from orjson import Fragment

from app.domain.documents import rfc3339
from app.domain.executions import Execution, Failure, TaskExecution
from app.domain.run_ids import text_of_key
from app.domain.states import ExecutionStatus, TaskStatus
from app.engine.watching.documents import json_fragment

SUCCESS = "success"

_STEP_STATUS: Mapping[TaskStatus, str] = {
    TaskStatus.PENDING: "pending",
    TaskStatus.RUNNING: "running",
    TaskStatus.RETRYING: "running",
    TaskStatus.COMPLETED: SUCCESS,
    TaskStatus.FAILED: "failed",
    TaskStatus.CANCELLED: "failed",
    TaskStatus.SKIPPED: "skipped",
}


def run_summary(execution: Execution) -> dict[str, Any]:
    """A run in a list: without payload and step results."""
    completed = execution.status is ExecutionStatus.COMPLETED
    return {
        "uuid": str(execution.id),
        "id": text_of_key(execution.idempotency_key) or str(execution.id),
        "workflow_id": execution.workflow_id,
        "status": SUCCESS if completed else execution.status.value,
        "started_at": rfc3339(execution.started_at),
        "completed_at": rfc3339(execution.finished_at),
        "error": _error(execution.failure),
    }


def run_document(execution: Execution, tasks: Iterable[TaskExecution]) -> dict[str, Any]:
    return run_summary(execution) | {
        "payload": Fragment(execution.input.text),
        "step_results": {task.name: _step_result(task) for task in tasks},
    }


def _step_result(task: TaskExecution) -> dict[str, Any]:
    return {
        "step_name": task.name,
        "status": _STEP_STATUS[task.status],
        "started_at": rfc3339(task.started_at),
        "completed_at": rfc3339(task.finished_at),
        "output": json_fragment(task.output),
        "error": _error(task.failure),
    }


def _error(failure: Failure | None) -> str | None:
    """The code, which is for programs, and the message."""
    return None if failure is None else f"{failure.code}: {failure.message}"
