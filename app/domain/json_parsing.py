"""The parser of all JSON that comes in from outside: the same rules at every door.

The library that is fast, orjson, is less strict than these rules: it makes a float of an integer of more than 64 bits,
it takes the last of several fields of one name, and it has another limit of nesting. So a text is parsed by orjson, and
cheap searches tell whether it may break a rule. Only then it is parsed again, by Python's own parser, which keeps every
digit and every field. The figures are in docs/decisions/0030-one-json-parser.md.
"""

import json
from typing import Any

import orjson

from app.domain.errors import Invalid
from app.domain.json_mistakes import NotJson, mistake, not_utf8
from app.domain.json_values import GREATEST, MAX_DEPTH, SMALLEST, RepeatedName, is_deeper, storage_problems, too_deep

_DIGITS_AS_ZEROS = bytes.maketrans(b"123456789", b"000000000")
_TOO_GREAT = b"0" * 20
_TOO_SMALL = b"-" + b"0" * 19
_MOST_DIGITS = len(str(GREATEST))


def parse_json(text: bytes | str, path: str, max_depth: int = MAX_DEPTH) -> Any:
    """The value of a JSON text.

    text: UTF-8, or a string.
    path: the path of the value, with which the paths of problems begin.
    max_depth: how many lists and objects may be nested.

    Raise `NotJson` for a text that is not JSON by RFC 8259. Raise `Invalid` for the first value that breaks a rule: an
    integer below -2^63 or above 2^64 - 1, a number that is not finite, a name that is twice in one object, a NUL
    character, a lone surrogate, too deep nesting.
    """
    return parse_with_text(text, path, max_depth)[0]


def parse_with_text(text: bytes | str, path: str, max_depth: int = MAX_DEPTH) -> tuple[Any, bytes]:
    """As `parse_json`; returns the value and its compact text, which the parser needs anyway."""
    raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    try:
        value = orjson.loads(raw)
        compact = orjson.dumps(value)
    except orjson.JSONDecodeError as error:
        raise _refusal(raw, path, max_depth, error.lineno, error.colno) from None
    except orjson.JSONEncodeError:
        raise _refusal(raw, path, max_depth) from None
    if _may_break_a_rule(raw, compact):
        _check_exactly(raw, path, max_depth)
    if is_deeper(value, compact, max_depth):
        raise _refusal(raw, path, max_depth)
    return value, compact


def _may_break_a_rule(raw: bytes, compact: bytes) -> bool:
    """True for a text with a long run of digits, an escaped NUL, or a name that may be repeated.

    `compact` is written from the parsed value. If a field was dropped because its name is repeated, it has at least one
    colon less than `raw`. Nothing else changes their number, except an escaped colon.
    """
    digits = raw.translate(_DIGITS_AS_ZEROS)
    if _TOO_GREAT in digits or _TOO_SMALL in digits or raw.count(b":") != compact.count(b":"):
        return True
    return b"\\u" in raw and (b"\\u0000" in raw or b"\\u003a" in raw or b"\\u003A" in raw)


def _check_exactly(raw: bytes, path: str, max_depth: int) -> None:
    """Raise `Invalid` if a text that orjson accepts breaks a rule."""
    exact = _Exact()
    value = exact.parse(raw.decode())
    if exact.has_found or b"\\u0000" in raw:
        _refuse_unstorable(value, path, max_depth)


def _refusal(raw: bytes, path: str, max_depth: int, line: int = 1, column: int = 1) -> Invalid:
    """What is wrong with a text that is refused. `line` and `column` are used if that cannot be found out."""
    try:
        _refuse_unstorable(_Exact().parse(raw.decode()), path, max_depth)
    except Invalid as invalid:
        return invalid
    except UnicodeDecodeError as error:
        return not_utf8(error, path)
    except json.JSONDecodeError as error:
        return mistake(error, path)
    except RecursionError:
        return Invalid.at(path, too_deep(max_depth))
    return NotJson(path, line, column, "this cannot be read")


def _refuse_unstorable(value: Any, path: str, max_depth: int) -> None:
    for problem in storage_problems(value, path, max_depth):
        raise Invalid([problem])


class _Exact:
    """Python's parser, with its integers and objects as they are written.

    has_found: whether an integer or a name breaks a rule.
    """

    def __init__(self) -> None:
        self.has_found = False

    def parse(self, text: str) -> Any:
        return json.loads(text, parse_int=self._integer, object_pairs_hook=self._object)

    def _integer(self, digits: str) -> int:
        # Python refuses to parse very long integers, in its own words.
        value = int(digits) if len(digits) <= _MOST_DIGITS else GREATEST + 1
        if not SMALLEST <= value <= GREATEST:
            self.has_found = True
        return value

    def _object(self, fields: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(fields)
        if len(value) == len(fields):
            return value
        self.has_found = True
        return RepeatedName(fields)
