"""JSON values at the door."""

import json
from collections import OrderedDict, namedtuple
from dataclasses import dataclass
from datetime import UTC, datetime
from math import inf, nan

import pytest

from app.domain.errors import Invalid, TooLarge
from app.domain.json_values import MAX_DEPTH, encode

LIMIT = 10_000


@dataclass
class Thing:
    n: int = 1


def nested(depth: int) -> list:
    value: list = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [
        True,
        0,
        -1.5,
        1e308,
        2**63 - 1,
        2**64 - 1,
        -(2**63),
        "",
        "ü \u2028 \U0001f600",
        "\\u0000",
        r"C:\u0000\x",
        ["null", None, {"null": None}],
        {"NaN": "NaN", "Infinity": None},
        {"a": [{"b": (1, 2)}]},
        nested(MAX_DEPTH - 1),
    ],
)
def test_json_values_survive(value) -> None:
    text = encode(value, "output", LIMIT)
    assert text is not None
    assert json.loads(text) == json.loads(json.dumps(value))


def test_null_is_stored_as_nothing() -> None:
    assert encode(None, "output", LIMIT) is None


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (nan, "output"),
        (-inf, "output"),
        ([1, [nan]], "output[1][0]"),
        ({"a": {"b": [None, inf]}}, "output.a.b[1]"),
        ({"a": ({"b": nan},)}, "output.a[0].b"),
        ("a\x00", "output"),
        (["\\u0000", "\x00"], "output[1]"),
        ({"a": [{"b": "\x00"}]}, "output.a[0].b"),
        ({"a": {"k\x00": 1}}, "output.a"),
        ({"a": [2**64]}, "output.a[0]"),
        ({"a": datetime(2026, 1, 1, tzinfo=UTC), "b": -(2**63) - 1}, "output.b"),
        ({"a": "\ud800"}, "output.a"),
        ({"a": {1: 2}}, "output.a"),
        ({"a": [{"b"}]}, "output.a[0]"),
        (nested(MAX_DEPTH), "output" + "[0]" * MAX_DEPTH),
        (nested(2_000), "output" + "[0]" * MAX_DEPTH),
        ([[]] * 100 + [nested(MAX_DEPTH)], "output[100]" + "[0]" * (MAX_DEPTH - 1)),
    ],
)
def test_what_cannot_be_held_is_refused_with_its_place(value, path) -> None:
    with pytest.raises(Invalid) as caught:
        encode(value, "output", LIMIT)
    (problem,) = caught.value.problems
    assert problem.path == path


@pytest.mark.parametrize(
    "value",
    [
        2**64,
        -(2**63) - 1,
        "\ud800",
        {"\udfff": 1},
        {1: "a"},
        {"a"},
        b"bytes",
        object(),
        Thing(),
        namedtuple("Point", "x y")(1, 2),
        complex(1, 2),
        OrderedDict(a=1),
    ],
)
def test_what_is_no_json_value_is_refused(value) -> None:
    with pytest.raises(Invalid) as caught:
        encode(value, "output", LIMIT)
    assert caught.value.problems[0].path == "output"
    assert "serializable" not in caught.value.message


def test_the_words_for_an_integer_are_the_same_everywhere() -> None:
    with pytest.raises(Invalid, match=r"output\.n: must be an integer of at most 64 bits"):
        encode({"n": 2**64}, "output", LIMIT)


def test_a_value_that_contains_itself_is_refused() -> None:
    value: list = []
    value.append(value)
    with pytest.raises(Invalid):
        encode(value, "output", LIMIT)


def test_the_limit_counts_bytes() -> None:
    assert encode("ü" * 4, "output", 10) == '"üüüü"'
    with pytest.raises(TooLarge) as caught:
        encode("ü" * 5, "output", 10)
    assert (caught.value.field, caught.value.limit, caught.value.actual) == ("output", 10, 12)
