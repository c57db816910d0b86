"""What is stored, said as a file, is the same when it is read again; field by field, so that none is forgotten."""

from datetime import UTC, datetime

import pytest

from app.api.rest.files.normalising import file_document
from app.api.rest.files.yaml_documents import load_yaml
from app.api.rest.files.yaml_writing import yaml_text
from app.api.rest.routing_bodies import ConditionBody
from app.api.rest.task_bodies import RetryBody, TaskBody
from app.api.rest.workflow_bodies import WorkflowCreate
from app.cli.files.definition_files import Definition
from app.cli.files.drafts import applied, draft_of
from app.definitions.changes import first_revision
from app.domain.definitions import Workflow

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TASK = {"name": "t", "execution_type": "sync"}
RETRY = {
    "max_attempts": 4,
    "initial_interval_seconds": 0.25,
    "backoff_coefficient": 3,
    "max_interval_seconds": 7,
    "jitter": 0,
    "non_retryable_errors": ["gone"],
}
CONDITION = {
    "name": "again",
    "source_task": "t",
    "outcome": "failure",
    "target_task_success": "t",
    "target_task_failure": "u",
    "description": "d",
}
TASK_FIELDS = {
    "name": "with: a colon",
    "execution_type": "async",
    "description": "two\nlines",
    "sequence": 3,
    "type": "http",
    "config": {"url": "x", "deep": [{"n": 1.0}, None, True, []]},
    "timeout_seconds": 2.5,
    "retry": RETRY,
    "depends_on": [],
    "on_failure": "continue",
    "compensate": ["other"],
    "when": "vars.go == true",
    "for_each": "input.items",
    "max_concurrency": 2,
    "output_schema": {"type": "object"},
}
WORKFLOW_FIELDS = {
    "name": "on",
    "description": "",
    "key": "k",
    "timeout_seconds": 90,
    "variables": {"a": {"b": 1}},
    "secrets": ["TOKEN", "API_KEY"],
    "input_schema": {"required": ["x"]},
    "retention_days": 0.5,
    "start_task": "t",
    "conditions": [CONDITION],
    "max_visits": 9,
    "tasks": [TASK],
}


def stored(document: dict) -> Workflow:
    draft = draft_of(Definition("", "", document))
    return first_revision(draft, 7, range(11, 11 + len(draft.tasks or ())), NOW)


def through_a_file(workflow: Workflow) -> dict:
    [(document, _)] = load_yaml(yaml_text([file_document(workflow)]))
    return document


def test_no_field_is_left_out_of_these_tests():
    assert WORKFLOW_FIELDS.keys() == WorkflowCreate.model_fields.keys()
    assert TASK_FIELDS.keys() == TaskBody.model_fields.keys()
    assert RETRY.keys() == RetryBody.model_fields.keys()
    assert CONDITION.keys() == ConditionBody.model_fields.keys()


@pytest.mark.parametrize("field", WORKFLOW_FIELDS)
def test_each_field_of_a_workflow_comes_back(field: str):
    wanted = {"key": "k", "name": "n", field: WORKFLOW_FIELDS[field]}
    check_round_trip(wanted)


@pytest.mark.parametrize("field", TASK_FIELDS)
def test_each_field_of_a_task_comes_back(field: str):
    check_round_trip({"key": "k", "name": "n", "tasks": [TASK | {field: TASK_FIELDS[field]}]})


@pytest.mark.parametrize("field", RETRY)
def test_each_field_of_a_retry_comes_back(field: str):
    check_round_trip({"key": "k", "name": "n", "tasks": [TASK | {"retry": {field: RETRY[field]}}]})


def test_everything_together_comes_back():
    check_round_trip(WORKFLOW_FIELDS | {"tasks": [TASK, TASK_FIELDS]})


def check_round_trip(wanted: dict) -> None:
    """The file says what was wanted, no less and no more, and applying it changes nothing."""
    workflow = stored(wanted)
    document = through_a_file(workflow)
    assert document == wanted
    assert applied(workflow, draft_of(Definition("", "k", document))) is workflow


def test_of_a_condition_nothing_is_said_that_has_its_default():
    least = {name: CONDITION[name] for name in ("name", "source_task", "outcome", "target_task_success")}
    check_round_trip({"key": "k", "name": "n", "conditions": [least, CONDITION]})


def test_what_has_its_default_is_not_said():
    spelled_out = {
        "key": "k",
        "name": "n",
        "description": None,
        "tasks": [TASK | {"sequence": 0, "config": {}, "retry": None, "on_failure": "fail", "compensate": []}],
    }
    assert file_document(stored(spelled_out)) == {"key": "k", "name": "n", "tasks": [TASK]}


def test_the_key_comes_first_and_the_tasks_last():
    assert [*file_document(stored(WORKFLOW_FIELDS))][:2] == ["key", "name"]
    assert [*file_document(stored(WORKFLOW_FIELDS))][-1] == "tasks"


def test_the_order_of_a_group_is_no_change():
    tasks = [TASK | {"name": name} for name in ("a", "b")]
    workflow = stored({"key": "k", "name": "n", "tasks": tasks})
    turned = Definition("", "k", {"key": "k", "name": "n", "tasks": tasks[::-1]})
    assert applied(workflow, draft_of(turned)) is workflow


def test_a_change_is_that_of_the_service():
    workflow = stored({"key": "k", "name": "n", "tasks": [TASK, TASK | {"name": "gone"}]})
    wanted = {"key": "k", "name": "m", "tasks": [TASK | {"sequence": 2}, TASK | {"name": "new"}]}
    after = applied(workflow, draft_of(Definition("", "k", wanted)))
    assert (after.revision, [(task.id, task.name) for task in after.tasks]) == (2, [(13, "new"), (11, "t")])
