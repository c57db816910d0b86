from datetime import UTC, datetime

import orjson

from app.definitions.changes import first_revision
from app.domain.definitions import OnFailure, RetryPolicy, TaskDraft, Workflow, WorkflowDraft
from app.domain.documents import task_document, task_from_document, workflow_document, workflow_from_document

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NEWER = {"on_failure", "compensate"}
PAY = TaskDraft(
    "pay",
    retry=RetryPolicy(2, non_retryable_errors=("refused",)),
    on_failure=OnFailure.CONTINUE,
    compensate=("refund",),
)


def stored(*tasks: TaskDraft, timeout_seconds: float | None = None) -> Workflow:
    draft = WorkflowDraft("n", tasks=tasks, timeout_seconds=timeout_seconds)
    return first_revision(draft, 7, range(11, 11 + len(tasks)), NOW)


def test_a_document_reads_back_as_the_workflow_that_it_shows():
    workflow = stored(PAY, TaskDraft("refund"), timeout_seconds=90.0)
    assert workflow_from_document(orjson.loads(orjson.dumps(workflow_document(workflow)))) == workflow


def test_a_document_is_what_its_json_reads_as():
    document = workflow_document(stored(PAY, TaskDraft("refund"), timeout_seconds=90.0))
    assert orjson.loads(orjson.dumps(document)) == document


def test_fields_have_an_order_that_people_expect():
    workflow = stored(PAY)
    assert list(workflow_document(workflow))[:6] == ["id", "key", "name", "description", "timeout_seconds", "revision"]
    assert list(task_document(workflow.tasks[0]))[-6:] == [
        "retry",
        "depends_on",
        "on_failure",
        "compensate",
        "created_at",
        "updated_at",
    ]


def test_a_document_without_the_newer_fields_has_their_defaults():
    workflow = stored(TaskDraft("t", retry=RetryPolicy(3)))
    document = workflow_document(workflow)
    del document["timeout_seconds"], document["tasks"][0]["retry"]["non_retryable_errors"]
    document["tasks"][0] = {name: value for name, value in document["tasks"][0].items() if name not in NEWER}
    assert workflow_from_document(document) == workflow
    assert task_from_document(document["tasks"][0]).retry == RetryPolicy(3)
