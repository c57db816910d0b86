"""What an expression may take and make is bounded before it begins: the library can be neither counted nor stopped."""

import pytest

from app.expressions.errors import EvaluationError, ExpressionError
from app.expressions.expression import compile_expression
from app.expressions.limits import LOOP_BUDGET, MAX_MADE_BYTES, MAX_SEEN_BYTES
from tests.support.cost import at_most

LONGEST = 1_414
FEW = 200
"""Units of CPU time: a hundred times what a refusal takes."""


def evaluate(source, data):
    return compile_expression(source).evaluate({"input": data})


def refusal(source, data) -> str:
    with pytest.raises(EvaluationError) as caught:
        evaluate(source, data)
    return caught.value.reason


def test_a_loop_takes_as_many_elements_as_the_budget_allows():
    assert LONGEST**2 <= LOOP_BUDGET < (LONGEST + 1) ** 2
    assert len(evaluate("input.list.filter(x, x >= 0)", {"list": list(range(LONGEST))})) == LONGEST
    reason = refusal("input.list.filter(x, x >= 0)", {"list": list(range(LONGEST + 1))})
    assert reason == f"loops 1 deep over up to {LONGEST + 1} elements; the limit is {LONGEST}"


@pytest.mark.parametrize(
    ("source", "depth", "limit"),
    [
        ("input.list.all(x, input.list.all(y, x == y))", 2, 125),
        ("input.list.map(x, input.list.filter(y, input.list.exists(z, z == y)))", 3, 37),
        ("input.list.map(x, x).filter(y, y > 1)", 1, LONGEST),
        ("size(input.list.map(x, x)) + size(input.list.map(y, y)) > (1)", 1, None),
    ],
)
def test_loops_within_loops_take_fewer(source, depth, limit):
    expression = compile_expression(source)
    assert expression.names.growth.depth == depth
    if limit is not None:
        expression.evaluate({"input": {"list": list(range(limit))}})
        assert f"the limit is {limit}" in refusal(source, {"list": list(range(limit + 1))})


@pytest.mark.parametrize(
    "source",
    [
        "['aaaaaaaaaa']" + ".map(x, x + x)" * 40,
        "[input.list]" + ".map(x, x + x)" * 30 + ".map(x, x.map(y, y))",
        "[[1]]" + ".map(x, [x, x])" * 40,
        "[input.text].map(x, " + "+".join(["x"] * 300) + ")",
        "+".join(["input.text"] * 160),
        "[" + ",".join(["input.text"] * 160) + "]",
        "input.list.map(x, input.text)",
        "(" + "+".join(["input.list"] * 100) + ").map(x, x)",
        "[" + ",".join(["1"] * 300) + "].map(a, [" + ",".join(["1"] * 300) + "].map(b, b))",
        "[1, 2]" + ".map(a, [1, 2]" * 19 + ".map(z, '" + "x" * 1_500 + "')" + ")" * 19,
        "input.list.map(a, input.list.map(b, a))",
    ],
)
def test_what_would_take_too_much_is_not_begun(source):
    data = {"list": [1] * 1_000, "text": "x" * 1_000_000}
    with at_most(FEW):
        reason = refusal(source, data)
    assert "the limit is" in reason


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("input.rows.map(r, r.name + ' ' + r.id)[999]", "name 999"),
        (
            "input.rows.filter(r, r.n > 10 && r.n < 13).map(r, {'id': r.id, 'zone': vars.zone})[1]",
            {"id": "12", "zone": "z"},
        ),
        ("input.rows.exists(r, r.id == '999' && r.name.startsWith('n'))", True),
        ("size(input.rows.map(r, r.n * 2 + 1))", 1_000),
        ("'<' + input.rows[0].name + '>'", "<name>"),
    ],
)
def test_ordinary_work_on_a_thousand_rows_is_done(source, expected):
    rows = [{"id": str(n), "name": "name", "n": n} for n in range(1_000)]
    assert compile_expression(source).evaluate({"input": {"rows": rows}, "vars": {"zone": "z"}}) == expected


def test_loops_go_through_a_bounded_amount_of_data():
    source = "input.list.all(x, input.list.all(y, !input.text.contains('b')))"
    data = {"list": [1] * 125, "text": "a" * 100_000}
    assert evaluate(source, data) is True
    reason = refusal(source, data | {"text": "a" * 200_000})
    assert reason == "may look at 3129218750 bytes in its loops; the limit is 2147483648"


def test_patterns_are_few_and_not_within_loops():
    assert evaluate("input.text.matches('^a+$') && input.text.matches('b') == false", {"text": "aa"}) is True
    for source, message in (
        ("input.list.all(x, x.matches('a'))", "matches cannot be used within a loop"),
        ("input.list.all(x, matches (x, 'a'))", "matches cannot be used within a loop"),
        (" || ".join(["input.a.matches('(\\\\w{10}){20}')"] * 6), "uses matches more than 5 times"),
    ):
        with pytest.raises(ExpressionError, match=message):
            compile_expression(source)


def test_what_an_expression_looks_into_is_bounded():
    assert evaluate("size(input)", {"text": "x" * (MAX_SEEN_BYTES - 20)}) == 1
    reason = refusal("size(input)", {"text": "x" * MAX_SEEN_BYTES})
    assert reason == f"looks into {MAX_SEEN_BYTES + 11} bytes of data; the limit is {MAX_SEEN_BYTES}"


def test_a_computed_result_is_bounded():
    text = "x" * 600_000
    assert len(evaluate("input.text + ''", {"text": text})) == 600_000
    assert refusal("input.text + input.text", {"text": text}) == "the result has 1200002 bytes; the limit is 1048576"


def test_the_refusal_of_too_much_says_how_much():
    reason = refusal("+".join(["input.text"] * 150), {"text": "x" * 1_000_000})
    assert reason.startswith("may make 150")
    assert reason.endswith(f"bytes of the data; the limit is {MAX_MADE_BYTES}")
