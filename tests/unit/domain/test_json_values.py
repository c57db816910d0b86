"""What can be stored as JSON, and where in a value that is not so."""

from math import inf, nan

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.json_values import storage_problems
from app.domain.paths import below, from_top

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])), inner, max_size=4),
)  # fmt: skip


def found(value: object, path: str = "v", **limits: float) -> list[tuple[str, str]]:
    return [(problem.path, problem.message) for problem in storage_problems(value, path, **limits)]


@given(JSON)
def test_nothing_is_wrong_with_what_strict_json_holds(value: object) -> None:
    assert found(value) == []
    assert found(orjson.loads(orjson.dumps(value))) == []


def test_all_that_is_wrong_is_named_in_the_order_in_which_it_is_written() -> None:
    value = {
        "a": [1, nan, {"b": "x\x00"}],
        "c\x00": {"d": "\ud800"},
        "e": (2**64, -(2**63) - 1),
        "f": {1: 2},
        "g": {1, 2},
        "h": -inf,
    }
    assert found(value) == [
        ("v", "has a key that contains the NUL character"),
        ("v.a[1]", "must be a finite number"),
        ("v.a[2].b", "must not contain the NUL character"),
        ("v.c�.d", "must not contain lone surrogates"),
        ("v.e[0]", "must be an integer of at most 64 bits"),
        ("v.e[1]", "must be an integer of at most 64 bits"),
        ("v.f", "must have strings as keys"),
        ("v.g", "is a set, not a JSON value"),
        ("v.h", "must be a finite number"),
    ]


@pytest.mark.parametrize("value", [nan, "\x00", {1: 1}, object()])
def test_the_value_itself_may_be_wrong(value: object) -> None:
    [(path, _)] = found(value)
    assert path == "v"


def test_nesting_is_bounded() -> None:
    value: list[object] = []
    for _ in range(3):
        value = [value]
    assert found(value, max_depth=4) == []
    assert found(value, max_depth=3) == [("v[0][0][0]", "must not be nested deeper than 3 levels")]


def test_a_value_that_contains_itself_has_an_end() -> None:
    value: dict[str, object] = {}
    value["a"] = [value]
    [(path, _)] = found(value, max_depth=5)
    assert path == "v.a[0].a[0].a"


def test_a_long_name_is_shown_in_part() -> None:
    [(path, _)] = found({"n" * 500: nan})
    assert len(path) < 120


@pytest.mark.parametrize(
    ("steps", "path"),
    [((), ""), (("a",), "a"), ((0,), "[0]"), (("tasks", 2, "config", "url"), "tasks[2].config.url")],
)
def test_paths_are_written_as_people_write_them(steps: tuple[str | int, ...], path: str) -> None:
    assert from_top(*steps) == path
    assert below("whole", *steps) == ("whole" + (path if path.startswith("[") else f".{path}") if steps else "whole")
