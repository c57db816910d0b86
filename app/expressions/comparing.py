"""Equality and order of values: doc/langdef.md of cel-spec, "Equality" and "Ordering".

Numbers of different types are compared by value. Other values of different types are unequal.
"""

import operator
from collections.abc import Mapping
from typing import Any

from app.expressions.errors import NoValue
from app.expressions.limits import Meter
from app.expressions.values import Duration, Timestamp, UInt, key_of, kind

_NUMBERS = frozenset({int, UInt, float})
STEPS_OF_AN_ELEMENT = 4
"""The steps of comparing an element, without the elements inside it."""

_ORDERED = frozenset({bool, str, bytes, Timestamp, Duration})


def equal(meter: Meter, left: Any, right: Any) -> bool:
    """Whether two values are equal. Raise `TooMuch` if they are too large to be compared."""
    kinds = (type(left), type(right))
    if kinds[0] in _NUMBERS and kinds[1] in _NUMBERS:
        return bool(left == right)
    if isinstance(left, list):
        return isinstance(right, list) and _equal_lists(meter, left, right)
    if isinstance(left, Mapping):
        return isinstance(right, Mapping) and _equal_maps(meter, left, right)
    if kinds[0] is not kinds[1]:
        return False
    if isinstance(left, str | bytes):
        meter.read(len(left))
    return bool(left == right)


def less(meter: Meter, left: Any, right: Any) -> bool:
    """Whether `left < right`. Raise `NoValue` for values without an order."""
    return bool(operator.lt(*_comparable(meter, left, right)))


def at_most(meter: Meter, left: Any, right: Any) -> bool:
    """Whether `left <= right`. Raise `NoValue` as `less` does. NaN is neither less than nor equal to any number."""
    return bool(operator.le(*_comparable(meter, left, right)))


def contains(meter: Meter, value: Any, container: Any) -> bool:
    """`value in container`: an element of a list, or a key of a map. Raise `NoValue` for another container."""
    if isinstance(container, list):
        meter.spend(STEPS_OF_AN_ELEMENT * len(container))
        return any(equal(meter, value, item) for item in container)
    if isinstance(container, Mapping):
        key = key_of(value)
        return key is not None and key in container
    raise NoValue(f"'in' requires a list or a map, not {kind(container)}")


def _comparable(meter: Meter, left: Any, right: Any) -> tuple[Any, Any]:
    """The values to compare. If one number is a double, the other becomes one, as the tests of CEL require."""
    kinds = (type(left), type(right))
    if kinds[0] in _NUMBERS and kinds[1] in _NUMBERS:
        return (float(left), float(right)) if float in kinds else (left, right)
    if kinds[0] is not kinds[1] or kinds[0] not in _ORDERED:
        raise NoValue(f"cannot compare {kind(left)} and {kind(right)}")
    if isinstance(left, str | bytes):
        meter.read(len(left))
    return left, right


def _equal_lists(meter: Meter, left: list[Any], right: list[Any]) -> bool:
    if len(left) != len(right):
        return False
    meter.spend(STEPS_OF_AN_ELEMENT * len(left) + 1)
    return all(equal(meter, *pair) for pair in zip(left, right, strict=True))


def _equal_maps(meter: Meter, left: Mapping[Any, Any], right: Mapping[Any, Any]) -> bool:
    if len(left) != len(right):
        return False
    meter.spend(STEPS_OF_AN_ELEMENT * len(left) + 1)
    return all(key in right and equal(meter, value, right[key]) for key, value in left.items())
