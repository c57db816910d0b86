"""What an expression comes to, as a JSON value."""

import math
from collections.abc import Collection, Mapping
from typing import Any

import orjson

from app.expressions.errors import NoValue
from app.expressions.limits import MAX_RESULT_BYTES
from app.expressions.values import UInt, kind

_PLAIN = frozenset({bool, int, type(None)})
_SHORT = MAX_RESULT_BYTES // 8
"""A text of so many characters fits in any case: JSON writes one with six bytes at most."""


def json_result(value: Any) -> Any:
    """A copy of the value as the history could hold it: CEL also knows bytes, times, types and numbers that are none.

    Raise `NoValue` for what JSON cannot hold, and for too large a result.
    """
    if type(value) in _PLAIN or (type(value) is str and len(value) < _SHORT):
        return value
    _check_size(value)
    try:
        text = orjson.dumps(value)
    except (TypeError, orjson.JSONEncodeError) as error:
        raise NoValue(f"the result cannot be written as JSON: {error}") from None
    if len(text) > MAX_RESULT_BYTES:
        raise _too_large(len(text))
    return orjson.loads(text)


def _too_large(size: int) -> NoValue:
    return NoValue(f"the result has {size} bytes; the limit is {MAX_RESULT_BYTES}")


def _check_size(value: Any) -> None:
    """Refuse what will be too large before it is written.

    Each list and map is counted once and added wherever it stands: loops make values that hold the same one thousands
    of times over, which are small until they are written.
    """
    sizes, waiting, counted = dict[int, int](), [value], 0
    while waiting:
        item = waiting[-1]
        parts = _parts(item)
        missing = [part for part in parts if isinstance(part, list | Mapping) and id(part) not in sizes]
        if missing and id(item) not in sizes:
            waiting += missing
            continue
        waiting.pop()
        if id(item) not in sizes:
            sizes[id(item)] = size = _size(item, parts, sizes)
            counted += 1 + len(parts)
            if max(counted, size) > MAX_RESULT_BYTES:
                raise _too_large(max(counted, size))


def _parts(item: Any) -> Collection[Any]:
    if isinstance(item, Mapping):
        return item.values()
    return item if isinstance(item, list) else ()


def _size(item: Any, parts: Collection[Any], sizes: Mapping[int, int]) -> int:
    """How many bytes it has at least; what is within has been counted."""
    if not isinstance(item, list | Mapping):
        return _scalar_size(item)
    keys = sum(map(_key_size, item)) if isinstance(item, Mapping) else 0
    return 1 + keys + sum(1 + (sizes.get(id(part)) or _scalar_size(part)) for part in parts)


def _key_size(key: Any) -> int:
    if isinstance(key, str):
        return len(key) + 3
    raise NoValue("the result holds a map with a key that is no text, which JSON cannot; string(…) makes text of it")


def _scalar_size(item: Any) -> int:
    if isinstance(item, str):
        return len(item) + 2
    if isinstance(item, float) and not math.isfinite(item):
        raise NoValue("the result holds a number that is not finite, which JSON cannot")
    if type(item) in _PLAIN or isinstance(item, float | UInt):
        return 1
    raise NoValue(f"the result holds something that JSON cannot ({kind(item)}); string(…) makes text of it")
