"""Overviews of executions as JSON documents."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

import orjson
from orjson import Fragment

from app.api.rest.execution_documents import execution_document, execution_summary
from app.domain.documents import rfc3339
from app.domain.executions import Execution
from app.domain.states import TaskStatus
from app.engine.overview.listing import ListedExecution, naming
from app.engine.overview.ports import Counts
from app.engine.overview.service import HOURS_COUNTED
from app.engine.overview.statistics import Statistics, TaskStatistics
from app.engine.overview.task import Attempt, Output, TaskOverview
from app.engine.overview.view import View
from app.engine.watching.documents import error_document, wait_document

MOST_ATTEMPTS = 5_000
"""So many attempts are listed at most, unless every task has had some."""

AT_EACH_END = (100, 50, 20, 10, 5, 2, 1)
"""How many of the first and of the last attempts of a task are listed."""

TASKS_AT_ONCE = 50


def listed_document(one: ListedExecution) -> dict[str, Any]:
    return execution_summary(one.execution) | {
        "workflow_name": one.workflow.name,
        "workflow_key": one.workflow.key,
        "progress": {"done": one.done, "total": one.total, "percent": one.percent},
        "current_tasks": [
            {"task_id": task.id, "name": task.name, "status": "retrying" if task.is_retrying else "running"}
            for task in one.current
        ],
        "current_task_count": one.open,
        "duration_seconds": _seconds(one.execution),
        "retried_by": _text(one.retried_by),
    }


async def view_document(view: View) -> dict[str, Any]:
    """Made with pauses in which everything else runs."""
    snapshot = view.snapshot
    execution, called = snapshot.execution, naming(view.outline, snapshot.around)
    return {
        "execution": execution_document(execution),
        "workflow": {"id": execution.workflow_id, "key": called.key, "name": called.name},
        "last_sequence": view.last_sequence,
        "progress": {"done": view.done, "total": view.outline.steps, "percent": view.percent},
        "duration_seconds": _seconds(execution),
        "retried_by": _text(snapshot.around.retried_by),
        "tasks": await _task_documents(view.tasks, execution.id),
    }


async def _task_documents(tasks: Sequence[TaskOverview], execution_id: UUID) -> list[Fragment]:
    at_each_end, documents = _listed_at_each_end(tasks), []
    for number, task in enumerate(tasks, 1):
        documents.append(Fragment(orjson.dumps(_task_document(task, execution_id, at_each_end))))
        if number % TASKS_AT_ONCE == 0:
            await asyncio.sleep(0)
    return documents


def _listed_at_each_end(tasks: Sequence[TaskOverview]) -> int:
    """As many as leave the whole within its limit."""
    counts = [len(task.attempts) for task in tasks]
    fitting = (ends for ends in AT_EACH_END if sum(min(count, 2 * ends) for count in counts) <= MOST_ATTEMPTS)
    return next(fitting, AT_EACH_END[-1])


def counts_document(counts: Counts) -> dict[str, Any]:
    active, ended = ({status.value: count for status, count in side.items()} for side in (counts.active, counts.ended))
    return {
        "active": active | {"total": sum(active.values())},
        "ended": {"hours": HOURS_COUNTED} | ended | {"total": sum(ended.values())},
    }


def statistics_document(statistics: Statistics) -> dict[str, Any]:
    executions = statistics.executions
    return {
        "executions": {
            "count": executions.count,
            "oldest_created_at": rfc3339(executions.oldest_created_at),
            "newest_created_at": rfc3339(executions.newest_created_at),
            "by_status": {status.value: count for status, count in executions.by_status.items()},
            "failures": executions.failures,
            "duration_seconds": asdict(executions.durations),
        },
        "tasks_of_executions": statistics.of_tasks,
        "tasks": [_statistics_of(task) for task in statistics.tasks],
    }


def _statistics_of(task: TaskStatistics) -> dict[str, Any]:
    counted = task.attempts
    return {
        "task_id": counted.task_id,
        "name": task.name,
        "attempts": counted.attempts,
        "completed": counted.completed,
        "failed": counted.failed,
        "failures": counted.failures,
        "duration_seconds": {"count": counted.completed, "p50": counted.p50, "p95": counted.p95},
    }


def _task_document(task: TaskOverview, execution_id: UUID, at_each_end: int) -> dict[str, Any]:
    awaited = task.awaited
    return {
        "task_id": task.task.id,
        "name": task.task.name,
        "status": task.status.value,
        "attempt": task.attempts[-1].number if task.attempts else 0,
        "started_at": rfc3339(task.started_at),
        "finished_at": rfc3339(task.finished_at),
        "progress": _progress(task),
        "elements": _elements(task),
        "error": error_document(task.failure),
        **_output(task.output),
        "child_execution_id": _text(task.child_id),
        "waits_for": wait_document(awaited),
        "message": None if awaited is None else awaited.sentence(execution_id),
        "attempt_count": len(task.attempts),
        "attempts": [_attempt(attempt) for attempt in _shown(task.attempts, at_each_end)],
    }


def _shown(attempts: list[Attempt], at_each_end: int) -> list[Attempt]:
    if len(attempts) <= 2 * at_each_end:
        return attempts
    return attempts[:at_each_end] + attempts[-at_each_end:]


def _progress(task: TaskOverview) -> dict[str, Any] | None:
    """What a task that runs has reported; of one that runs for each, the share of its elements."""
    if task.status is not TaskStatus.RUNNING:
        return None
    percent = task.percent
    if task.elements_total:
        percent = round(100.0 * task.elements_done / task.elements_total, 1)
    return None if percent is None and task.message is None else {"percent": percent, "message": task.message}


def _elements(task: TaskOverview) -> dict[str, int | None] | None:
    is_reused = task.status is TaskStatus.COMPLETED and not task.attempts
    if not task.task.for_each or is_reused:
        return None
    total = task.elements_done if task.status is TaskStatus.COMPLETED else task.elements_total
    return {"done": task.elements_done, "failed": task.elements_failed, "total": total}


def _attempt(attempt: Attempt) -> dict[str, Any]:
    return {
        "number": attempt.number,
        "status": attempt.status.value,
        "started_at": rfc3339(attempt.started_at),
        "finished_at": rfc3339(attempt.finished_at),
        "error": error_document(attempt.failure),
        **_output(attempt.output),
        "child_execution_id": _text(attempt.child_id),
    }


def _output(output: Output | None) -> dict[str, Any]:
    if output is None:
        return {"output_text": None, "output_bytes": 0}
    return {"output_text": output.text, "output_bytes": output.size}


def _seconds(execution: Execution) -> float | None:
    if execution.started_at is None or execution.finished_at is None:
        return None
    return (execution.finished_at - execution.started_at).total_seconds()


def _text(execution_id: UUID | None) -> str | None:
    return None if execution_id is None else str(execution_id)
