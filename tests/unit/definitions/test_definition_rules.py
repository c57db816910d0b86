from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.definitions import edits
from app.definitions.changes import first_revision
from app.definitions.name_rules import name_problems
from app.definitions.requests import ADDED_TASK, Request
from app.definitions.rules import Rules
from app.domain.definitions import (
    MAX_ERROR_CODES,
    MAX_TIMEOUT_SECONDS,
    RetryPolicy,
    TaskDraft,
    Workflow,
    WorkflowDraft,
)
from app.domain.errors import Invalid, Problem
from app.expressions.expression import compile_expression
from app.expressions.template import compile_template
from tests.support.cost import at_most

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class EvenNumbers:
    """A task type that wants an even number."""

    def config_problems(self, task: TaskDraft, path: str = "", tenant: str = "") -> list[Problem]:
        return [] if task.config.get("number", 0) % 2 == 0 else [Problem(f"{path}.config.number", "must be even")]


@pytest.fixture
def rules() -> Rules:
    return Rules(EvenNumbers(), max_tasks=3)


def stored(*tasks: TaskDraft) -> Workflow:
    return first_revision(WorkflowDraft("n", tasks=tasks), 7, range(11, 11 + len(tasks)), NOW)


def check(rules: Rules, request: Request, current: Workflow, edit) -> None:
    with request.in_words(edit):
        rules.check(current, edit)


def problems(call) -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as caught:
        call()
    return [(problem.path, problem.message) for problem in caught.value.problems]


def test_all_problems_of_a_new_workflow_are_told_at_once(rules):
    draft = WorkflowDraft(
        " ", key="7", tasks=(TaskDraft("a", config={"number": 1}), TaskDraft("a", depends_on=("ghost",)))
    )
    assert problems(lambda: rules.check_new(draft)) == [
        ("name", "must not be blank"),
        ("key", "must not be all digits: it would read as an id"),
        ("tasks[0].config.number", "must be even"),
        ("tasks[1].name", "'a' is already the name of tasks[0]"),
        ("tasks[1].depends_on[0]", "no task of this workflow is named 'ghost'"),
    ]


UNWRITABLE = ["a\\b", "a\nb", 'it\'s "b"', "\\"]


@pytest.mark.parametrize("name", UNWRITABLE)
def test_a_name_that_no_expression_can_write_is_refused(rules, name):
    ((path, message),) = problems(lambda: rules.check_new(WorkflowDraft("n", tasks=(TaskDraft("a"), TaskDraft(name)))))
    assert path == "tasks[1].name"
    assert message.startswith("must not contain ")
    assert "no expression could name the task" in message


@pytest.mark.parametrize("name", UNWRITABLE)
def test_a_stored_name_that_no_expression_can_write_goes_on(rules, name):
    before = stored(TaskDraft(name), TaskDraft("b"))
    rules.check(before, edits.merged(before, {"description": "new"}))
    rules.check(before, edits.with_task_merged(before, 11, {"description": "new"}))
    rules.check(before, edits.replaced(before, WorkflowDraft("m", tasks=(TaskDraft("b"), TaskDraft(name)))))
    ((path, _),) = problems(lambda: rules.check(before, edits.with_task_merged(before, 12, {"name": f"{name}x"})))
    assert path == "tasks[1].name"


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20))
def test_each_name_that_is_accepted_can_be_written_in_an_expression(name):
    if list(name_problems([TaskDraft(name)], ())) or not name.strip() or "\0" in name:
        return
    quote = '"' if "'" in name else "'"
    expression = compile_expression(f"tasks[{quote}{name}{quote}].output")
    assert expression.names.tasks == {name}
    template, faults = compile_template(f"${{tasks[{quote}{name}{quote}].output}}")
    assert (template.fill({"tasks": {name: {"output": 7}}}), list(faults)) == (7, [])


