"""The one parser: what it refuses and why, and that it changes nothing that it accepts."""

import json
from math import isfinite
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from app.domain import json_values
from app.domain.errors import Invalid
from app.domain.json_mistakes import NotJson
from app.domain.json_parsing import parse_json, parse_with_text
from app.domain.json_values import MAX_DEPTH, RepeatedName, is_deeper
from tests.support.refused_json import ACCEPTED, REFUSED, nested


def refusal(text: bytes | str, path: str = "v", **limits: int) -> tuple[str, str]:
    with pytest.raises(Invalid) as caught:
        parse_json(text, path, **limits)
    (problem,) = caught.value.problems
    return problem.path, problem.message


@pytest.mark.parametrize(("text", "path", "message"), REFUSED.values(), ids=REFUSED)
def test_a_text_that_breaks_a_rule_is_refused_with_the_path(text: bytes, path: str, message: str) -> None:
    assert refusal(text) == (f"v{path}", message)
    assert refusal(b'[{"x": 1}, {"y": ' + text + b"}]") == (f"v[1].y{path}", message)


@pytest.mark.parametrize(("text", "value"), ACCEPTED.values(), ids=ACCEPTED)
def test_a_text_that_only_looks_so_is_accepted(text: bytes, value: object) -> None:
    found = parse_json(b" \n" + text + b" ", "v")
    assert found == value
    assert type(found) is type(value)
    assert parse_json(text.decode(), "v") == value


@pytest.mark.parametrize(
    ("text", "line", "column", "reason"),
    [
        (b"", 1, 1, "a value is missing here"),
        (b'{"a": 1,\n "b": }', 2, 7, "a value is missing here"),
        ('[\n"é", x]'.encode(), 2, 6, "a value is missing here"),
        (b"{'a': 1}", 1, 2, "a name in double quotes is missing here"),
        (b'{"a": 1} x', 1, 10, "the document has ended before this"),
        (b"[1 2]", 1, 4, "`,` or a closing bracket is missing here"),
        (b"01", 1, 2, "the document has ended before this"),
        (b"\xef\xbb\xbf{}", 1, 1, "the byte order mark must be left out"),
        ('[\n"é'.encode() + b'\xff"]', 2, 3, "the byte 0xFF is not UTF-8"),
        (b'"\xed\xa0\x80"', 1, 2, "the byte 0xED is not UTF-8"),
        ("[1]".encode("utf-16-le"), 1, 2, "a value is missing here"),
    ],
)
def test_what_is_no_json_is_refused_with_line_and_column(text: bytes, line: int, column: int, reason: str) -> None:
    with pytest.raises(NotJson) as caught:
        parse_json(text, "v")
    error = caught.value
    assert (error.line, error.column, error.reason) == (line, column, reason)
    assert error.message == f"v: is not JSON at line {line}, column {column}: {reason}"


def test_nesting_is_bounded() -> None:
    parse_json(nested(MAX_DEPTH), "v")
    parse_json(b"[" + b"[]," * 1_000 + nested(MAX_DEPTH - 1) + b"]", "v")
    parse_json(b'["' + nested(1_000) + b'"]', "v")
    message = f"must not be nested deeper than {MAX_DEPTH} levels"
    for levels in (MAX_DEPTH + 1, 254, 255, 600):
        assert refusal(nested(levels)) == ("v" + "[0]" * MAX_DEPTH, message)
        objects = b'{"a":' * levels + b"1" + b"}" * levels
        assert refusal(objects) == ("v" + ".a" * MAX_DEPTH, message)
    # Python's own parser gives up before the end, so the path is not known.
    assert refusal(nested(100_000)) == ("v", message)
    assert refusal(b"[" * 100_000) == ("v", message)
    assert refusal(nested(3), max_depth=2) == ("v[0][0]", "must not be nested deeper than 2 levels")


