"""Whether the results of an ended execution can be reused on another revision, and why not."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

import pytest

from app.domain.definitions import OnFailure, Task
from app.domain.errors import Invalid, Problem
from app.domain.events import Event, EventType
from app.engine.deciding.state import fold
from app.engine.planning.plan import Plan, PlannedTask, compile_plan
from app.engine.repeating import Origin, first_events, taken_over
from app.engine.reusing import reused_on
from tests.support.histories import at
from tests.support.stories import parallel, story, sync, workflow_of

ORIGIN = UUID("01990000-0000-7000-8000-000000000001")


def began(*words: str) -> tuple[str, ...]:
    return ("created", "started", *words)


def done(*names: str) -> tuple[str, ...]:
    return tuple(f"{name} {word}" for name in names for word in ("started", "completed"))


A = sync("a", config={"output": "${vars.x}", "n": [1]}, when="input.go")
B = sync("b", 1)
FAILED_AT_B = began(*done("a"), "b started", "b failed", "failed")


def plan(*tasks: Task, revision: int = 1, shift: int = 0, **fields) -> Plan:
    """A revision; `shift` gives its tasks other ids."""
    workflow = replace(workflow_of(*tasks, revision=revision), **({"variables": {"x": 1, "y": 2}} | fields))
    return compile_plan(replace(workflow, tasks=tuple(replace(t, id=t.id + shift) for t in workflow.tasks)))


def _problems_of(task: PlannedTask, output: str | None) -> Sequence[Problem]:
    assert task.output is not None
    return task.output.problems_of_text(output, "output")


def reasons(old: Plan, new: Plan, words=FAILED_AT_B, from_task: str | None = None) -> list[str]:
    state = fold(old, story(old, *words))
    from_index = None if from_task is None else new.index_named[from_task]
    with pytest.raises(Invalid) as refused:
        reused_on(new, state, taken_over(state), from_index, _problems_of)
    *found, advice = refused.value.problems
    assert {problem.path for problem in refused.value.problems} == {"revision"}
    assert advice.message.startswith("rerun the execution on this revision")
    return [problem.message for problem in found]


def reused(old: Plan, new: Plan, words=FAILED_AT_B, from_task: str | None = None) -> list[Event]:
    history = story(old, *words)
    from_index = None if from_task is None else new.index_named[from_task]
    return list(first_events(new, Origin(ORIGIN, old, history, fold(old, history)), from_index, at(100), _problems_of))[
        1:
    ]


@pytest.mark.parametrize(
    "tasks",
    [
        (A, B),
        (replace(A, description="says more", timeout_seconds=5.0, on_failure=OnFailure.CONTINUE), B),
        (replace(A, config={"n": [1], "output": "${vars.x}"}), B),
        (replace(A, output_schema={"required": ["done"]}), B),
        (replace(A, compensate=("undo",)), B, sync("undo")),
        (A, sync("b", 1, config={"other": 1}), sync("c", 2)),
    ],
)
def test_a_result_is_reused_where_the_task_is_given_the_same(tasks: tuple[Task, ...]) -> None:
    new = plan(*tasks, revision=3, shift=7)
    (event,) = reused(plan(A, B), new)
    assert (event.type, event.data, event.task_id) == (EventType.TASK_REUSED, '{"done":true}', new.tasks[0].id)


@pytest.mark.parametrize(
    ("task", "reason"),
    [
        (replace(A, name="A"), "revision 3 has no task of this name"),
        (replace(A, type="log"), "in revision 3 its type is different"),
        (
            replace(A, config={"output": "${vars.x}", "n": [1.0], "m": None}),
            "in revision 3 its config.n, config.m are different",
        ),
        (replace(A, config={"output": "${vars.y}", "n": [1]}), "in revision 3 its config.output is different"),
        (replace(A, when=None), "in revision 3 its when is different"),
        (replace(A, for_each="input.list"), "in revision 3 its for_each is different"),
        (
            replace(A, output_schema={"properties": {"done": {"type": "string"}}}),
            'in revision 3 it breaks output_schema: output.done: true is not of type "string"',
        ),
    ],
)
def test_a_difference_is_named(task: Task, reason: str) -> None:
    (found,) = reasons(plan(A, B), plan(task, B, revision=3))
    assert found == f"the result of task 'a' cannot be reused: {reason}"


def test_variables_count_where_they_are_used() -> None:
    new = plan(A, B, revision=3, variables={"x": 5, "y": 6})
    assert reasons(plan(A, B), new) == [
        "the result of task 'a' cannot be reused: in revision 3 its vars.x is different"
    ]
    reused(plan(A, B), plan(A, B, revision=3, variables={"x": 1, "y": 6}))


def test_the_tasks_before_count_since_their_outputs_may_have_been_read() -> None:
    c = sync("c", 2)
    words = began(*done("a", "b"), "c started", "c failed", "failed")
    old = plan(A, B, c)
    assert reasons(old, plan(A, sync("new", 0), B, c, revision=2), words) == [
        "the result of task 'b' cannot be reused: in revision 2 it runs after 'new', too"
    ]
    assert reasons(old, plan(A, replace(B, depends_on=()), c, revision=2), words) == [
        "the result of task 'b' cannot be reused: in revision 2 it does not run after 'a' any more"
    ]
    # A task that is inserted behind what is reused runs.
    assert [event.task_id for event in reused(old, plan(A, B, sync("new", 1), c, revision=2), words)] == [101, 102]


def test_a_task_that_undoes_another_one_now_has_no_result() -> None:
    new = plan(A, replace(B, compensate=("a",)), revision=3)
    assert reasons(plan(A, B), new) == ["the result of task 'a' cannot be reused: in revision 3 it undoes another task"]


def test_a_failure_is_passed_over_only_where_the_revision_allows_it() -> None:
    tolerant = replace(A, on_failure=OnFailure.CONTINUE)
    words = began("a started", "a failed", "b started", "b failed", "failed")
    assert reasons(plan(tolerant, B), plan(A, B, revision=3), words) == [
        "the result of task 'a' cannot be reused: it failed, and revision 3 does not continue after that"
    ]
    (event,) = reused(plan(tolerant, B), plan(tolerant, B, revision=3), words)
    assert event.type is EventType.TASK_SKIPPED


def test_all_reasons_of_all_tasks_are_given() -> None:
    old = plan(A, parallel("p", 0, config={"k": 1}), B)
    words = began(*done("a", "p"), "b started", "b failed", "failed")
    found = reasons(old, plan(replace(A, when=None), B, revision=3), words)
    assert [text.split("'")[1] for text in found] == ["a", "p"]


def test_what_runs_again_need_not_be_the_same() -> None:
    new = plan(A, sync("b", 1, config={"k": 2}), sync("c", 2), revision=2)
    words = began(*done("a", "b"), "completed")
    assert [event.task_id for event in reused(plan(A, B), new, words, "b")] == [101]
    assert reused(plan(A, B), plan(replace(A, when=None), B, revision=2), words, "a") == []
    # The rerun may begin with a task that the origin did not have: what comes after it runs again.
    inserted = plan(A, sync("new", 1), sync("b", 2), revision=2)
    assert [event.task_id for event in reused(plan(A, B), inserted, words, "new")] == [101]
