"""When a cron expression matches in a time zone. All instants are in UTC.

An expression is one of two kinds, as in Debian's cron (docs/schedules.md has the rules for users):

- A time of day (five fields, minute and hour do not begin with `*`) matches the first instant at which the clock shows
  that time or a later one: the end of a gap for a time in the gap, and the first of two for a repeated time.
- Any other expression matches every instant at which the clock shows a matching time.

Calculate with civil (naive) times and with instants in UTC, never with aware local times: Python adds to these without
regard to clock changes.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from app.schedules.cron import HORIZON_YEARS, CronExpression, Steps, TooManySteps

SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)
LARGEST_CHANGE = 2 * DAY
"""Any two offsets of a zone differ by less: Python's offsets are between -24 h and 24 h."""


def next_match(
    expression: CronExpression, zone: ZoneInfo, after: datetime, steps: Steps | None = None
) -> datetime | None:
    """The first match after `after`; None if there is none within 50 years.

    None also after `MAX_STEPS` steps; no expression is known to need so many. `steps` counts them for the caller.
    """
    search = _next_time_of_day if expression.is_time_of_day else _next_shown
    try:
        return search(expression, zone, after, Steps() if steps is None else steps)
    except (TooManySteps, OverflowError):  # OverflowError: before the first or after the last year of datetime
        return None


def last_match(expression: CronExpression, zone: ZoneInfo, first: datetime, until: datetime) -> datetime:
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


def matches(expression: CronExpression, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    while (match := next_match(expression, zone, after)) is not None:
        yield match
        after = match


def _next_time_of_day(expression: CronExpression, zone: ZoneInfo, after: datetime, steps: Steps) -> datetime | None:
    """Later times of day are never reached earlier, so the first one that is reached after `after` is the next.

    If `after` is in a repeated span, the search skips the times that were reached before the clock went back.
    """
    last_year = after.year + HORIZON_YEARS
    civil = expression.first_from(_shown(zone, after, steps), last_year, steps)
    while civil is not None:
        reached = _reached(civil, zone, steps)
        if reached > after:
            return reached
        civil = expression.first_from(civil + SECOND, last_year, steps)
    return None


def _reached(civil: datetime, zone: ZoneInfo, steps: Steps) -> datetime:
    """The first instant at which the clock shows `civil` or a later time."""
    by_first_offset = civil.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if _shown(zone, by_first_offset, steps) == civil:
        return by_first_offset
    # `civil` is in a gap. PEP 495: fold=0 uses the offset from before the change, which gives an instant after it;
    # fold=1 uses the offset from after the change, which gives an instant before it.
    before = civil.replace(tzinfo=zone, fold=1).astimezone(UTC)
    return _change(zone, before, by_first_offset, steps) or by_first_offset


def _next_shown(expression: CronExpression, zone: ZoneInfo, after: datetime, steps: Steps) -> datetime | None:
    """Goes from one change of the offset to the next. In between, civil time runs like elapsed time."""
    start, last_year = after.replace(microsecond=0) + SECOND, after.year + HORIZON_YEARS
    while True:
        shown = _shown(zone, start, steps)
        civil = expression.first_from(shown, last_year, steps)
        if civil is None:
            return None
        ahead = civil - shown
        # No civil time from `shown` to `civil` matches. The clock can show an earlier one than `shown` only within
        # LARGEST_CHANGE after `start`, and `civil` only within LARGEST_CHANGE of the instant that is `ahead` of it. So
        # if the way is long, its middle can be skipped.
        within = ahead if ahead <= 2 * LARGEST_CHANGE else LARGEST_CHANGE
        change = _change(zone, start, start + within, steps)
        if change is not None:
            start = change
        elif within == ahead:
            return start + ahead
        else:
            start += ahead - LARGEST_CHANGE


def _change(zone: ZoneInfo, start: datetime, end: datetime, steps: Steps) -> datetime | None:
    """The first instant after `start`, up to `end`, whose offset differs from that of `start`; None if there is none.

    Samples once a day: since 1970 no zone has changed its clock twice in less than a week.
    """
    offset, same = _offset(zone, start, steps), start
    while same < end:
        other = min(same + DAY, end)
        if _offset(zone, other, steps) != offset:
            return _first_other(zone, same, other, steps)
        same = other
    return None


def _first_other(zone: ZoneInfo, same: datetime, other: datetime, steps: Steps) -> datetime:
    """The instant of the change between `same` and `other`, to the second. Uses bisection."""
    offset = _offset(zone, same, steps)
    while other - same > SECOND:
        middle = same + (other - same) // SECOND // 2 * SECOND
        if _offset(zone, middle, steps) == offset:
            same = middle
        else:
            other = middle
    return other


def _shown(zone: ZoneInfo, instant: datetime, steps: Steps) -> datetime:
    """The civil time that the clock shows, without microseconds."""
    steps.take()
    return instant.astimezone(zone).replace(tzinfo=None, fold=0, microsecond=0)


def _offset(zone: ZoneInfo, instant: datetime, steps: Steps) -> timedelta | None:
    steps.take()
    return instant.astimezone(zone).utcoffset()
