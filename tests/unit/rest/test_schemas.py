import pytest
from pydantic import ValidationError

from app.api.rest.field_problems import field_path
from app.api.rest.schedule_bodies import ScheduleReplace
from app.api.rest.task_bodies import TaskBody, TaskPatch, TaskReplace
from app.api.rest.workflow_bodies import WorkflowCreate, WorkflowPatch, WorkflowReplace
from app.domain.definitions import ExecutionType, OnFailure, RetryPolicy, TaskDraft, WorkflowDraft

FULL = {
    "name": "n",
    "execution_type": "async",
    "description": "d",
    "sequence": 3,
    "type": "http",
    "config": {"a": 1},
    "timeout_seconds": 5,
    "retry": {"max_attempts": 4, "non_retryable_errors": ["gone"]},
    "depends_on": ["x", "y"],
    "on_failure": "continue",
    "compensate": ["u", "v"],
}
FULL_DRAFT = TaskDraft(
    "n",
    ExecutionType.ASYNC,
    "d",
    3,
    "http",
    {"a": 1},
    5.0,
    RetryPolicy(4, non_retryable_errors=("gone",)),
    ("x", "y"),
    OnFailure.CONTINUE,
    ("u", "v"),
)


def test_a_task_becomes_a_draft():
    assert TaskBody.model_validate(FULL).draft() == FULL_DRAFT
    assert TaskBody.model_validate({"name": "n", "execution_type": "sync"}).draft() == TaskDraft("n")


def test_null_stands_for_the_default_of_what_may_be_empty():
    nothing = dict.fromkeys(("description", "type", "config", "timeout_seconds", "retry", "depends_on", "compensate"))
    assert TaskBody.model_validate({"name": "n", "execution_type": "sync", **nothing}).draft() == TaskDraft("n")


def test_an_empty_depends_on_is_not_none():
    assert TaskBody.model_validate({"name": "n", "execution_type": "sync", "depends_on": []}).draft().depends_on == ()


def test_a_patch_names_only_what_was_sent():
    assert TaskPatch.model_validate({}).changes() == {}
    changes = TaskPatch.model_validate({"config": None, "retry": None, "sequence": 2}).changes()
    assert changes == {"config": {}, "retry": None, "sequence": 2}
    assert TaskPatch.model_validate({"compensate": None, "on_failure": "continue"}).changes() == {
        "compensate": (),
        "on_failure": OnFailure.CONTINUE,
    }
    assert WorkflowPatch.model_validate({"key": None, "timeout_seconds": None, "tasks": [FULL]}).changes() == {
        "key": None,
        "timeout_seconds": None,
        "tasks": (FULL_DRAFT,),
    }


def test_replacing_tells_tasks_left_out_from_no_tasks():
    assert WorkflowReplace.model_validate({"name": "n"}).draft() == WorkflowDraft("n")
    timed = WorkflowReplace.model_validate({"name": "n", "timeout_seconds": 5}).draft()
    assert timed == WorkflowDraft("n", timeout_seconds=5.0)
    assert WorkflowReplace.model_validate({"name": "n", "tasks": []}).draft() == WorkflowDraft("n", tasks=())
    assert WorkflowCreate.model_validate({"name": "n"}).draft() == WorkflowDraft("n", tasks=())


@pytest.mark.parametrize(
    ("model", "body", "field"),
    [
        (TaskBody, FULL | {"name": 1}, "name"),
        (TaskBody, FULL | {"sequence": "1"}, "sequence"),
        (TaskBody, FULL | {"sequence": True}, "sequence"),
        (TaskBody, FULL | {"sequence": 1.0}, "sequence"),
        (TaskBody, FULL | {"timeout_seconds": "5"}, "timeout_seconds"),
        (TaskBody, FULL | {"timeout_seconds": True}, "timeout_seconds"),
        (TaskBody, FULL | {"execution_type": "SYNC"}, "execution_type"),
        (TaskBody, FULL | {"execution_type": None}, "execution_type"),
        (TaskBody, FULL | {"config": []}, "config"),
        (TaskBody, FULL | {"config": "{}"}, "config"),
        (TaskBody, FULL | {"depends_on": "x"}, "depends_on"),
        (TaskBody, FULL | {"depends_on": ["x", 1]}, "depends_on[1]"),
        (TaskBody, FULL | {"retry": {"max_attempts": 1.5}}, "retry.max_attempts"),
        (TaskBody, FULL | {"retry": {"attempts": 1}}, "retry.attempts"),
        (TaskBody, FULL | {"retry": {"non_retryable_errors": "gone"}}, "retry.non_retryable_errors"),
        (TaskBody, FULL | {"retry": {"non_retryable_errors": None}}, "retry.non_retryable_errors"),
        (TaskBody, FULL | {"retry": {"non_retryable_errors": ["a", 1]}}, "retry.non_retryable_errors[1]"),
        (TaskBody, FULL | {"on_failure": "CONTINUE"}, "on_failure"),
        (TaskBody, FULL | {"on_failure": None}, "on_failure"),
        (TaskBody, FULL | {"on_failure": True}, "on_failure"),
        (TaskBody, FULL | {"compensate": "x"}, "compensate"),
        (TaskBody, FULL | {"compensate": [None]}, "compensate[0]"),
        (TaskBody, FULL | {"id": 1}, "id"),
        (TaskReplace, FULL | {"id": "1"}, "id"),
        (TaskReplace, FULL | {"id": None}, "id"),
        (TaskReplace, FULL | {"created_at": 0}, "created_at"),
        (TaskReplace, FULL | {"updated_at": "2026-01-01T00:00:00"}, "updated_at"),
        (TaskReplace, FULL | {"revision": 1}, "revision"),
        (TaskPatch, {"name": None}, "name"),
        (TaskPatch, {"execution_type": None}, "execution_type"),
        (TaskPatch, {"sequence": None}, "sequence"),
        (TaskPatch, {"on_failure": None}, "on_failure"),
        (TaskPatch, {"surprise": 1}, "surprise"),
        (WorkflowPatch, {"timeout_seconds": "5"}, "timeout_seconds"),
        (WorkflowCreate, {"name": "n", "timeout_seconds": True}, "timeout_seconds"),
        (WorkflowPatch, {"name": None}, "name"),
        (WorkflowPatch, {"tasks": None}, "tasks"),
        (WorkflowPatch, {"revision": True}, "revision"),
        (WorkflowCreate, {"name": "n", "revision": 1}, "revision"),
        (WorkflowCreate, {"name": "n", "tasks": [FULL | {"id": 1}]}, "tasks[0].id"),
        (WorkflowReplace, {"name": "n", "tasks": [FULL | {"id": 1.0}]}, "tasks[0].id"),
        (ScheduleReplace, {"next_fire_at": "soon"}, "next_fire_at"),
        (ScheduleReplace, {"last_execution_id": 1}, "last_execution_id"),
        (WorkflowReplace, {"name": "n", "tasks": None}, "tasks"),
        (WorkflowCreate, {"name": "n", "tasks": {"a": FULL}}, "tasks"),
        (WorkflowCreate, {"name": "n", "tasks": [FULL, FULL | {"type": 5}]}, "tasks[1].type"),
    ],
)
def test_types_are_json_types_and_fields_are_known(model, body, field):
    with pytest.raises(ValidationError) as caught:
        model.model_validate(body)
    assert [field_path(("body", *error["loc"])) for error in caught.value.errors()] == [field]


def test_the_whole_body_is_called_so():
    assert field_path(("body",)) == "body"