@pytest.mark.parametrize("depth", [1, MAX_DEPTH - 1, MAX_DEPTH, MAX_DEPTH + 1])
def test_the_depth_at_which_the_encoder_gives_up_is_the_one_that_is_counted_with(depth: int) -> None:
    """A new version of the library may have another limit; the depth would be wrong without notice."""
    wide = [*([] for _ in range(2 * MAX_DEPTH)), json.loads(nested(depth - 1) if depth > 1 else "1")]
    assert is_deeper(wide, orjson.dumps(wide), MAX_DEPTH) == (depth > MAX_DEPTH)
    deepest = json.loads(nested(json_values._ENCODER_DEPTH))
    assert orjson.dumps(deepest)
    with pytest.raises(orjson.JSONEncodeError):
        orjson.dumps([deepest])


class Name(str):
    """A name that counts how often one is compared with another."""

    __hash__ = str.__hash__
    comparisons = 0

    def __eq__(self, other: object) -> bool:
        Name.comparisons += 1
        return str.__eq__(self, other)


def test_a_repeated_name_is_found_in_linear_time() -> None:
    """Each name was compared with all before it: a body of 800 KB kept a process busy for 47 s."""
    count = 2_000
    fields = [*((Name(number), number) for number in range(count)), (Name(count - 1), 0)]
    assert RepeatedName(fields).name == str(count - 1)
    assert Name.comparisons < 10 * count


class Fields(list[tuple[str, Any]]):
    """An object as it is written, whose names may be repeated."""


NAMES = some.text('ab:\\"1é[{', max_size=3)
JSON = some.recursive(
    some.none()
    | some.booleans()
    | some.integers(-(2**70), 2**70)
    | some.sampled_from([2**63, 2**64 - 1, 2**64, -(2**63), -(2**63) - 1, 10**19, 10**20])
    | some.floats()
    | some.text(some.characters(), max_size=5)
    | some.text("0123456789-.e", min_size=15, max_size=30),
    lambda inner: (
        some.lists(inner, max_size=4)
        | some.lists(some.tuples(NAMES, inner), max_size=4).map(Fields)
        | some.dictionaries(NAMES, inner, max_size=4).map(lambda fields: Fields(fields.items()))
    ),
    max_leaves=12,
)


def written(value: Any, *, escaped: bool, gap: str) -> str:
    """The value as JSON text. Colons are escaped if `escaped`; `gap` is put where spaces may be."""
    if isinstance(value, str):
        text = json.dumps(value, ensure_ascii=escaped)
        return text.replace(":", "\\u003a") if escaped else text
    if isinstance(value, Fields):
        fields = (
            f"{written(name, escaped=escaped, gap=gap)}{gap}:{written(item, escaped=escaped, gap=gap)}"
            for name, item in value
        )
        return f"{{{gap}{f',{gap}'.join(fields)}}}"
    if isinstance(value, list):
        return f"[{f'{gap},'.join(written(item, escaped=escaped, gap=gap) for item in value)}{gap}]"
    return json.dumps(value)


def follows_the_rules(value: Any) -> bool:
    if isinstance(value, str):
        return "\x00" not in value and not any("\ud800" <= char <= "\udfff" for char in value)
    if isinstance(value, Fields):
        names = [name for name, _ in value]
        return len(set(names)) == len(names) and all(follows_the_rules(item) for _, item in value)
    if isinstance(value, list):
        return all(map(follows_the_rules, value))
    if type(value) is int:
        return -(2**63) <= value < 2**64
    return not isinstance(value, float) or isfinite(value)


@settings(max_examples=400, deadline=None)
@given(JSON, some.booleans(), some.sampled_from(["", " ", "\n "]))
def test_a_text_is_read_as_the_library_reads_it_or_breaks_a_rule(document: Any, escaped: bool, gap: str) -> None:
    text = written(document, escaped=escaped, gap=gap).encode("utf-8", "surrogatepass")
    if follows_the_rules(document):
        value, compact = parse_with_text(text, "v")
        assert repr(value) == repr(orjson.loads(text))
        assert compact == orjson.dumps(value)
    else:
        with pytest.raises(Invalid):
            parse_json(text, "v")
