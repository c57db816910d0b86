"""What an evaluation takes is counted, and ends at its limit: it holds up everything else in its process."""

import json
import subprocess
import sys
from contextlib import suppress

import pytest

from app.expressions.errors import EvaluationError, ExpressionError, OverBudget, TooCostlyError
from app.expressions.expression import compile_expression
from app.expressions.limits import (
    INLINE_BYTES,
    INLINE_STEPS,
    MAX_MADE_BYTES,
    MAX_RESULT_BYTES,
    MAX_STEPS,
    InlineMeter,
    Meter,
)
from app.expressions.template import compile_template
from tests.support.cost import at_most

DATA = {
    "list": [1] * 1_000,
    "long": list(range(200_000)),
    "text": "x" * 1_000_000,
    "object": {str(number): number for number in range(1_000)},
}
TIMES = "timestamp('2027-01-01T00:00:00Z').getHours('Europe/Berlin')"
TOO_MUCH = [
    "['aaaaaaaaaa']" + ".map(x, x + x)" * 40,
    "[input.list]" + ".map(x, x + x)" * 30 + ".map(x, x.map(y, y))",
    "[[1]]" + ".map(x, [x, x])" * 40,
    "[{'a': 1}]" + ".map(x, {'a': x, 'b': x})" * 40,
    "[[1]]" + ".map(x, [x, x])" * 40 + " == [[1]]" + ".map(x, [x, x])" * 40,
    "[[1]]" + ".map(x, [x, x])" * 40 + "[0] in [[1]]" + ".map(x, [x, x])" * 40,
    "[input.text].map(x, " + "+".join(["x"] * 300) + ")",
    "+".join(["input.text"] * 160),
    "[" + ",".join(["input.text"] * 160) + "]",
    "input.list.map(x, input.text)",
    "(" + "+".join(["input.list"] * 100) + ").map(x, x).map(x, x).map(x, x).map(x, x).map(x, x)",
    "[1, 2]" + ".map(a, [1, 2]" * 19 + ".map(z, '" + "x" * 1_500 + "')" + ")" * 19,
    "input.list.map(a, input.list.map(b, a))",
    "input.list.all(a, input.list.all(b, input.list.all(c, a == c)))",
    "input.list.all(a, input.list.exists(b, b / 0 == 1) || true)",
    "input.list.all(a, !(7 in input.list))",
    "input.list.all(a, input.object == input.object)",
    "input.list.all(a, !input.text.contains('xxxxxxxxxxxxxxxxxxxxy'))",
    "input.list.all(a, input.text == input.text + '')",
    f"input.list.all(a, input.list.all(b, {TIMES} == 1))",
    "input.long.map(x, [x, x, x])",
    "input.text.matches('(x|xx|xxx){500}y')",
]

FEW = 1_000
"""Units of CPU time: some times what the limit of steps allows."""


def evaluate(source, data=DATA):
    return compile_expression(source).evaluate({"input": data})


def refusal(source, data=DATA) -> str:
    with pytest.raises(EvaluationError) as caught:
        evaluate(source, data)
    return caught.value.reason


@pytest.mark.parametrize("source", TOO_MUCH)
def test_what_takes_too_much_ends_soon(source):
    with at_most(FEW):
        reason = refusal(source)
        assert "limit" in reason


