"""Converts the value of an expression to JSON."""

import math
from collections.abc import Collection, Mapping
from typing import Any

import orjson

from app.domain.json_values import MAX_DEPTH, storage_problems
from app.expressions.errors import NoValue
from app.expressions.limits import MAX_RESULT_BYTES, Meter
from app.expressions.values import UInt, kind

_PLAIN = frozenset({bool, int, type(None)})
_SHORT = MAX_RESULT_BYTES // 8
"""A shorter text always fits: a character has at most six bytes in JSON."""


def json_result(value: Any, meter: Meter) -> Any:
    """A copy of the value.

    Raise `NoValue` for bytes, times, types and NaN, which JSON does not have, and for a result that is too large.
    """
    if type(value) in _PLAIN or (type(value) is str and len(value) < _SHORT and value.isascii()):
        return value
    _check_size(value, meter)
    try:
        text = orjson.dumps(value, default=_plain)
    except (TypeError, orjson.JSONEncodeError):
        raise _unwritable(value) from None
    if len(text) > MAX_RESULT_BYTES:
        raise _too_large(len(text))
    meter.read(len(text))
    return orjson.loads(text)


def _plain(value: Any) -> Any:
    """Mappings that are not dicts; orjson knows all other values that have passed the check of the size."""
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not a JSON value")


def _unwritable(value: Any) -> NoValue:
    problem = next(storage_problems(value, "", MAX_DEPTH), None)
    return NoValue("the result cannot be written as JSON" if problem is None else f"the result {problem.message}")


def _too_large(size: int) -> NoValue:
    return NoValue(f"the result has {size} bytes; the limit is {MAX_RESULT_BYTES}")


def _check_size(value: Any, meter: Meter) -> None:
    """Raise `NoValue` for a value that will be too large as JSON.

    Loops can create values that contain the same list thousands of times. Such a value is small in memory but not as
    JSON, so the size of each list and map is computed once and added for each occurrence.
    """
    sizes, waiting, counted = dict[int, int](), [value], 0
    meter.spend(1)
    while waiting:
        item = waiting[-1]
        parts = _parts(item)
        meter.spend(len(parts))
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
    """The smallest possible size in bytes of JSON. The sizes of the lists and maps inside are known."""
    if not isinstance(item, list | Mapping):
        return _scalar_size(item)
    keys = sum(map(_key_size, item)) if isinstance(item, Mapping) else 0
    return 1 + keys + sum(1 + (sizes.get(id(part)) or _scalar_size(part)) for part in parts)


def _key_size(key: Any) -> int:
    if isinstance(key, str):
        return len(key) + 3
    raise NoValue(
        "the result holds a map with a key that is not a string, which JSON cannot; string(…) makes text of it"
    )


def _scalar_size(item: Any) -> int:
    if isinstance(item, str):
        return len(item) + 2
    if isinstance(item, float) and not math.isfinite(item):
        raise NoValue("the result holds a number that is not finite, which JSON cannot")
    if type(item) in _PLAIN or isinstance(item, float | UInt):
        return 1
    raise NoValue(f"the result holds something that JSON cannot ({kind(item)}); string(…) makes text of it")
