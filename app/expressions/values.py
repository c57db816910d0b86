"""The values that expressions work with, and the names of their types.

null, bool, int, double, string, bytes, list and map are Python's None, bool, int, float, str, bytes, list and dict, the
types that a JSON reader creates. An integer of JSON outside the range of int keeps its value.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

INT_MIN, INT_MAX, UINT_MAX = -(2**63), 2**63 - 1, 2**64 - 1


class UInt(int):
    """An integer of CEL's type uint, written `1u`."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, order=True)
class Timestamp:
    """An instant.

    Attributes:
        nanoseconds: since 1970-01-01T00:00:00Z.
    """

    nanoseconds: int


@dataclass(frozen=True, slots=True, order=True)
class Duration:
    """A span of time.

    Attributes:
        nanoseconds: its length; negative for a span back in time.
    """

    nanoseconds: int


@dataclass(frozen=True, slots=True)
class TypeName:
    """A type as a value: the result of `type(x)`, and the value of `int` in `type(x) == int`."""

    name: str


@dataclass(frozen=True, slots=True)
class BoolKey:
    """A bool as a map key. In Python True equals 1, in CEL it does not."""

    value: bool


TYPE_NAMES = frozenset({"bool", "bytes", "double", "int", "list", "map", "null_type", "string", "type", "uint"})
"""The types that expressions can name."""

_NAMES: Mapping[type, str] = {
    type(None): "null_type",
    bool: "bool",
    int: "int",
    UInt: "uint",
    float: "double",
    str: "string",
    bytes: "bytes",
    list: "list",
    dict: "map",
    Timestamp: "google.protobuf.Timestamp",
    Duration: "google.protobuf.Duration",
    TypeName: "type",
}
_SHOWN = {"null_type": "null", "google.protobuf.Timestamp": "timestamp", "google.protobuf.Duration": "duration"}


def type_of(value: Any) -> TypeName:
    """The result of `type(value)`."""
    return TypeName(_NAMES.get(type(value), "map" if isinstance(value, Mapping) else "dyn"))


def kind(value: Any) -> str:
    """The type of a value, for messages."""
    name = type_of(value).name
    return _SHOWN.get(name, name)


def key_of(value: Any) -> Any:
    """The Python key for `value` in a map: 1, 1u and 1.0 are the same key, and true is another.

    None if no map can have such a key.
    """
    if type(value) is bool:
        return BoolKey(value)
    return value if isinstance(value, str | int | float) else None


def value_of(key: Any) -> Any:
    """The value for a key that `key_of` created."""
    return key.value if type(key) is BoolKey else key
