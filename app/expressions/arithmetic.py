"""The binary operators of CEL, and the negative sign: doc/langdef.md of cel-spec, "Numeric Values".

Integers outside of 64 bits are an error, and types are not converted. Doubles follow IEEE 754.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

from app.expressions.comparing import at_most, contains, equal, less
from app.expressions.errors import NoValue
from app.expressions.limits import Meter
from app.expressions.times import duration_of, timestamp_of
from app.expressions.values import INT_MAX, INT_MIN, UINT_MAX, Duration, Timestamp, UInt, kind

Operator = Callable[[Meter, Any, Any], Any]


def _whole(value: int) -> int:
    if INT_MIN <= value <= INT_MAX:
        return value
    raise NoValue("the result is outside the range of int (64 bits)")


def _unsigned(value: int) -> UInt:
    if 0 <= value <= UINT_MAX:
        return UInt(value)
    raise NoValue("the result is outside the range of uint (64 bits)")


def _quotient(left: int, right: int) -> int:
    """The quotient, rounded towards zero."""
    if right == 0:
        raise NoValue("division by zero")
    return abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)


def _remainder(left: int, right: int) -> int:
    """The remainder, with the sign of `left`."""
    if right == 0:
        raise NoValue("division by zero")
    return left - right * _quotient(left, right)


def _float_quotient(left: float, right: float) -> float:
    if right != 0:
        return left / right
    if left == 0 or math.isnan(left):
        return math.nan
    return math.inf * math.copysign(1, left) * math.copysign(1, right)


def _joined(meter: Meter, left: Any, right: Any) -> Any:
    meter.make(len(left) + len(right))
    return left + right


def _joined_lists(meter: Meter, left: list[Any], right: list[Any]) -> list[Any]:
    meter.spend(len(left) + len(right))
    return left + right


_Table = Mapping[tuple[type, type], Operator]

_ADD: _Table = {
    (int, int): lambda _, a, b: _whole(a + b),
    (UInt, UInt): lambda _, a, b: _unsigned(int(a) + int(b)),
    (float, float): lambda _, a, b: a + b,
    (str, str): _joined,
    (bytes, bytes): _joined,
    (list, list): _joined_lists,
    (Timestamp, Duration): lambda _, a, b: timestamp_of(a.nanoseconds + b.nanoseconds),
    (Duration, Timestamp): lambda _, a, b: timestamp_of(a.nanoseconds + b.nanoseconds),
    (Duration, Duration): lambda _, a, b: duration_of(a.nanoseconds + b.nanoseconds),
}
_SUBTRACT: _Table = {
    (int, int): lambda _, a, b: _whole(a - b),
    (UInt, UInt): lambda _, a, b: _unsigned(int(a) - int(b)),
    (float, float): lambda _, a, b: a - b,
    (Timestamp, Duration): lambda _, a, b: timestamp_of(a.nanoseconds - b.nanoseconds),
    (Timestamp, Timestamp): lambda _, a, b: duration_of(a.nanoseconds - b.nanoseconds),
    (Duration, Duration): lambda _, a, b: duration_of(a.nanoseconds - b.nanoseconds),
}
_MULTIPLY: _Table = {
    (int, int): lambda _, a, b: _whole(a * b),
    (UInt, UInt): lambda _, a, b: _unsigned(int(a) * int(b)),
    (float, float): lambda _, a, b: a * b,
}
_DIVIDE: _Table = {
    (int, int): lambda _, a, b: _whole(_quotient(a, b)),
    (UInt, UInt): lambda _, a, b: _unsigned(_quotient(a, b)),
    (float, float): lambda _, a, b: _float_quotient(a, b),
}
_MODULO: _Table = {
    (int, int): lambda _, a, b: _remainder(a, b),
    (UInt, UInt): lambda _, a, b: _unsigned(_remainder(a, b)),
}


def _by_types(sign: str, table: _Table) -> Operator:
    def operator(meter: Meter, left: Any, right: Any) -> Any:
        chosen = table.get((type(left), type(right)))
        if chosen is None:
            advice = _advice(sign, type(left), type(right))
            raise NoValue(f"there is no operator {sign} for {kind(left)} and {kind(right)}{advice}")
        return chosen(meter, left, right)

    return operator


def _advice(sign: str, left: type, right: type) -> str:
    numbers = {int, UInt, float}
    if left in numbers and right in numbers and left is not right:
        return "; convert one side with int(…) or double(…)"
    if sign == "+" and str in (left, right):
        return "; convert the value with string(…)"
    return ""


OPERATORS: Mapping[str, Operator] = {
    "+": _by_types("+", _ADD),
    "-": _by_types("-", _SUBTRACT),
    "*": _by_types("*", _MULTIPLY),
    "/": _by_types("/", _DIVIDE),
    "%": _by_types("%", _MODULO),
    "==": equal,
    "!=": lambda meter, a, b: not equal(meter, a, b),
    "<": less,
    ">": lambda meter, a, b: less(meter, b, a),
    "<=": at_most,
    ">=": lambda meter, a, b: at_most(meter, b, a),
    "in": contains,
}
"""All operators raise `NoValue` for types that they do not support."""


def negative(value: Any) -> Any:
    """The negative of a value. Raise `NoValue` for other types than int and double, and for the smallest int."""
    if type(value) is int:
        return _whole(-value)
    if type(value) is float:
        return -value
    raise NoValue(f"there is no operator - for {kind(value)}")
