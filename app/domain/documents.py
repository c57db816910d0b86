"""The JSON document of a workflow: stored as a revision's snapshot, served by REST, compiled by the engine.

Snapshots are never rewritten, so snapshots of earlier versions lack newer fields, which are read as their defaults. A
snapshot without `secrets` is read as one that names the secrets that its expressions use.
"""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from app.domain.definitions import ExecutionType, OnFailure, RetryPolicy, Task, Workflow
from app.domain.routing import Condition, RouteOutcome
from app.domain.secret_names import named_secrets

Document = Mapping[str, Any]


def workflow_document(workflow: Workflow) -> dict[str, Any]:
    """The document of a whole workflow; `workflow_from_document` is its inverse."""
    return {
        "id": workflow.id,
        "key": workflow.key,
        "name": workflow.name,
        "description": workflow.description,
        "timeout_seconds": workflow.timeout_seconds,
        "variables": dict(workflow.variables),
        "secrets": list(workflow.secrets),
        "input_schema": None if workflow.input_schema is None else dict(workflow.input_schema),
        "retention_days": workflow.retention_days,
        "start_task": workflow.start_task,
        "conditions": [condition_document(condition) for condition in workflow.conditions],
        "max_visits": workflow.max_visits,
        "revision": workflow.revision,
        "tasks": [task_document(task) for task in workflow.tasks],
        "created_at": rfc3339(workflow.created_at),
        "updated_at": rfc3339(workflow.updated_at),
    }


def task_document(task: Task) -> dict[str, Any]:
    return {
        "id": task.id,
        "workflow_id": task.workflow_id,
        "name": task.name,
        "description": task.description,
        "execution_type": task.execution_type.value,
        "sequence": task.sequence,
        "type": task.type,
        "config": dict(task.config),
        "timeout_seconds": task.timeout_seconds,
        "retry": None if task.retry is None else retry_document(task.retry),
        "depends_on": None if task.depends_on is None else list(task.depends_on),
        "on_failure": task.on_failure.value,
        "compensate": list(task.compensate),
        "when": task.when,
        "for_each": task.for_each,
        "max_concurrency": task.max_concurrency,
        "output_schema": None if task.output_schema is None else dict(task.output_schema),
        "created_at": rfc3339(task.created_at),
        "updated_at": rfc3339(task.updated_at),
    }


def condition_document(condition: Condition) -> dict[str, Any]:
    return asdict(condition) | {"outcome": condition.outcome.value}


def retry_document(retry: RetryPolicy) -> dict[str, Any]:
    return asdict(retry) | {"non_retryable_errors": list(retry.non_retryable_errors)}


def workflow_from_document(document: Document) -> Workflow:
    tasks = tuple(task_from_document(task) for task in document["tasks"])
    return Workflow(
        id=document["id"],
        key=document["key"],
        name=document["name"],
        description=document["description"],
        timeout_seconds=document.get("timeout_seconds"),
        variables=document.get("variables", {}),
        secrets=tuple(document["secrets"]) if "secrets" in document else named_secrets(tasks),
        input_schema=document.get("input_schema"),
        retention_days=document.get("retention_days"),
        start_task=document.get("start_task"),
        conditions=tuple(map(_condition_from_document, document.get("conditions", ()))),
        max_visits=document.get("max_visits"),
        revision=document["revision"],
        tasks=tasks,
        created_at=datetime.fromisoformat(document["created_at"]),
        updated_at=datetime.fromisoformat(document["updated_at"]),
    )


def task_from_document(document: Document) -> Task:
    retry, depends_on = document["retry"], document["depends_on"]
    return Task(
        name=document["name"],
        execution_type=ExecutionType(document["execution_type"]),
        description=document["description"],
        sequence=document["sequence"],
        type=document["type"],
        config=document["config"],
        timeout_seconds=document["timeout_seconds"],
        retry=None if retry is None else _retry_from_document(retry),
        depends_on=None if depends_on is None else tuple(depends_on),
        on_failure=OnFailure(document.get("on_failure", OnFailure.FAIL)),
        compensate=tuple(document.get("compensate", ())),
        when=document.get("when"),
        for_each=document.get("for_each"),
        max_concurrency=document.get("max_concurrency"),
        output_schema=document.get("output_schema"),
        id=document["id"],
        workflow_id=document["workflow_id"],
        created_at=datetime.fromisoformat(document["created_at"]),
        updated_at=datetime.fromisoformat(document["updated_at"]),
    )


def _retry_from_document(document: Document) -> RetryPolicy:
    return RetryPolicy(**{**document, "non_retryable_errors": tuple(document.get("non_retryable_errors", ()))})


def _condition_from_document(document: Document) -> Condition:
    return Condition(**{**document, "outcome": RouteOutcome(document["outcome"])})


def rfc3339(instant: datetime | None) -> str | None:
    """An instant in UTC with microseconds, `2026-01-02T03:04:05.000006Z`: the format of times in all APIs."""
    if instant is None:
        return None
    # `strftime` would take ten times as long.
    return f"{instant.astimezone(UTC).isoformat(timespec='microseconds').removesuffix('+00:00')}Z"
