import json

import orjson
import pytest

from app.api.rest.body import parse_body
from app.api.rest.error_responses import Refused
from app.domain.errors import Invalid
from app.domain.json_values import MAX_DEPTH


def nested(levels: int) -> bytes:
    return b"[" * levels + b"]" * levels


@pytest.mark.parametrize(
    "value",
    [{}, [], None, 1.5, "\u2028 ü \\u0000", {"a": [{"b": "text"}] * 100}, {"a": 2**64 - 1}, [[]] * 1000],
)
def test_json_is_read(value):
    assert parse_body(json.dumps(value).encode()) == value
    assert parse_body(orjson.dumps(value)) == value


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b" ",
        b"{",
        b"{'a':1}",
        b'{"a":1,}',
        b"nul",
        b'"\xff"',
        b'\xef\xbb\xbf{"a":1}',
        b'"a\nb"',
        b'{"a":1} x',
        b"+1",
    ],
)
def test_what_is_no_json_is_refused(content):
    with pytest.raises(Refused, match="the body is not JSON") as caught:
        parse_body(content)
    assert (caught.value.status, caught.value.code) == (400, "malformed_json")


@pytest.mark.parametrize(
    ("content", "path", "message"),
    [
        (rb'"\u0000"', "body", "must not contain the NUL character"),
        (rb'{"a": [1, {"b": "x\u0000y"}]}', "a[1].b", "must not contain the NUL character"),
        (rb'{"a": {"k\u0000": 1}}', "a", "has a key that contains the NUL character"),
        (rb'{"a": NaN}', "a", "must be a finite number"),
        (rb'{"a": [-Infinity]}', "a[0]", "must be a finite number"),
        (rb'{"a": 1e999}', "a", "must be a finite number"),
        (b'{"a": 1' + b"0" * 400 + b"}", "a", "must be an integer of at most 64 bits"),
        (b'{"a": 1' + b"0" * 5000 + b"}", "a", "must be an integer of at most 64 bits"),
        (b'{"a": 18446744073709551616}', "a", "must be an integer of at most 64 bits"),
        (b'{"a": {"b": 1, "b": 2}}', "a", "has the key 'b' twice"),
        (b'{"a": 1, "a": 1}', "body", "has the key 'a' twice"),
        (rb'{"a": "\ud800"}', "a", "must not contain lone surrogates"),
        (rb'{"\udfff": 1}', "body", "has a key that contains lone surrogates"),
        (nested(MAX_DEPTH + 1), "[0]" * MAX_DEPTH, f"must not be nested deeper than {MAX_DEPTH} levels"),
        (nested(100_000), "body", f"must not be nested deeper than {MAX_DEPTH} levels"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "body", f"must not be nested deeper than {MAX_DEPTH} levels"),
    ],
)
def test_values_that_cannot_be_stored_are_named(content, path, message):
    with pytest.raises(Invalid) as caught:
        parse_body(content)
    assert [(problem.path, problem.message) for problem in caught.value.problems] == [(path, message)]


def test_the_deepest_allowed_nesting_is_allowed():
    parse_body(nested(MAX_DEPTH))
