"""Timestamps and durations, to the nanosecond. doc/langdef.md of cel-spec, "Standard Definitions".

Timestamps are instants, from the year 1 to the year 9999. Their parts are those of UTC unless a time zone is given.
Durations have at most 64 bits of nanoseconds, which is about 292 years.
"""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from app.expressions.errors import NoValue
from app.expressions.values import INT_MAX, INT_MIN, Duration, Timestamp

SECOND = 1_000_000_000
_FIRST, _LAST = -62_135_596_800 * SECOND, 253_402_300_800 * SECOND - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_TIMESTAMP = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?(?:[Zz]|([+-])(\d\d):(\d\d))", re.ASCII
)
_UNITS = {"h": 3_600 * SECOND, "m": 60 * SECOND, "s": SECOND, "ms": 1_000_000, "us": 1_000, "µs": 1_000, "ns": 1}
_AMOUNT = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(h|ms|us|µs|ns|m|s)", re.ASCII)
_DURATION = re.compile(rf"([+-]?)(?:0|((?:{_AMOUNT.pattern})+))", re.ASCII)
_OFFSET = re.compile(r"([+-]?)(\d\d):(\d\d)", re.ASCII)
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+)*", re.ASCII)
_NO_ZONES = frozenset({"localtime", "posixrules", "Factory"})
"""Files in the zone database that are not zones: they depend on the machine, or contain nothing."""


def timestamp_of(nanoseconds: int) -> Timestamp:
    """Raise `NoValue` beyond the years 1 to 9999."""
    if _FIRST <= nanoseconds <= _LAST:
        return Timestamp(nanoseconds)
    raise NoValue("the timestamp is not within the years 1 to 9999")


def duration_of(nanoseconds: int) -> Duration:
    """Raise `NoValue` beyond 64 bits."""
    if INT_MIN <= nanoseconds <= INT_MAX:
        return Duration(nanoseconds)
    raise NoValue("the duration is longer than about 292 years")


def parse_timestamp(text: str) -> Timestamp:
    """Parse RFC 3339, such as `2027-01-01T00:00:00.5Z` or with `+01:00`. Raise `NoValue`."""
    match = _TIMESTAMP.fullmatch(text)
    moment = None if match is None else _moment(f"{match[1]}T{match[2]}+00:00")
    if match is None or moment is None:
        raise NoValue("the string is not a timestamp such as 2027-01-31T12:00:00Z")
    fraction, sign, hours, minutes = match.groups()[2:]
    offset = _offset(sign, hours, minutes) if sign else timedelta()
    whole = _seconds(moment - _EPOCH) - _seconds(offset)
    return timestamp_of(whole * SECOND + int((fraction or "").ljust(9, "0")))


def parse_duration(text: str) -> Duration:
    """Parse numbers with units: `-1h30m`, `1.5s`. Units are h, m, s, ms, us, ns. Raise `NoValue`."""
    match = _DURATION.fullmatch(text) if len(text) <= 100 else None
    if match is None:
        raise NoValue("the string is not a duration such as 90s, 1h30m or 250ms")
    length = sum(_nanoseconds(amount, unit) for amount, unit in _AMOUNT.findall(match[2] or ""))
    return duration_of(-length if match[1] == "-" else length)


def timestamp_text(value: Timestamp) -> str:
    """RFC 3339 in UTC, with the decimals that are needed."""
    seconds, rest = divmod(value.nanoseconds, SECOND)
    moment = _EPOCH + timedelta(seconds=seconds)
    return f"{moment.replace(tzinfo=None).isoformat()}{_fraction(rest)}Z"


def duration_text(value: Duration) -> str:
    """Seconds, with the decimals that are needed: `-5400s`, `1.5s`."""
    seconds, rest = divmod(abs(value.nanoseconds), SECOND)
    return f"{'-' if value.nanoseconds < 0 else ''}{seconds}{_fraction(rest)}s"


def seconds_of(value: Timestamp) -> int:
    """Since 1970, rounded down."""
    return value.nanoseconds // SECOND


@lru_cache(256)
def zone_of(name: str) -> tzinfo:
    """The zone of an IANA name, or of an offset such as `+05:30`. Raise `NoValue`."""
    if (match := _OFFSET.fullmatch(name)) is not None:
        return timezone(_offset(*match.groups()))
    if _ZONE.fullmatch(name) and name not in _NO_ZONES:
        with suppress(ValueError, OSError, KeyError):
            return ZoneInfo(name)
    raise NoValue("the string is not a time zone such as Europe/Berlin, UTC or +05:30")


def _offset(sign: str, hours: str, minutes: str) -> timedelta:
    """Raise `NoValue`."""
    if int(hours) > 23 or int(minutes) > 59:
        raise NoValue("the offset from UTC is not within 24 hours")
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    return -offset if sign == "-" else offset


def _moment(text: str) -> datetime | None:
    """None for a date or time of day that does not exist."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _seconds(span: timedelta) -> int:
    return span.days * 86_400 + span.seconds


def _nanoseconds(amount: str, unit: str) -> int:
    whole, _, decimals = amount.partition(".")
    scale: int = _UNITS[unit]
    return int(whole or "0") * scale + int(decimals or "0") * scale // int("1" + "0" * len(decimals))


def _fraction(nanoseconds: int) -> str:
    return f".{nanoseconds:09}".rstrip("0") if nanoseconds else ""


def _at(value: Timestamp, zone: tzinfo) -> datetime:
    try:
        return (_EPOCH + timedelta(seconds=seconds_of(value))).astimezone(zone)
    except OverflowError:
        raise NoValue("the timestamp is not within the years 1 to 9999 in this time zone") from None


PARTS: Mapping[str, Callable[[datetime], int]] = {
    "getFullYear": lambda at: at.year,
    "getMonth": lambda at: at.month - 1,
    "getDate": lambda at: at.day,
    "getDayOfMonth": lambda at: at.day - 1,
    "getDayOfWeek": lambda at: at.isoweekday() % 7,
    "getDayOfYear": lambda at: at.timetuple().tm_yday - 1,
    "getHours": lambda at: at.hour,
    "getMinutes": lambda at: at.minute,
    "getSeconds": lambda at: at.second,
}
"""The parts of a timestamp by function name. Months count from 0; of the days only `getDate` counts from 1."""

ACCESSORS = (*PARTS, "getMilliseconds")
"""The functions for the parts of timestamps and durations."""

LENGTHS: Mapping[str, int] = {"getHours": 3_600 * SECOND, "getMinutes": 60 * SECOND, "getSeconds": SECOND}
"""Nanoseconds of one unit. For a duration these functions return the whole length in that unit."""


def part_of(name: str, value: Any, zone: tzinfo) -> int | None:
    """The result of `value.name()` for a timestamp in `zone`, and for a duration; None for other values."""
    if isinstance(value, Timestamp):
        if name == "getMilliseconds":
            return value.nanoseconds % SECOND // 1_000_000
        return PARTS[name](_at(value, zone))
    if isinstance(value, Duration):
        return _length(name, value.nanoseconds)
    return None


def _length(name: str, nanoseconds: int) -> int | None:
    """Rounded towards zero. `getMilliseconds` returns the milliseconds after whole seconds."""
    sign = -1 if nanoseconds < 0 else 1
    if name == "getMilliseconds":
        return sign * (abs(nanoseconds) % SECOND // 1_000_000)
    return sign * (abs(nanoseconds) // LENGTHS[name]) if name in LENGTHS else None
