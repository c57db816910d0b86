from dataclasses import replace
from datetime import UTC, datetime

import pytest

from app.definitions.changes import draft_fields, find_change, first_revision
from app.definitions.matching import ReturnedTask, matched
from app.definitions.ports import WorkflowEdit
from app.domain.definitions import Task, TaskDraft, Workflow, WorkflowDraft
from app.domain.errors import Invalid, Outdated
from app.domain.stated import Stated

THEN = datetime(2026, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture
def current() -> Workflow:
    return first_revision(
        WorkflowDraft("n", tasks=(TaskDraft("a", config={"x": 1}), TaskDraft("b"))), 7, (11, 12), THEN
    )


def returned(task: Task, *, versions: dict | None = None, **changes) -> ReturnedTask:
    return ReturnedTask(**{**draft_fields(task), **changes}, stated=Stated({"id": task.id}, versions or {}))


def test_a_name_given_twice_takes_the_id_once(current):
    first, second = matched(current, (TaskDraft("a"), TaskDraft("a")))
    assert first.id == 11
    assert not isinstance(second, Task)


def test_an_id_goes_before_a_name(current):
    a, b = current.tasks
    assert matched(current, (returned(a, name="b"), returned(b, name="a"))) == (
        replace(a, name="b"),
        replace(b, name="a"),
    )
    assert matched(current, (returned(a, name="c"), TaskDraft("a"))) == (replace(a, name="c"), TaskDraft("a"))
    assert matched(current, (TaskDraft("b", sequence=1), returned(b, name="z"))) == (
        TaskDraft("b", sequence=1),
        replace(b, name="z"),
    )


def test_a_task_that_has_not_changed_is_the_same_object(current):
    a, b = current.tasks
    kept = matched(current, (returned(a), TaskDraft("b")))
    assert kept[0] is a
    assert kept[1] is b
    (changed,) = matched(current, (returned(a, config={"x": True}),))
    assert changed is not a


def test_ids_that_no_stored_task_has_or_another_draft_took_are_refused(current):
    a, b = current.tasks
    elsewhere = ReturnedTask("c", stated=Stated({"id": 13}))
    with pytest.raises(Invalid) as caught:
        matched(current, (returned(a), elsewhere, returned(b), returned(a, name="copy")))
    assert [problem.path for problem in caught.value.problems] == ["tasks[1].id", "tasks[3].id"]


def test_what_is_stated_must_be_true_of_the_task_with_the_id_or_name(current):
    a, b = current.tasks
    wrong = ReturnedTask("b", stated=Stated({"workflow_id": 8, "created_at": NOW}))
    with pytest.raises(Invalid) as caught:
        matched(current, (a, wrong))
    assert [problem.path for problem in caught.value.problems] == ["tasks[1].workflow_id", "tasks[1].created_at"]
    assert caught.value.problems[0].message == "is 7 and cannot be changed"

    with pytest.raises(Outdated) as outdated:
        matched(current, (returned(a), returned(b, versions={"updated_at": NOW})))
    assert outdated.value.field == "tasks[1].updated_at"
    assert outdated.value.message.startswith("tasks[1].updated_at is 2026-01-01T00:00:00.000000Z now, not 2026-01-02T")


def test_nothing_can_be_stated_about_a_new_task(current):
    with pytest.raises(Invalid) as caught:
        matched(current, (ReturnedTask("new", stated=Stated({"created_at": THEN}, {"updated_at": THEN})),))
    assert [problem.path for problem in caught.value.problems] == ["tasks[0].created_at", "tasks[0].updated_at"]


def test_a_change_names_the_renamed_tasks(current):
    a, b = current.tasks
    wanted = WorkflowEdit("n", None, None, (replace(a, name="c"), replace(b, sequence=1)), None)
    change = find_change(current, wanted, NOW)
    assert (change.renamed, [task.id for task in change.updated]) == ((11,), [11, 12])
