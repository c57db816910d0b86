from dataclasses import replace
from datetime import UTC, datetime

import pytest

from app.definitions import edits
from app.definitions.changes import find_change, first_revision, next_revision
from app.definitions.ports import WorkflowEdit
from app.domain.definitions import ExecutionType, RetryPolicy, Task, TaskDraft, Workflow, WorkflowDraft
from app.domain.errors import NotFound

THEN = datetime(2026, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture
def current() -> Workflow:
    tasks = (TaskDraft("a", config={"x": 1}), TaskDraft("b", sequence=2))
    draft = WorkflowDraft("n", "d", "k", tasks, timeout_seconds=60.0)
    return first_revision(draft, 7, (11, 12), THEN)


def test_replacing_sets_every_field_and_keeps_the_tasks_when_none_are_given(current):
    assert edits.replaced(current, WorkflowDraft("m")) == WorkflowEdit("m", None, None, current.tasks, None)


def test_replacing_matches_tasks_by_name(current):
    drafts = (TaskDraft("b", ExecutionType.ASYNC), TaskDraft("new"))
    kept, added = edits.replaced(current, WorkflowDraft("n", tasks=drafts)).tasks
    assert isinstance(kept, Task)
    assert (kept.id, kept.execution_type, kept.sequence) == (12, ExecutionType.ASYNC, 0)
    assert added == TaskDraft("new")


def test_merging_changes_only_what_is_named(current):
    assert edits.merged(current, {"description": None}) == WorkflowEdit("n", None, "k", current.tasks, 60.0)
    assert edits.merged(current, {"tasks": ()}) == WorkflowEdit("n", "d", "k", (), 60.0)
    assert edits.merged(current, {"timeout_seconds": None}) == WorkflowEdit("n", "d", "k", current.tasks, None)
    assert edits.merged(current, {}) == WorkflowEdit("n", "d", "k", current.tasks, 60.0)


def test_one_task_is_added_merged_and_removed(current):
    a, b = current.tasks
    assert edits.with_task(current, TaskDraft("c")).tasks == (a, b, TaskDraft("c"))
    merged = edits.with_task_merged(current, 12, {"retry": RetryPolicy(3)}).tasks
    assert merged == (a, replace(b, retry=RetryPolicy(3)))
    assert merged[0] is a
    assert edits.without_task(current, 11).tasks == (b,)


@pytest.mark.parametrize(
    "edit",
    [
        lambda current: edits.with_task_merged(current, 99, {}),
        lambda current: edits.without_task(current, 99),
    ],
    ids=["merged", "removed"],
)
def test_a_task_of_another_workflow_is_not_found(current, edit):
    with pytest.raises(NotFound) as caught:
        edit(current)
    assert (caught.value.kind, caught.value.ref) == ("task", "99")


def test_wanting_what_is_there_is_no_change(current):
    assert find_change(current, edits.merged(current, {}), NOW) is None
    copies = tuple(replace(task, config=dict(task.config)) for task in current.tasks)
    assert find_change(current, WorkflowEdit("n", "d", "k", copies, 60.0), NOW) is None


def test_the_order_in_which_tasks_are_given_is_no_change(current):
    assert find_change(current, WorkflowEdit("n", "d", "k", current.tasks[::-1], 60.0), NOW) is None


def test_a_change_names_what_goes_changes_stays_and_comes(current):
    a, b = current.tasks
    wanted = WorkflowEdit("n", "d", "k", (replace(b, sequence=0), TaskDraft("c")), 60.0)
    change = find_change(current, wanted, NOW)
    assert (change.removed, change.kept, change.renamed, change.added) == ((11,), (), (), (TaskDraft("c"),))
    assert change.updated == (replace(b, sequence=0, updated_at=NOW),)

    after = next_revision(current, wanted, change, (13,), NOW)
    assert (after.revision, after.created_at, after.updated_at) == (2, THEN, NOW)
    assert [(task.id, task.name, task.created_at) for task in after.tasks] == [(12, "b", THEN), (13, "c", NOW)]
    assert a.id not in {task.id for task in after.tasks}


@pytest.mark.parametrize("changes", [{"name": "m"}, {"description": None}, {"key": None}, {"timeout_seconds": 61.0}])
def test_a_field_alone_makes_a_revision_and_leaves_the_tasks_alone(current, changes):
    wanted = edits.merged(current, changes)
    after = next_revision(current, wanted, find_change(current, wanted, NOW), (), NOW)
    assert after == replace(current, **changes, revision=2, updated_at=NOW)


def test_an_edit_of_one_task_leaves_the_fields_of_the_workflow_alone(current):
    wanted = edits.with_task_merged(current, 11, {"sequence": 1})
    after = next_revision(current, wanted, find_change(current, wanted, NOW), (), NOW)
    assert after == replace(current, tasks=after.tasks, revision=2, updated_at=NOW)
