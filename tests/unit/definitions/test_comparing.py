from dataclasses import asdict, replace
from datetime import UTC, datetime

import pytest

from app.definitions.changes import first_revision
from app.definitions.comparing import compare
from app.domain.definitions import Task, TaskDraft, Workflow, WorkflowDraft

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def before() -> Workflow:
    tasks = (TaskDraft("a", config={"n": 1}), TaskDraft("b"), TaskDraft("c"))
    return first_revision(WorkflowDraft("n", "d", "k", tasks, variables={"x": 1}), 7, (11, 12, 13), NOW)


def changed(workflow: Workflow, **tasks: dict) -> Workflow:
    """`tasks` holds new values by the name of the task that gets them."""
    return replace(workflow, tasks=tuple(replace(task, **tasks.get(task.name, {})) for task in workflow.tasks))


def tasks_between(before: Workflow, after: Workflow) -> dict:
    return asdict(compare(before, after).tasks)


def test_what_the_service_adds_is_no_difference(before):
    later = datetime(2026, 1, 2, tzinfo=UTC)
    after = replace(changed(before, a={"updated_at": later}), revision=9, updated_at=later)
    found = compare(before, after)
    assert (found.workflow, asdict(found.tasks)) == ({}, {"added": [], "removed": [], "changed": {}})


def test_values_are_compared_as_json(before):
    after = replace(changed(before, a={"config": {"n": True}}), variables={"x": 1.0})
    found = compare(before, after)
    assert found.workflow == {"variables": ({"x": 1}, {"x": 1.0})}
    assert found.tasks.changed == {"a": {"config": ({"n": 1}, {"n": True})}}


def test_names_that_were_swapped_are_the_same_tasks_with_other_contents(before):
    after = changed(before, a={"name": "b"}, b={"name": "a"})
    assert tasks_between(before, after) == {
        "added": [],
        "removed": [],
        "changed": {"a": {"config": ({"n": 1}, {})}, "b": {"config": ({}, {"n": 1})}},
    }


def test_a_task_whose_old_name_another_one_took_is_told_once(before):
    a, b, c = before.tasks
    after = replace(before, tasks=(replace(a, name="z"), replace(b, name="a"), c))
    found = tasks_between(before, after)
    assert (found["added"], found["removed"]) == (["z"], ["b"])
    assert found["changed"] == {"a": {"config": ({"n": 1}, {})}}


def test_a_task_that_came_back_under_another_id_is_the_same(before):
    after = replace(before, tasks=(*before.tasks[1:], Task("a", config={"n": 1}, id=21)))
    assert tasks_between(before, after) == {"added": [], "removed": [], "changed": {}}
