from datetime import UTC, datetime
from typing import Any

import orjson

from app.definitions.changes import first_revision
from app.domain.definitions import OnFailure, RetryPolicy, TaskDraft, Workflow, WorkflowDraft
from app.domain.documents import task_document, task_from_document, workflow_document, workflow_from_document
from app.domain.routing import Condition, RouteOutcome

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NEWER = {"on_failure", "compensate", "when", "for_each", "max_concurrency", "output_schema"}
NEWER_OF_WORKFLOWS = {
    "timeout_seconds",
    "variables",
    "input_schema",
    "retention_days",
    "start_task",
    "conditions",
    "max_visits",
}
WHOLE = {
    "timeout_seconds": 90.0,
    "variables": {"a": [1, {"b": None}]},
    "input_schema": {"type": "object"},
    "retention_days": 0.5,
    "start_task": "pay",
    "conditions": (Condition("again", "pay", RouteOutcome.FAILURE, "pay", "end", "tries again"),),
    "max_visits": 9,
}
PAY = TaskDraft(
    "pay",
    retry=RetryPolicy(2, non_retryable_errors=("refused",)),
    on_failure=OnFailure.CONTINUE,
    compensate=("refund",),
    when="input.paid",
    for_each="input.orders",
    max_concurrency=3,
    output_schema={"type": "object"},
)


def stored(*tasks: TaskDraft, **fields: Any) -> Workflow:
    draft = WorkflowDraft("n", tasks=tasks, **fields)
    return first_revision(draft, 7, range(11, 11 + len(tasks)), NOW)


def test_a_document_reads_back_as_the_workflow_that_it_shows():
    workflow = stored(PAY, TaskDraft("refund"), **WHOLE)
    assert workflow_from_document(orjson.loads(orjson.dumps(workflow_document(workflow)))) == workflow


def test_a_document_is_what_its_json_reads_as():
    document = workflow_document(stored(PAY, TaskDraft("refund"), **WHOLE))
    assert orjson.loads(orjson.dumps(document)) == document


def test_fields_have_an_order_that_people_expect():
    workflow = stored(PAY)
    assert list(workflow_document(workflow))[3:13] == [
        "description",
        "timeout_seconds",
        "variables",
        "secrets",
        "input_schema",
        "retention_days",
        "start_task",
        "conditions",
        "max_visits",
        "revision",
    ]
    assert list(task_document(workflow.tasks[0]))[-10:] == [
        "retry",
        "depends_on",
        "on_failure",
        "compensate",
        "when",
        "for_each",
        "max_concurrency",
        "output_schema",
        "created_at",
        "updated_at",
    ]


def test_a_document_without_the_newer_fields_has_their_defaults():
    workflow = stored(TaskDraft("t", retry=RetryPolicy(3)))
    document = {name: value for name, value in workflow_document(workflow).items() if name not in NEWER_OF_WORKFLOWS}
    del document["tasks"][0]["retry"]["non_retryable_errors"]
    document["tasks"][0] = {name: value for name, value in document["tasks"][0].items() if name not in NEWER}
    assert workflow_from_document(document) == workflow
    assert task_from_document(document["tasks"][0]).retry == RetryPolicy(3)