GROWN = """
import json, resource, sys
from app.expressions.errors import EvaluationError
from app.expressions.expression import compile_expression

task = json.load(sys.stdin)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for source in task["sources"]:
    try:
        compile_expression(source).evaluate({"input": task["data"]})
    except EvaluationError:
        pass
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_what_takes_too_much_stays_small():
    task = json.dumps({"sources": TOO_MUCH, "data": DATA})
    done = subprocess.run([sys.executable, "-c", GROWN], input=task, capture_output=True, text=True, check=True)
    assert int(done.stdout) * 1_024 < 8 * MAX_MADE_BYTES


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
        ("size(input.rows.filter(r, input.rows[0].n <= r.n))", 1_000),
        ("size(input.rows.filter(r, input.rows.exists(o, o.n == 20)))", 1_000),
    ],
)
def test_ordinary_work_on_a_thousand_rows_is_done(source, expected):
    rows = [{"id": str(n), "name": "name", "n": n} for n in range(1_000)]
    assert compile_expression(source).evaluate({"input": {"rows": rows}, "vars": {"zone": "z"}}) == expected


def test_data_of_any_size_can_be_looked_into():
    assert (
        evaluate("size(input.text) + size(input.long)", {"text": "x" * 5_000_000, "long": [1] * 300_000}) == 5_300_000
    )
    assert evaluate("input.list.all(x, x == 1)", {"list": [1] * (MAX_STEPS // 4 - 10)}) is True


def test_the_refusal_of_too_much_says_how_much():
    assert refusal("input.list.all(x, input.list.all(y, x + 1 > 0))") == (
        f"needs more than {MAX_STEPS} steps, which is the limit; use a task for this work"
    )
    assert refusal("+".join(["input.text"] * 150)) == (
        f"creates more than {MAX_MADE_BYTES} characters of text, which is the limit"
    )


def test_too_much_is_absorbed_by_nothing():
    endless = "input.list.all(x, input.list.all(y, x + 1 > 0))"
    for source in (f"{endless} || true", f"true || {endless}", f"[1].exists(x, {endless}) || true", f"!{endless}"):
        if not source.startswith("true"):
            assert "needs more than" in refusal(source)
    assert evaluate(f"true || {endless}") is True


def test_each_evaluation_counts_anew():
    expression = compile_expression("input.list.all(x, input.list.filter(y, y == x).size() > 0)")
    for _ in range(3):
        assert expression.evaluate({"input": {"list": [1] * 300}}) is True


def test_patterns_are_few_and_not_within_loops():
    assert evaluate("input.text.matches('^a+$') && input.text.matches('b') == false", {"text": "aa"}) is True
    for source, message in (
        ("input.list.all(x, x.matches('a'))", "matches cannot be used within a loop"),
        ("input.list.all(x, matches (x, 'a'))", "matches cannot be used within a loop"),
        (" || ".join(["input.a.matches('(\\\\w{10}){20}')"] * 6), "uses matches more than 5 times"),
    ):
        with pytest.raises(ExpressionError, match=message):
            compile_expression(source)


@pytest.mark.parametrize("pattern", ["(a*)*b", "(x+x+)+y", "(.*)(.*)(.*)(.*)[^x]", "(a|aa)+$", "([a-zA-Z]+)*$"])
def test_no_pattern_makes_a_text_take_long(pattern):
    with at_most(FEW):
        compile_expression(f"input.text.matches('{pattern}')").evaluate({"input": {"text": "x" * 500_000}})


def test_a_pattern_is_bounded():
    assert refusal("input.text.matches(input.pattern)", {"text": "a", "pattern": "a" * 1_001}) == (
        "the pattern has 1001 characters; the limit is 1000"
    )
    assert "the pattern is not valid for RE2" in refusal(
        "input.text.matches(input.pattern)", {"text": "a", "pattern": "(?=a)"}
    )
    assert "too large" in refusal("input.text.matches(input.pattern)", {"text": "a", "pattern": "(\\pL|x){900}y"})


def test_a_computed_result_is_bounded():
    text = "x" * 600_000
    assert len(evaluate("input.text + ''", {"text": text})) == 600_000
    assert refusal("input.text + input.text", {"text": text}) == (
        f"the result has 1200002 bytes; the limit is {MAX_RESULT_BYTES}"
    )
    assert refusal("'' + input.text", {"text": "\n" * 600_000}).startswith("the result has 1200002 bytes")


def test_all_expressions_of_a_config_share_the_limit():
    long = {"list": list(range(MAX_STEPS // 40))}
    texts = [f"${{input.list.all(x, x >= {n})}}" for n in range(-20, 0)]
    one, faults = compile_template({"a": texts[0]})
    many, _ = compile_template({"a": texts})
    assert not faults
    assert one.fill({"input": long}) == {"a": True}
    with pytest.raises(TooCostlyError, match=f"needs more than {MAX_STEPS} steps"):
        many.fill({"input": long})


def test_texts_of_a_config_share_the_limit_of_created_text():
    template, _ = compile_template({"a": ["x${input.text}"] * 40})
    with pytest.raises(TooCostlyError, match=f"creates more than {MAX_MADE_BYTES} characters"):
        template.fill({"input": {"text": "y" * 1_000_000}})


@pytest.mark.parametrize(
    ("value", "data"),
    [
        ("${input.list.all(x, x > 0) || true}", {"list": [1] * INLINE_STEPS}),
        ("${true || input.list.all(x, x > 0)}${input.list.map(x, x)}", {"list": [1] * INLINE_STEPS}),
        ("${[input.list == input.other, input.list]}", {"list": [1] * INLINE_STEPS, "other": [1] * INLINE_STEPS}),
        ("x${input.text}", {"text": "y" * (INLINE_BYTES + 1)}),
        ("${input.text.contains('z')}", {"text": "y" * (INLINE_STEPS * 65)}),
        ("${'a'.matches(input.text)}", {"text": r"\pL{20}"}),
        ([f"${{input.a{'+1' * 400}}}" for _ in range(20)], {"a": 1}),
        ([["x"] * 100 + ["${input.a}"]] * 60, {"a": 1}),
    ],
)
def test_a_budget_counts_all_that_takes_long(value, data):
    """The same config has a value with the full limits."""
    template, faults = compile_template(value)
    assert not faults
    with pytest.raises(OverBudget):
        template.fill({"input": data}, InlineMeter())
    meter = Meter()
    with suppress(EvaluationError):
        template.fill({"input": data}, meter)
    assert meter.spent > INLINE_STEPS or len(str(data)) > INLINE_BYTES


def test_usual_configs_stay_within_the_budget():
    body = {f"f{n}": f"${{input.rows[{n}].name}}" for n in range(50)}
    config = {"url": "https://a/${url_encode(input.id)}", "body": body}
    template, _ = compile_template(config)
    meter = InlineMeter()
    template.fill({"input": {"id": 7, "rows": [{"name": "a"}] * 50}}, meter)
    assert meter.spent < INLINE_STEPS // 10