def test_an_expression_that_was_stored_before_its_rule_became_stricter_goes_on(rules):
    before = stored(TaskDraft("a", when="max(1, 2) == 2"), TaskDraft("b"))
    rules.check(before, edits.merged(before, {"description": "new"}))
    rules.check(before, edits.with_task_merged(before, 12, {"description": "new"}))
    ((path, message),) = problems(lambda: rules.check(before, edits.with_task_merged(before, 11, {"sequence": 1})))
    assert (path, message.partition(" at ")[0]) == ("tasks[0].when", "there is no function 'max'")


def test_a_cycle_is_refused(rules):
    draft = WorkflowDraft("n", tasks=(TaskDraft("a", depends_on=("b",)), TaskDraft("b", sequence=1)))
    assert problems(lambda: rules.check_new(draft)) == [
        ("tasks[0].depends_on", "would wait for ever: 'a' waits for 'b' waits for 'a'")
    ]


@pytest.mark.parametrize(
    ("tasks", "expected"),
    [
        ([TaskDraft("a", compensate=("a",))], [("tasks[0].compensate[0]", "a task cannot undo itself")]),
        (
            [TaskDraft("a", compensate=("u", "ghost")), TaskDraft("u")],
            [("tasks[0].compensate[1]", "no task of this workflow is named 'ghost'")],
        ),
        (
            [TaskDraft("a", compensate=("u", "u")), TaskDraft("u")],
            [("tasks[0].compensate[1]", "'u' is listed twice")],
        ),
        (
            [TaskDraft("a", compensate=("u",)), TaskDraft("b", compensate=("u",)), TaskDraft("u")],
            [("tasks[1].compensate[0]", "'u' undoes 'a' already")],
        ),
        (
            [TaskDraft("a", compensate=("u",)), TaskDraft("u", depends_on=())],
            [("tasks[1].depends_on", "must not be given: the task undoes 'a'")],
        ),
        (
            [TaskDraft("a", compensate=("u",)), TaskDraft("u", compensate=("v",)), TaskDraft("v")],
            [("tasks[1].compensate", "must be empty: the task undoes 'a'")],
        ),
        (
            [TaskDraft("a", compensate=("b",)), TaskDraft("b", compensate=("a",))],
            [
                ("tasks[0].compensate", "must be empty: the task undoes 'b'"),
                ("tasks[1].compensate", "must be empty: the task undoes 'a'"),
            ],
        ),
        (
            [TaskDraft("a", compensate=("u",)), TaskDraft("u"), TaskDraft("b", depends_on=("a", "u"))],
            [("tasks[2].depends_on[1]", "'u' undoes 'a' and is no step to wait for")],
        ),
        (
            [TaskDraft("a", depends_on=("u",), compensate=("u",)), TaskDraft("u")],
            [("tasks[0].depends_on[0]", "'u' undoes 'a' and is no step to wait for")],
        ),
    ],
)
def test_wrong_compensations_are_refused(rules, tasks, expected):
    assert problems(lambda: rules.check_new(WorkflowDraft("n", tasks=tuple(tasks)))) == expected


def test_the_order_of_tasks_means_nothing_to_compensations(rules):
    rules.check_new(WorkflowDraft("n", tasks=(TaskDraft("u"), TaskDraft("v"), TaskDraft("a", compensate=("v", "u")))))


def test_a_task_that_undoes_another_can_be_neither_deleted_nor_renamed(rules):
    current = stored(TaskDraft("a", compensate=("u",)), TaskDraft("u"))
    expected = [("", "compensate[0] of task 'a': no task of this workflow is named 'u'")]
    assert problems(lambda: check(rules, Request(task_id=12), current, edits.without_task(current, 12))) == expected
    renamed = edits.with_task_merged(current, 12, {"name": "z"})
    assert problems(lambda: check(rules, Request(task_id=12), current, renamed)) == expected
    assert problems(
        lambda: check(rules, Request(task_id=12), current, edits.with_task_merged(current, 12, {"depends_on": ("a",)}))
    ) == [("depends_on", "must not be given: the task undoes 'a'")]
    check(rules, Request(task_id=11), current, edits.without_task(current, 11))


