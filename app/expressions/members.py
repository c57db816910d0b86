"""Fields of objects and elements of lists."""

from collections.abc import Mapping
from typing import Any

from app.expressions.errors import NoValue
from app.expressions.values import key_of, kind

_WORDS = {bool: "a boolean", str: "a text", bytes: "bytes", list: "a list", type(None): "null"}


def member(value: Any, field: str) -> Any:
    """`value.field`. Raise `NoValue` if it does not exist."""
    if isinstance(value, Mapping):
        try:
            return value[field]
        except KeyError:
            raise NoValue(f"there is no {field!r}") from None
    raise NoValue(f"there is no {field!r} in {described(value)}")


def has_field(value: Any, field: str) -> bool:
    """`has(value.field)`, which is false for null. Raise `NoValue` for other values that are not objects."""
    if value is None:
        return False
    if isinstance(value, Mapping):
        return field in value
    raise NoValue(f"has(…) looks for {field!r} in an object, not in {described(value)}")


def element(value: Any, key: Any, *, is_shown: bool) -> Any:
    """`value[key]`: a value of a map or an element of a list. Raise `NoValue` if it does not exist.

    `is_shown` is true for a key from the text of the expression; messages do not contain keys from the data.
    """
    if isinstance(value, list):
        return value[_position(value, key)]
    if not isinstance(value, Mapping):
        raise NoValue(f"there is no {_shown(key, is_shown)} in {described(value)}")
    own = key_of(key)
    if own is None:
        raise NoValue(f"a map key cannot be {described(key)}")
    try:
        return value[own]
    except KeyError:
        where = "" if isinstance(key, str) else " in an object"
        raise NoValue(f"there is no {_shown(key, is_shown)}{where}") from None


def described(value: Any) -> str:
    """The kind of value in plain words, for messages."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return "a number"
    return _WORDS.get(type(value), "an object" if isinstance(value, Mapping) else "a value without fields")


def _position(items: list[Any], key: Any) -> int:
    if isinstance(key, float) and key.is_integer():
        key = int(key)
    if not isinstance(key, int) or isinstance(key, bool):
        raise NoValue(f"an index of a list must be int, not {kind(key)}")
    if not 0 <= key < len(items):
        raise NoValue(f"there is no element {int(key)}: the list has {len(items)}")
    return key


def _shown(key: Any, is_shown: bool) -> str:
    if isinstance(key, str):
        return repr(key) if is_shown else "such key"
    return f"element {key}" if isinstance(key, int | float) and not isinstance(key, bool) else described(key)
