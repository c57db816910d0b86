"""JSON that callers send along: what is taken, what is refused, and what is kept of it."""

from math import nan
from typing import Any

import pytest

from app.domain import payloads as domain_payloads
from app.domain.errors import Invalid, TooLarge
from app.domain.payloads import Payload, Payloads

LIMIT = 10_000


@pytest.fixture
def payloads() -> Payloads:
    return Payloads(LIMIT)


def test_text_is_kept_compact_and_parsed(payloads: Payloads) -> None:
    payload = payloads.object_from_text(' { "a" : [1, "\\u00fc", 1e2] }\n', "input")
    assert (payload.text, payload.value) == ('{"a":[1,"ü",100.0]}', {"a": [1, "ü", 100.0]})


def test_a_value_is_encoded_and_kept(payloads: Payloads) -> None:
    value = {"a": [1, None]}
    payload = payloads.from_value(value, "input")
    assert payload.text == '{"a":[1,null]}'
    assert payload.value is value


@pytest.mark.parametrize(("text", "value"), [("null", None), ("[1]", [1]), ('"x"', "x"), ("0", 0)])
def test_a_payload_that_need_not_be_an_object_is_any_value(payloads: Payloads, text: str, value: Any) -> None:
    assert payloads.from_text(text, "payload").value == value
    assert payloads.from_value(value, "payload").text == text


@pytest.mark.parametrize(
    "text", ["", "{", "[1]", "1", "null", '{"a": NaN}', '{"a": 1,}', '{"a": "\\ud800"}', '{"a":1e999}']
)
def test_text_that_is_no_json_object_is_refused(payloads: Payloads, text: str) -> None:
    with pytest.raises(Invalid) as caught:
        payloads.object_from_text(text, "input")
    assert caught.value.problems[0].path in ("input", "input.a")


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('{"a":{"b":["\\u0000"]}}', "input.a.b[0]"),
        ('{"a":' + "[" * 300 + "]" * 300 + "}", "input.a" + "[0]" * 63),
        ("\ud800", "input"),
    ],
)
def test_text_that_cannot_be_stored_is_refused_with_its_place(payloads: Payloads, text: str, path: str) -> None:
    with pytest.raises(Invalid) as caught:
        payloads.from_text(text, "input")
    assert [problem.path for problem in caught.value.problems] == [path]


def test_a_value_that_cannot_be_stored_is_refused_with_its_place(payloads: Payloads) -> None:
    with pytest.raises(Invalid) as caught:
        payloads.from_value({"a": [nan]}, "input")
    assert [problem.path for problem in caught.value.problems] == ["input.a[0]"]


def test_text_over_the_limit_is_not_even_parsed() -> None:
    for text, size in (("[" * 11, 11), ('{"a":"üüü"}', 14)):
        with pytest.raises(TooLarge) as caught:
            Payloads(10).from_text(text, "input")
        assert (caught.value.field, caught.value.limit, caught.value.actual) == ("input", 10, size)


def test_a_value_that_is_longer_than_its_text_is_held_to_the_limit_too() -> None:
    """`1e15` is stored as `1000000000000000.0`."""
    with pytest.raises(TooLarge) as caught:
        Payloads(10).from_text("[1e15]", "input")
    assert caught.value.actual == 20


def test_a_stored_payload_is_parsed_when_it_is_needed_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed, loads = [], domain_payloads.orjson.loads

    class Counting:
        @staticmethod
        def loads(text: str) -> Any:
            parsed.append(text)
            return loads(text)

    monkeypatch.setattr(domain_payloads, "orjson", Counting)
    payload = Payload('{"a":[]}')
    assert parsed == []
    assert payload.value is payload.value
    assert parsed == ['{"a":[]}']


def test_payloads_of_the_same_text_are_equal() -> None:
    assert Payload("1", 1) == Payload("1")
    assert len({Payload("1", 1), Payload("1"), Payload("2")}) == 2
    assert Payload("1") != "1"
