"""Which names an expression uses is known from its text, and nothing is used unseen."""

import pytest

from app.expressions.errors import ExpressionError
from app.expressions.expression import compile_expression
from app.expressions.names import ELEMENT_ROOTS


@pytest.mark.parametrize(
    ("source", "roots", "tasks"),
    [
        ("input.a", {"input"}, set()),
        ("tasks.a.output + tasks['b c'].output", {"tasks"}, {"a", "b c"}),
        ("input.tasks.output", {"input"}, set()),
        ("{'tasks': input.a}", {"input"}, set()),
        ("'tasks.a'", set(), set()),
        ('"tasks.a" + \'vars.b\' + """secrets.c"""', set(), set()),
        ("1 // tasks.a\n + input.b", {"input"}, set()),
        ("1 // ''' \n + tasks.a.output // '''", {"tasks"}, {"a"}),
        ("r'\\' + tasks.a.output + '\\\\'", {"tasks"}, {"a"}),
        ("'\\'' + tasks.a.output + '\\''", {"tasks"}, {"a"}),
        ("br'x' == bytes(tasks.a.output)", {"tasks"}, {"a"}),
        ("input.list.filter(t, t.ok && tasks.a.output.ok)", {"input", "tasks"}, {"a"}),
        ("has(tasks.a.output.x) ? tasks.a.output.x : null", {"tasks"}, {"a"}),
        ("tasks . a . output", {"tasks"}, {"a"}),
        ("tasks [ 'a' ]", {"tasks"}, {"a"}),
        ("type(input.a) == int", {"input"}, set()),
        ("[1].map(x, x + 1)", set(), set()),
    ],
)
def test_what_is_used_is_named(source, roots, tasks):
    names = compile_expression(source).names
    assert (names.roots, names.tasks) == (roots, tasks)


def test_variables_and_secrets_are_named():
    names = compile_expression("vars.a + vars['b'] + secrets.KEY").names
    assert (names.variables, names.secrets) == ({"a", "b"}, {"KEY"})


@pytest.mark.parametrize(
    "source",
    [
        "tasks",
        "tasks[input.a]",
        "tasks['a' + 'b']",
        "tasks[r'a']",
        "tasks['\\x61']",
        "tasks['''a''']",
        "size(tasks)",
        "tasks.map(t, t)",
        "vars == {}",
        "[secrets]",
        "{tasks: 1}",
        "secrets ['a']['b'] == secrets",
        "input.a + .tasks.a",
        ".vars.a",
        "input.list.map(tasks, tasks.a)",
        "input.list.map(x, x) == x",
        "input.list.map(x, x) + [x]",
        "[x].map(x, x)",
        "input.list.all(x, y)",
        "Thing{tasks: 1}",
        "item",
        "_",
        "google.protobuf",
    ],
)
def test_what_is_not_named_outright_or_not_there_is_refused(source):
    with pytest.raises(ExpressionError):
        compile_expression(source)


@pytest.mark.parametrize(
    "source", ["input.f(1)", "upper('a')", "math.greatest(1, 2)", "'a'.lowerAscii()", "input.l.transformList(i, v, v)"]
)
def test_only_the_standard_functions_are_known(source):
    with pytest.raises(ExpressionError, match="there is no "):
        compile_expression(source)


def test_elements_are_known_only_where_they_are_allowed():
    expression = compile_expression("item.a + index", ELEMENT_ROOTS)
    assert expression.evaluate({"item": {"a": 2}, "index": 40}) == 42
    assert compile_expression("item.a", ELEMENT_ROOTS).path == ("item", "a")
    assert compile_expression("input.list.map(item, item)").evaluate({"input": {"list": [1]}}) == [1]
    with pytest.raises(ExpressionError, match="only a task with `for_each`"):
        compile_expression("item.a")


def test_a_path_of_any_size_is_found_without_cel():
    expression = compile_expression("tasks['get data'].output[2].rows")
    assert expression.path == ("tasks", "get data", "output", 2, "rows")
    big = ["x" * 3_000_000]
    assert expression.evaluate({"tasks": {"get data": {"output": [0, 1, {"rows": big}]}}}) is big
    assert compile_expression("input.a + 1").path is None
    assert compile_expression("input.list[0 + 1]").path is None
