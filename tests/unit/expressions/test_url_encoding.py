"""`url_encode`: any value becomes one segment of a path, or the expression has no value."""

import logging
from urllib.parse import unquote

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.expressions.errors import EvaluationError, ExpressionError
from app.expressions.expression import compile_expression
from app.expressions.template import compile_template
from app.expressions.url_encoding import MAX_ENCODED, url_encode


def evaluated(source: str, value: object = None) -> object:
    return compile_expression(source).evaluate({"input": value})


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        ("abc-XYZ_0.9~", "abc-XYZ_0.9~"),
        ("a/b", "a%2Fb"),
        ("../admin?x=1#y", "..%2Fadmin%3Fx%3D1%23y"),
        ("a b+c&d=e", "a%20b%2Bc%26d%3De"),
        ("100%", "100%25"),
        ("%2F", "%252F"),
        ("Müller 日本 😀", "M%C3%BCller%20%E6%97%A5%E6%9C%AC%20%F0%9F%98%80"),
        ("...", "..."),
        ("a\r\nb", "a%0D%0Ab"),
        (7, "7"),
        (-7, "-7"),
        (2**63 - 1, "9223372036854775807"),
        (1.5, "1.5"),
        (True, "true"),
    ],
)
def test_a_value_becomes_one_segment(value, encoded):
    assert evaluated("url_encode(input)", value) == encoded
    assert evaluated("'/' + url_encode(input) + '/'", value) == f"/{encoded}/"


@given(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=50).filter(lambda t: t not in (".", ".."))
)
def test_whatever_the_text_a_url_keeps_its_shape(text):
    path = httpx.URL(f"http://x/orders/{url_encode(text)}/pay?a=1").raw_path
    before, segment, after = path.split(b"?")[0].split(b"/")[1:]
    assert (before, unquote(segment.decode()), after, path.split(b"?")[1:]) == (b"orders", text, b"pay", [b"a=1"])


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("", "url_encode: the value is empty, '.' or '..', which would lead to another path"),
        (".", "url_encode: the value is empty, '.' or '..', which would lead to another path"),
        ("..", "url_encode: the value is empty, '.' or '..', which would lead to another path"),
        (None, "url_encode: takes a string, number or boolean"),
        ([], "url_encode: takes a string, number or boolean"),
        ({"a": 1}, "url_encode: takes a string, number or boolean"),
        ("/" * 3_000, "url_encode: the value has more than 8000 characters when it is encoded"),
        ("x" * 1_000_000, "url_encode: the value has more than 8000 characters when it is encoded"),
    ],
)
def test_what_is_no_segment_is_refused(value, reason):
    with pytest.raises(EvaluationError) as caught:
        evaluated("url_encode(input)", value)
    assert caught.value.reason == reason


@pytest.mark.parametrize("source", ["url_encode()", "url_encode('a', 'b')"])
def test_it_takes_one_value(source):
    with pytest.raises(ExpressionError, match=r"url_encode is written url_encode\(value\)"):
        compile_expression(source)


def test_the_longest_value_is_taken():
    assert evaluated("url_encode(input)", "x" * MAX_ENCODED) == "x" * MAX_ENCODED


def test_it_works_in_loops_conditions_and_templates():
    assert evaluated("input.map(x, url_encode(x))", ["a/b", 2]) == ["a%2Fb", "2"]
    assert evaluated("has(input.x) ? url_encode(input.x) : 'none'", {}) == "none"
    assert evaluated("url_encode(input.a + '/' + input.b)", {"a": "x", "b": "y"}) == "x%2Fy"
    template, faults = compile_template("http://x/${url_encode(input.id)}?q=1")
    assert (template.fill({"input": {"id": "a?b"}}), faults) == ("http://x/a%3Fb?q=1", [])


@pytest.mark.parametrize(
    "source", ["urlencode(input)", "url_encode", "input.map(url_encode, 1) + url_encode", "quote(input)"]
)
def test_only_that_name_is_known_and_only_as_a_function(source):
    with pytest.raises(ExpressionError, match="there is no"):
        compile_expression(source)


def test_data_cannot_replace_the_function():
    assert compile_expression("url_encode(input)").evaluate({"input": "/", "url_encode": lambda _: "mine"}) == "%2F"


def test_a_failure_holds_no_value_in_the_log(caplog):
    with caplog.at_level(logging.DEBUG), pytest.raises(EvaluationError):
        evaluated("url_encode([input])", "hunter2")
    assert "hunter2" not in caplog.text
