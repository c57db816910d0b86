"""When a schedule is due: cron expressions in a time zone, and single instants. All instants are in UTC.

Local times that a clock change skips or repeats are treated as in Debian's cron: a fixed time that does not exist
matches the first minute after the gap, and one that exists twice matches the first time. An expression whose minute or
hour begins with `*` follows elapsed time.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from app.domain.errors import Problem

MAX_CRON = 200
FIELDS = {
    "second": "0 to 59",
    "minute": "0 to 59",
    "hour": "0 to 23",
    "day-of-month": "1 to 31, L or LW",
    "month": "1 to 12 or JAN to DEC",
    "day-of-week": "0 to 7 or SUN to SAT, also 5L and MON#1",
}
NEVER = "{!r} never fires: no day is in these months and on these days"
ANY_INSTANT = datetime(2000, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def cron_problems(expression: str) -> list[Problem]:
    """Problems of a cron expression: five fields, or six with the seconds first; at least one instant must match."""
    count = len(expression.split())
    if len(expression) > MAX_CRON:
        return [Problem("cron", f"has {len(expression)} characters; the limit is {MAX_CRON}")]
    if count not in (5, 6):
        return [Problem("cron", f"has {count} fields; write {', '.join([*FIELDS][1:])}, or six with the second first")]
    try:
        if next_match(expression, UTC_ZONE, ANY_INSTANT) is None:
            return [Problem("cron", NEVER.format(expression))]
    except CronSimError as error:
        return [Problem("cron", _reason(expression, str(error)))]
    return []


def _reason(expression: str, message: str) -> str:
    """The problem as a sentence. `message` is `Bad <field>`, from cronsim."""
    field, parts = message.removeprefix("Bad "), expression.split()
    if field == "day-of-month" and _is_possible([*parts[:-2], "*", parts[-1]]):
        return NEVER.format(expression)
    written = dict(zip(reversed(FIELDS), reversed(parts), strict=False)).get(field, expression)
    allowed = FIELDS.get(field, "five or six fields")
    return f"the {field} {written!r} is not possible; it takes {allowed}, `*`, lists 1,2, ranges 1-5 and steps */15"


def _is_possible(parts: Sequence[str]) -> bool:
    try:
        CronSim(" ".join(parts), ANY_INSTANT)
    except CronSimError:
        return False
    return True


def time_zone_problems(name: str) -> list[Problem]:
    try:
        ZoneInfo(name)
    except (LookupError, ValueError, OSError):  # OSError: the name is that of a folder of zones
        return [Problem("time_zone", f"{name[:100]!r} is no time zone; use a name like Europe/Berlin or UTC")]
    return []


def next_match(expression: str, zone: ZoneInfo, after: datetime) -> datetime | None:
    """The first match after `after`; None if there is none within 50 years. Raise `CronSimError`."""
    try:
        for local in CronSim(expression, after.astimezone(zone)):
            # For a fixed time in a repeated hour, cronsim returns the first occurrence, which may be before `after`.
            if (instant := local.astimezone(UTC)) > after:
                return instant
    except OverflowError:  # beyond the last year of datetime
        return None
    return None


def last_match(expression: str, zone: ZoneInfo, first: datetime, until: datetime) -> datetime:
    """The latest match that is not later than `until`; `first` is a match. Uses bisection, as matches may be many."""
    found, end = first, until
    while end - found >= SECOND:
        middle = found + (end - found) / 2
        match = next_match(expression, zone, middle)
        if match is None or match > end:
            end = middle
        else:
            found = match
    return found


def matches(expression: str, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    while (match := next_match(expression, zone, after)) is not None:
        yield match
        after = match


UTC_ZONE = ZoneInfo("UTC")
