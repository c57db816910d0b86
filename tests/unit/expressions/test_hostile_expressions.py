"""Whatever is written as an expression: compiling it ends soon, and raises nothing but its own error."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.expressions.errors import EvaluationError, ExpressionError
from app.expressions.expression import MAX_SOURCE, compile_expression
from app.expressions.template import compile_condition, compile_template, count_expressions, templated_paths
from tests.support.cost import at_most

FEW = 300
"""Units of CPU time: a hundred times what an ordinary one takes, and nothing beside what it could take."""
FULL = MAX_SOURCE
LONG = 100_000
SOURCES = {
    "parentheses": "(" * FULL,
    "closed parentheses": "(" * 900 + "1" + ")" * 900,
    "lists": "[" * FULL,
    "maps": "{1:" * 600,
    "not": "!" * (FULL - 4) + "true",
    "minus": "-" * (FULL - 1) + "1",
    "choices": "true?1:" * 280 + "1",
    "sums": "+".join(["1"] * 1_000),
    "members": "input" + ".a" * 990,
    "indices": "input" + "[0]" * 660,
    "calls": "size(" * 400,
    "loops": "[1].map(x," * 200,
    "chained loops": "[1]" + ".map(x,x)" * 200,
    "open loops": "input.map(" * 200,
    "quotes": "'" * FULL,
    "triple quotes": "'''" * 600,
    "escaped quotes": "'" + "\\'" * 990,
    "backslashes": "\\" * FULL,
    "raw strings": "r'" * 990,
    "comments": "//" * 990,
    "blanks": " " * FULL,
    "newlines": "\n" * FULL,
    "digits": "9" * FULL,
    "dots": "." * FULL,
    "commas": "," * FULL,
    "colons": "a?b:" * 490,
    "names": "a " * 990,
    "wide": "ü" * FULL,
    "emoji": "😀" * 990,
    "nul": "'\x00'",
    "surrogate": "'\ud800'",
    "direction": "\u202einput.a",
    "regular expression": "'a'.matches('" + "(a*)*" * 300 + "b')",
}


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES.keys())
def test_a_hostile_expression_is_compiled_or_refused_soon(source):
    with at_most(FEW), suppress(ExpressionError):
        compile_expression(source)


@pytest.mark.parametrize(
    "text",
    [
        "${" * LONG,
        "$${" * LONG,
        "${1}" * 1_000 + "x" * LONG,
        "${'" + "\\'" * LONG,
        "${" + "{" * LONG,
        "${" + "'''" * LONG,
        "${ // " + "}" * LONG,
        "x" * LONG + "${",
        "${" + " " * LONG + "input.a}",
        "${'" + "ü\x00😀" * LONG + "'}",
        "$" * LONG + "{",
    ],
    ids=lambda text: repr(text[:12]),
)
def test_a_hostile_text_of_a_hundred_thousand_characters_is_read_soon(text):
    with at_most(FEW):
        compile_template(text)
        count_expressions(text)
        templated_paths({"x": text})


def test_too_long_an_expression_is_refused_unread():
    with pytest.raises(ExpressionError, match="has 2001 characters; the limit is 2000"):
        compile_expression("1" * (MAX_SOURCE + 1))


WORDS = "input tasks vars secrets item x .a ['a'] [0] in true null 1 1.5 .map(x, .filter(x, .all(x, size( has( matches("
SIGNS = ". [ ] ( ) { } ' \" ''' r' b\" \\ // ${ $${ $ , : ? + - * / % ! && || == <"
PIECES = st.sampled_from([*WORDS.split(), *SIGNS.split(), " ", "\n", "ü", "\x00", "\ud800", "😀"])


@pytest.mark.slow
@settings(deadline=None, max_examples=400)
@given(st.lists(PIECES, max_size=40).map("".join) | st.text(max_size=200))
def test_nothing_but_its_own_errors(text):
    with at_most(FEW):
        template, _ = compile_template({"a": [text, "${" + text + "}"]})
        with suppress(ExpressionError):
            compile_condition(text)
        for expression in template.expressions:
            with suppress(EvaluationError):
                expression.evaluate(
                    {
                        "input": {"a": [1, "x"]},
                        "tasks": {name: {} for name in expression.names.tasks},
                        "vars": dict.fromkeys(expression.names.variables, 1),
                        "secrets": dict.fromkeys(expression.names.secrets, "s"),
                    }
                )


class Watched(dict):
    """Notes which of its keys are looked up."""

    def __init__(self, values):
        super().__init__(values)
        self.seen = set()

    def __getitem__(self, key):
        self.seen.add(key)
        return super().__getitem__(key)


@settings(deadline=None, max_examples=300)
@given(st.lists(PIECES, max_size=30).map("".join))
def test_what_runs_uses_only_what_was_named(text):
    with suppress(ExpressionError, EvaluationError):
        expression = compile_expression(text)
        roots = Watched({"input": {"a": [1, "x"]}, "tasks": {}, "vars": {}, "secrets": {}})
        try:
            expression.evaluate(roots)
        finally:
            assert roots.seen <= expression.names.roots
