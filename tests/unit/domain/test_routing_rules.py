"""Which conditions may be stored, and where each leads."""

from dataclasses import replace

import pytest

from app.definitions.rules import Rules
from app.domain.definitions import OnFailure, TaskDraft, WorkflowDraft
from app.domain.errors import Invalid, Problem
from app.domain.routing import END, Condition, RouteOutcome, compile_route, reachable
from app.domain.routing_rules import MAX_VISITS
from tests.support.routed import conditions


class AnyConfig:
    def config_problems(self, task: TaskDraft, path: str = "", tenant: str = "") -> list[Problem]:
        return []


def draft(names: str, *words: str, **fields) -> WorkflowDraft:
    tasks = tuple(TaskDraft(name) for name in names.split())
    return WorkflowDraft("n", tasks=tasks, **{"start_task": "a", "conditions": conditions(*words), **fields})


def problems(wanted: WorkflowDraft) -> list[tuple[str, str]]:
    try:
        Rules(AnyConfig(), max_tasks=10).check_new(wanted)
    except Invalid as error:
        return [(problem.path, problem.message) for problem in error.problems]
    return []


@pytest.mark.parametrize(
    ("outcome", "failed", "target"),
    [
        ("success", False, "yes"),
        ("success", True, "no"),
        ("failure", False, "no"),
        ("failure", True, "yes"),
        ("any", False, "yes"),
        ("any", True, "yes"),
    ],
)
def test_where_a_condition_leads(outcome: str, failed: bool, target: str) -> None:
    condition = Condition("c", "a", RouteOutcome(outcome), "yes", "no")
    assert condition.target(failed=failed) == target


@pytest.mark.parametrize(
    "wanted",
    [
        draft("a"),
        draft("a b", "a success b end"),
        draft("a b", "a failure end b"),
        draft("a", "a success end a"),
        draft("a b c", "a any b c", "b success c a"),
        draft("a b", "a success b end", max_visits=1),
        draft("a b", "a success b end", max_visits=MAX_VISITS),
        draft("a b c", "c success a end", "a success b b", start_task="c"),
    ],
)
def test_what_is_stored(wanted: WorkflowDraft) -> None:
    assert problems(wanted) == []


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (draft("a", start_task="ghost"), [("start_task", "no task of this workflow is named 'ghost'")]),
        (draft("", start_task="a"), [("start_task", "no task of this workflow is named 'a'")]),
        (
            draft("a b", "a success b end", "ghost success a end"),
            [("conditions[1].source_task", "no task of this workflow is named 'ghost'")],
        ),
        (
            draft("a b", "a success b end", "b success ghost phantom"),
            [
                ("conditions[1].target_task_success", "no task of this workflow is named 'ghost'; 'end' ends it"),
                ("conditions[1].target_task_failure", "no task of this workflow is named 'phantom'; 'end' ends it"),
            ],
        ),
        (
            draft("a b", "a success b end", "b success a end", "a failure b end"),
            [("conditions[2].source_task", "'a' is already the source of conditions[0]")],
        ),
        (
            draft("a b c", "a success b end", "c success a end"),
            [("tasks[2].name", "'c' is never reached: nothing leads to it from 'a'")],
        ),
        (
            draft("a b c", "a any b c"),
            [("tasks[2].name", "'c' is never reached: nothing leads to it from 'a'")],
        ),
        (draft("a", max_visits=0), [("max_visits", f"must be from 1 to {MAX_VISITS}")]),
        (draft("a", max_visits=MAX_VISITS + 1), [("max_visits", f"must be from 1 to {MAX_VISITS}")]),
        (
            draft("a", "a success end end", start_task=None, max_visits=3),
            [
                ("conditions", "need a `start_task`: without one, groups say what comes next"),
                ("max_visits", "needs a `start_task`: without one, every task runs once"),
            ],
        ),
        (
            draft("a", conditions=(Condition(" ", "a", RouteOutcome.ANY, END, END, "\x00"),)),
            [
                ("conditions[0].name", "must not be blank"),
                ("conditions[0].description", "must not contain the NUL character"),
            ],
        ),
        (
            draft("a end", "a success end end"),
            [("tasks[1].name", "must not be 'end': as a target that ends the execution")],
        ),
    ],
)
def test_what_is_refused(wanted: WorkflowDraft, expected: list[tuple[str, str]]) -> None:
    assert problems(wanted) == expected


@pytest.mark.parametrize(
    ("changes", "path", "message"),
    [
        (
            {"depends_on": ("a",)},
            "depends_on",
            "must not be given beside `start_task`: the conditions say what comes next",
        ),
        ({"depends_on": ()}, "depends_on", "must not be given beside `start_task`: the conditions say what comes next"),
        (
            {"on_failure": OnFailure.CONTINUE},
            "on_failure",
            "must be fail beside `start_task`: the conditions say what a failure means",
        ),
        (
            {"compensate": ("a",)},
            "compensate",
            "must be empty beside `start_task`: let a condition lead to what undoes it",
        ),
    ],
)
def test_what_a_task_may_not_say_beside_a_start_task(changes: dict, path: str, message: str) -> None:
    wanted = draft("a b", "a success b end")
    first, second = wanted.tasks or ()
    changed = replace(wanted, tasks=(first, replace(second, **changes)))
    assert problems(changed) == [(f"tasks[1].{path}", message)]
    assert problems(replace(changed, start_task=None, conditions=())) == []


@pytest.mark.parametrize("name", ["b", "a"])
def test_an_expression_may_name_any_task(name: str) -> None:
    config = {"message": f"${{tasks.{name}.output}}"}
    tasks = (TaskDraft("a", type="log", config=config), TaskDraft("b"))
    assert problems(WorkflowDraft("n", tasks=tasks, start_task="a", conditions=conditions("a any b end"))) == []
    assert [path for path, _ in problems(WorkflowDraft("n", tasks=tasks))] == ["tasks[0].config.message"]


def test_an_expression_may_not_name_what_is_no_task() -> None:
    tasks = (TaskDraft("a", type="log", config={"message": "${tasks.ghost.output}"}),)
    assert problems(WorkflowDraft("n", tasks=tasks, start_task="a")) == [
        ("tasks[0].config.message", "no task of this workflow is named 'ghost'")
    ]


def test_a_route_is_made_of_the_conditions() -> None:
    wanted = draft("a b c d", "a failure b c", "b any c end", "c success d end", max_visits=7)
    route = compile_route(wanted, ["a", "b", "c", "d"])
    assert route is not None
    ends = {(index, failed): route.next_task(index, failed=failed) for index in range(4) for failed in (False, True)}
    assert ends == {
        (0, False): 2,
        (0, True): 1,
        (1, False): 2,
        (1, True): 2,
        (2, False): 3,
        (2, True): None,
        (3, False): None,
        (3, True): None,
    }
    assert (route.start, route.max_visits) == (0, 7)
    assert reachable(route) == {0, 1, 2, 3}
