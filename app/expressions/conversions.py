"""`int(x)`, `string(x)` and the like. doc/langdef.md of cel-spec, "Type Conversion".

Each function raises `NoValue` for what it cannot convert.
"""

import math
import re
from typing import Any

from app.expressions.errors import NoValue
from app.expressions.times import (
    SECOND,
    duration_text,
    parse_duration,
    parse_timestamp,
    seconds_of,
    timestamp_of,
    timestamp_text,
)
from app.expressions.values import INT_MAX, INT_MIN, UINT_MAX, Duration, Timestamp, TypeName, UInt, kind, type_of

_WHOLE = re.compile(r"[+-]?[0-9]{1,25}", re.ASCII)
_DECIMAL = re.compile(
    r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|NaN|[+-]?(?:Infinity|Inf|inf|infinity)", re.ASCII
)
_BOOLS = dict.fromkeys(("1", "t", "true", "TRUE", "True"), True) | dict.fromkeys(
    ("0", "f", "false", "FALSE", "False"), False
)


def to_int(value: Any) -> int:
    if type(value) is int or type(value) is UInt:
        return _within(int(value), INT_MIN, INT_MAX, "int")
    if isinstance(value, float):
        return _whole(value, INT_MIN, INT_MAX, "int")
    if isinstance(value, str):
        return _within(_parsed(value, "int"), INT_MIN, INT_MAX, "int")
    if isinstance(value, Timestamp):
        return seconds_of(value)
    raise _impossible(value, "int")


def to_uint(value: Any) -> UInt:
    if type(value) is int or type(value) is UInt:
        return UInt(_within(int(value), 0, UINT_MAX, "uint"))
    if isinstance(value, float):
        return UInt(_whole(value, -1, UINT_MAX, "uint"))
    if isinstance(value, str):
        return UInt(_within(_parsed(value, "uint"), 0, UINT_MAX, "uint"))
    raise _impossible(value, "uint")


def to_double(value: Any) -> float:
    if isinstance(value, float):
        return value
    if type(value) is int or type(value) is UInt:
        return float(value)
    if isinstance(value, str):
        if len(value) <= 400 and _DECIMAL.fullmatch(value):
            return float(value)
        raise NoValue("the string is not a number")
    raise _impossible(value, "double")


def to_string(value: Any) -> str:  # noqa: PLR0911 - one line for each type
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, float):
        return decimal_text(value)
    if isinstance(value, bytes):
        return _decoded(value)
    if isinstance(value, Timestamp):
        return timestamp_text(value)
    if isinstance(value, Duration):
        return duration_text(value)
    raise _impossible(value, "string")


def to_bytes(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    raise _impossible(value, "bytes")


def to_bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        if value in _BOOLS:
            return _BOOLS[value]
        raise NoValue("the string is neither true nor false")
    raise _impossible(value, "bool")


def to_timestamp(value: Any) -> Timestamp:
    if isinstance(value, Timestamp):
        return value
    if isinstance(value, str):
        return parse_timestamp(value)
    if type(value) is int:
        return timestamp_of(value * SECOND)
    raise _impossible(value, "timestamp")


def to_duration(value: Any) -> Duration:
    if isinstance(value, Duration):
        return value
    if isinstance(value, str):
        return parse_duration(value)
    raise _impossible(value, "duration")


def to_type(value: Any) -> TypeName:
    return type_of(value)


def to_dyn(value: Any) -> Any:
    """The value itself: types are known only at run time."""
    return value


def decimal_text(value: float) -> str:
    """The shortest text that is parsed as the same number. Integers below 1e21 have neither point nor exponent."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if value.is_integer() and abs(value) < 1e21:
        return "-0" if value == 0 and math.copysign(1, value) < 0 else str(int(value))
    return repr(value)


def _within(value: int, least: int, most: int, name: str) -> int:
    if least <= value <= most:
        return value
    raise NoValue(f"the number is outside the range of {name}")


def _whole(value: float, least: int, most: int, name: str) -> int:
    """The integer without the decimals. `least` and `most` are excluded, because doubles are not exact there."""
    if least < value < most and not (name == "int" and value >= 2.0**63) and value < 2.0**64:
        return int(value)
    raise NoValue(f"the number is outside the range of {name}")


def _parsed(text: str, name: str) -> int:
    if _WHOLE.fullmatch(text):
        return int(text)
    raise NoValue(f"the string is not an integer; {name}(double(…)) removes decimals")


def _decoded(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise NoValue("the bytes are not valid UTF-8") from None


def _impossible(value: Any, name: str) -> NoValue:
    within = "; within other text it is written as JSON, as in 'x: ${input.x}'" if name == "string" else ""
    return NoValue(f"{name}(…) cannot convert {kind(value)}{within}")