@pytest.mark.parametrize("seconds", [0, -1, MAX_TIMEOUT_SECONDS + 1, float("inf"), float("nan")])
def test_the_timeout_of_executions_is_bounded(rules, seconds):
    draft = WorkflowDraft("n", timeout_seconds=seconds)
    expected = [("timeout_seconds", "must be more than 0 and at most 31622400")]
    assert problems(lambda: rules.check_new(draft)) == expected
    current = stored()
    assert problems(lambda: rules.check(current, edits.merged(current, {"timeout_seconds": seconds}))) == expected


def test_timeouts_within_the_bounds_are_kept(rules):
    for seconds in (0.001, MAX_TIMEOUT_SECONDS, None):
        rules.check_new(WorkflowDraft("n", timeout_seconds=seconds))


@pytest.mark.parametrize(
    ("codes", "path", "message"),
    [
        (("ok", " "), "[1]", "must not be blank"),
        (("x" * 201,), "[0]", "has 201 characters; the limit is 200"),
        (("code",) * (MAX_ERROR_CODES + 1), "", "has 101 codes; the limit is 100"),
    ],
)
def test_codes_of_errors_are_bounded(rules, codes, path, message):
    draft = WorkflowDraft("n", tasks=(TaskDraft("t", retry=RetryPolicy(non_retryable_errors=codes)),))
    assert problems(lambda: rules.check_new(draft)) == [(f"tasks[0].retry.non_retryable_errors{path}", message)]


def test_as_many_codes_of_errors_as_the_limit_are_kept(rules):
    policy = RetryPolicy(non_retryable_errors=("code",) * MAX_ERROR_CODES)
    rules.check_new(WorkflowDraft("n", tasks=(TaskDraft("t", retry=policy),)))


def test_the_number_of_tasks_is_limited(rules):
    draft = WorkflowDraft("n", tasks=tuple(TaskDraft(str(n)) for n in range(4)))
    assert problems(lambda: rules.check_new(draft)) == [("tasks", "would be 4; the limit is 3")]
    full = stored(*draft.tasks[:3])
    assert problems(lambda: check(rules, ADDED_TASK, full, edits.with_task(full, TaskDraft("x")))) == [
        ("tasks", "would be 4; the limit is 3")
    ]


def test_a_workflow_over_a_lowered_limit_may_be_changed_and_shrink(rules):
    current = stored(*(TaskDraft(str(n)) for n in range(5)))
    rules.check(current, edits.merged(current, {"name": "m"}))
    check(rules, Request(task_id=11), current, edits.without_task(current, 11))


def test_configs_of_untouched_tasks_are_not_judged_again(rules):
    current = stored(TaskDraft("odd", config={"number": 1}), TaskDraft("other"))
    rules.check(current, edits.merged(current, {"name": "m"}))
    check(rules, Request(task_id=12), current, edits.with_task_merged(current, 12, {"sequence": 1}))
    touched = edits.with_task_merged(current, 11, {"sequence": 1})
    assert problems(lambda: check(rules, Request(task_id=11), current, touched)) == [("config.number", "must be even")]


def test_a_request_about_one_task_is_told_in_its_own_words(rules):
    current = stored(TaskDraft("a"), TaskDraft("b", depends_on=("a",)))
    added = edits.with_task(current, TaskDraft("a", retry=RetryPolicy(jitter=2)))
    assert problems(lambda: check(rules, ADDED_TASK, current, added)) == [
        ("retry.jitter", "must be from 0 to 1"),
        ("name", "'a' is already the name of tasks[0]"),
    ]


def test_a_task_that_others_depend_on_can_be_neither_deleted_nor_renamed(rules):
    current = stored(TaskDraft("a"), TaskDraft("b", depends_on=("a",)))
    expected = [("", "depends_on[0] of task 'b': no task of this workflow is named 'a'")]
    assert problems(lambda: check(rules, Request(task_id=11), current, edits.without_task(current, 11))) == expected
    renamed = edits.with_task_merged(current, 11, {"name": "z"})
    assert problems(lambda: check(rules, Request(task_id=11), current, renamed)) == expected


