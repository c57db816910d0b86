"""docs/expressions.md lists every function, loop and operator, and nothing else."""

import re
from pathlib import Path

from app.expressions.arithmetic import OPERATORS
from app.expressions.expression import compile_expression
from app.expressions.functions import FUNCTIONS
from app.expressions.macros import LOOPS

PAGE = (Path(__file__).parents[3] / "docs" / "expressions.md").read_text()
SUPPORTED = PAGE.split("## What is not supported")[0]


def test_every_function_and_loop_is_listed():
    called = set(re.findall(r"`(?:\w\.)?(\w+)\(", SUPPORTED))
    named = set(re.findall(r"`(get\w+)`", SUPPORTED))
    assert called | named >= {*FUNCTIONS, *LOOPS, "has"}
    assert called - {"f"} <= {*FUNCTIONS, *LOOPS, "has"}


def test_every_operator_is_listed():
    assert {sign for sign in OPERATORS if f"`{sign}`" not in SUPPORTED} == set()


def test_the_examples_of_types_are_right():
    for example in ("type(x) == int", "1 == 1.0", "1 == '1'"):
        assert f"`{example}`" in PAGE
    assert compile_expression("type(7) == int && 1 == 1.0 && !(1 == '1')").evaluate({}) is True
