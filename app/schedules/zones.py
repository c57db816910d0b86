"""The time zones that schedules can use."""

from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from app.domain.errors import Problem

NOT_ZONES = frozenset({"Factory", "localtime", "posixrules"})
"""Files beside those of time zones: "not set", the zone of this machine, and default rules."""
LONGEST_NAME = 64
COPIES = ("posix/", "right/")


@lru_cache(maxsize=1)
def zone_names() -> frozenset[str]:
    """The names of all time zones of the system and of the package `tzdata`, without those in `posix/` and `right/`.

    Read once: a process sees an update after a restart.
    """
    return frozenset(available_timezones() - NOT_ZONES)


def time_zone_problems(name: str) -> list[Problem]:
    """The problem of a name that is not that of a time zone.

    Looks the name up among all names and does not open it: a file system may ignore case, and `ZoneInfo` reaches the
    recursion limit for a name with a thousand slashes.
    """
    if name in zone_names():
        return []
    meant = _meant(name)
    advice = f"did you mean {meant}?" if meant else "use a name like Europe/Berlin or UTC"
    return [Problem("time_zone", f"{name[:100]!r} is no time zone; {advice}")]


def _meant(name: str) -> str | None:
    if len(name) > LONGEST_NAME:
        return None
    for folder in COPIES:
        name = name.removeprefix(folder)
    return next((known for known in zone_names() if known.casefold() == name.casefold()), None)


@lru_cache(maxsize=128)
def zone_named(name: str) -> ZoneInfo:
    """A time zone whose name has no problems. `ZoneInfo` itself caches only eight."""
    return ZoneInfo(name)