def test_an_unchanged_workflow_has_no_problems(rules):
    current = stored(TaskDraft("a"), TaskDraft("b"))
    rules.check(current, edits.merged(current, {}))
    rules.check(current, edits.replaced(current, WorkflowDraft("n", tasks=tuple(map(replace, current.tasks)))))


def test_without_a_type_only_the_texts_of_message_and_fields_are_expressions(rules):
    own = {"url": "http://x/${id}", "message": {"text": "${"}, "nested": ["${1 +}"]}
    rules.check_new(WorkflowDraft("n", tasks=(TaskDraft("a", config=own),)))

    wrong = {"url": "${1 +}", "message": "${tasks.ghost}", "fields": {"x": "${tasks.ghost}"}}
    found = problems(lambda: rules.check_new(WorkflowDraft("n", tasks=(TaskDraft("a", config=wrong),))))
    assert [path for path, _ in found] == ["tasks[0].config.message", "tasks[0].config.fields.x"]

    typed = TaskDraft("a", type="even", config=own)
    found = problems(lambda: rules.check_new(WorkflowDraft("n", tasks=(typed,))))
    assert {path for path, _ in found} == {
        "tasks[0].config.url",
        "tasks[0].config.message.text",
        "tasks[0].config.nested[0]",
    }


MANY_TASKS = Rules(EvenNumbers(), max_tasks=20)


def test_the_patterns_of_all_schemas_together_are_limited():
    schema = {"anyOf": [{"pattern": r"\pL{%d}" % n} for n in range(1, 15)]}  # noqa: UP031
    tasks = tuple(TaskDraft(f"t{n}", type="any", output_schema=schema) for n in range(3))
    [(path, message)] = problems(lambda: MANY_TASKS.check_new(WorkflowDraft(name="w", tasks=tasks)))
    assert path == ""
    assert message.startswith("its schemas together: has patterns of about 382830 states; the limit is 300000.")
    MANY_TASKS.check_new(WorkflowDraft(name="w", tasks=tasks[:2]))


def test_the_bytes_of_all_schemas_together_are_limited():
    tasks = tuple(TaskDraft(f"t{n}", type="any", output_schema={"description": "x" * 60_000}) for n in range(9))
    [(_, message)] = problems(lambda: MANY_TASKS.check_new(WorkflowDraft(name="w", tasks=tasks)))
    assert message == "its schemas have 540162 bytes together; the limit is 524288"


def test_the_texts_with_expressions_are_limited_together():
    tasks = tuple(TaskDraft(f"t{n}", type="any", config={"message": "x" * 60_000 + "${input.a}"}) for n in range(4))
    [(path, message)] = problems(lambda: MANY_TASKS.check_new(WorkflowDraft(name="w", tasks=tasks)))
    assert (path, message) == ("tasks", "hold 240040 characters of texts with expressions; the limit is 200000")


def test_the_patterns_of_all_expressions_together_are_limited():
    fields = {f"f{n}": r"${input.a.matches('\\pL{%d}')}" % (n % 12 + 1) for n in range(40)}  # noqa: UP031
    with at_most(20_000):
        [(path, message)] = problems(
            lambda: MANY_TASKS.check_new(
                WorkflowDraft(name="w", tasks=(TaskDraft("a", type="any", config={"fields": fields}),))
            )
        )
    assert path == "tasks"
    assert message.startswith("of all expressions: has patterns of about ")


def test_after_many_faults_no_more_expressions_are_compiled():
    fields = {f"f{n}": r"${input.a.matches('\\pL{%d}')}" % (n + 100) for n in range(900)}  # noqa: UP031
    with at_most(20_000):
        found = problems(
            lambda: MANY_TASKS.check_new(
                WorkflowDraft(name="w", tasks=(TaskDraft("a", type="any", config={"fields": fields}),))
            )
        )
    assert len(found) == 51
