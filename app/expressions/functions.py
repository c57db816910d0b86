"""The functions of expressions: the standard library of CEL, doc/langdef.md of cel-spec.

`f(x, a)` and `x.f(a)` are equivalent.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from app.expressions import conversions
from app.expressions.errors import NoValue
from app.expressions.limits import CHARACTERS_A_STEP, Meter
from app.expressions.patterns import matches
from app.expressions.times import ACCESSORS, part_of, zone_of
from app.expressions.url_encoding import url_encode
from app.expressions.values import kind

STEPS_OF_A_TIME = 20
"""The steps of parsing a time, or of computing a part of it."""


@dataclass(frozen=True, slots=True)
class Function:
    """A function.

    Attributes:
        run: takes the meter and the arguments; raises `NoValue`.
        least: the smallest number of arguments.
        most: the largest number of arguments.
        form: an example of a call, for messages.
    """

    run: Callable[..., Any]
    least: int
    most: int
    form: str


def _size(meter: Meter, value: Any) -> int:
    """The number of characters, bytes, elements or keys."""
    if isinstance(value, str | bytes | list | Mapping):
        return len(value)
    raise NoValue(f"{kind(value)} has no size")


def _of_texts(name: str, run: Callable[[str, str], bool]) -> Function:
    def checked(meter: Meter, text: Any, other: Any) -> bool:
        if not isinstance(text, str) or not isinstance(other, str):
            raise NoValue(f"{name} requires strings, not {kind(text)} and {kind(other)}")
        meter.read(len(text))
        return run(text, other)

    return Function(checked, 2, 2, f"text.{name}(other)")


def _part(name: str) -> Function:
    def part(meter: Meter, value: Any, zone: Any = None) -> int:
        meter.spend(STEPS_OF_A_TIME)
        found = part_of(name, value, UTC if zone is None else _zone(name, zone))
        if found is None or (zone is not None and not _has_zones(value)):
            raise NoValue(f"{name} requires a timestamp, not {kind(value)}; convert it with timestamp(…)")
        return found

    return Function(part, 1, 2, f"time.{name}() or time.{name}('Europe/Berlin')")


def _has_zones(value: Any) -> bool:
    return kind(value) == "timestamp"


def _zone(name: str, zone: Any) -> Any:
    if not isinstance(zone, str):
        raise NoValue(f"{name} requires a time zone such as 'Europe/Berlin', not {kind(zone)}")
    return zone_of(zone)


def _conversion(name: str, convert: Callable[[Any], Any]) -> Function:
    def converted(meter: Meter, value: Any) -> Any:
        meter.spend(len(value) // CHARACTERS_A_STEP + STEPS_OF_A_TIME if isinstance(value, str | bytes) else 1)
        return convert(value)

    return Function(converted, 1, 1, f"{name}(value)")


def _matches(meter: Meter, text: Any, pattern: Any) -> bool:
    if not isinstance(text, str) or not isinstance(pattern, str):
        raise NoValue(f"matches requires strings, not {kind(text)} and {kind(pattern)}")
    return matches(meter, text, pattern)


def _url_encoded(meter: Meter, value: Any) -> str:
    meter.make(len(value) if isinstance(value, str) else 1)
    return url_encode(value)


FUNCTIONS: Mapping[str, Function] = {
    "size": Function(_size, 1, 1, "size(value)"),
    "contains": _of_texts("contains", lambda text, other: other in text),
    "startsWith": _of_texts("startsWith", str.startswith),
    "endsWith": _of_texts("endsWith", str.endswith),
    "matches": Function(_matches, 2, 2, "text.matches('pattern')"),
    "url_encode": Function(_url_encoded, 1, 1, "url_encode(value)"),
    **{
        name: _conversion(name, convert)
        for name, convert in {
            "int": conversions.to_int,
            "uint": conversions.to_uint,
            "double": conversions.to_double,
            "string": conversions.to_string,
            "bytes": conversions.to_bytes,
            "bool": conversions.to_bool,
            "timestamp": conversions.to_timestamp,
            "duration": conversions.to_duration,
            "type": conversions.to_type,
            "dyn": conversions.to_dyn,
        }.items()
    },
    **{name: _part(name) for name in ACCESSORS},
}
