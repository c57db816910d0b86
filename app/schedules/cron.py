"""Cron expressions: parsing, and the days and times that match. Knows no time zones: all times are civil (naive)."""

from bisect import bisect_left
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import MAXYEAR, date, datetime, time
from functools import lru_cache

from app.domain.errors import Problem
from app.schedules.cron_fields import DAY, HOUR, MINUTE, MONTH, SECOND, WEEKDAY, BadCron
from app.schedules.month_days import MonthDays, read_month_days

MAX_CRON = 200
HORIZON_YEARS = 50
"""How far a search looks ahead. The rarest day, a 29 February on one weekday, recurs within 40 years."""
MAX_STEPS = 10_000
NEVER = "{!r} never fires: no day is in these months and on these days"


class TooManySteps(Exception):
    """A search took more steps than any expression is known to need."""


class Steps:
    """Counts the steps of a search: a look at a month, or at the offset of a zone. `taken` is the count so far."""

    def __init__(self, limit: int = MAX_STEPS) -> None:
        self.taken = 0
        self._limit = limit

    def take(self) -> None:
        """Raise `TooManySteps` beyond the limit."""
        self.taken += 1
        if self.taken > self._limit:
            raise TooManySteps


@dataclass(frozen=True, slots=True)
class CronExpression:
    """A parsed expression.

    seconds: ascending; only 0 if the expression has five fields.
    minutes: ascending.
    hours: ascending.
    months: ascending, 1 to 12.
    days: which days of a month match.
    is_time_of_day: five fields, and neither minute nor hour begins with `*`; `times.py` has the consequences.
    """

    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    months: tuple[int, ...]
    days: MonthDays
    is_time_of_day: bool

    @property
    def is_every_second(self) -> bool:
        return len(self.seconds) == len(SECOND.numbers)

    def has_a_day(self) -> bool:
        """Whether any day of any year matches. A month has one of 28 shapes, and all of them occur."""
        return any(
            self.days.of_shape(length, first)
            for month in self.months
            for length in ((28, 29) if month == 2 else (monthrange(2000, month)[1],))
            for first in range(7)
        )

    def first_from(self, start: datetime, last_year: int, steps: Steps) -> datetime | None:
        """The first matching civil time that is not before `start`; None if there is none up to the end of `last_year`.

        Raise `TooManySteps`.
        """
        for day in self._days_from(start.date(), last_year, steps):
            found = self._time_from(start.time() if day == start.date() else time.min)
            if found is not None:
                return datetime.combine(day, found)
        return None

    def _days_from(self, start: date, last_year: int, steps: Steps) -> Iterator[date]:
        begin = (start.year, start.month)
        for year in range(start.year, min(last_year, MAXYEAR) + 1):
            for month in self.months:
                if (year, month) >= begin:
                    steps.take()
                    earliest = start.day if (year, month) == begin else 1
                    for day in self.days.of_month(year, month):
                        if day >= earliest:
                            yield date(year, month, day)

    def _time_from(self, earliest: time) -> time | None:
        """The first matching time of a day that is not before `earliest`."""
        for hour in self.hours[bisect_left(self.hours, earliest.hour) :]:
            if hour > earliest.hour:
                return time(hour, self.minutes[0], self.seconds[0])
            for minute in self.minutes[bisect_left(self.minutes, earliest.minute) :]:
                if minute > earliest.minute:
                    return time(hour, minute, self.seconds[0])
                index = bisect_left(self.seconds, earliest.second)
                if index < len(self.seconds):
                    return time(hour, minute, self.seconds[index])
        return None


def tidy(text: str) -> str:
    """The expression with single spaces. A text that is too long stays as it is, and is refused later."""
    return " ".join(text.split()) if len(text) <= MAX_CRON else text


@lru_cache(maxsize=1024)
def parse_cron(text: str) -> CronExpression:
    """Parse five fields, or six with the seconds first. Raise `BadCron`."""
    if len(text) > MAX_CRON:
        raise BadCron(f"has {len(text)} characters; the limit is {MAX_CRON}")
    fields = text.split()
    if len(fields) not in (5, 6):
        named = ", ".join(field.name for field in (MINUTE, HOUR, DAY, MONTH, WEEKDAY))
        counted = "1 field" if len(fields) == 1 else f"{len(fields)} fields"
        raise BadCron(f"has {counted}; write {named}, or six with the second first")
    second = "0" if len(fields) == 5 else fields[0]
    minute, hour, day, month, weekday = fields[-5:]
    return CronExpression(
        SECOND.read(second),
        MINUTE.read(minute),
        HOUR.read(hour),
        MONTH.read(month),
        read_month_days(day, weekday),
        is_time_of_day=len(fields) == 5 and not minute.startswith("*") and not hour.startswith("*"),
    )


def cron_problems(text: str) -> list[Problem]:
    """The problems of an expression in any time zone: it cannot be parsed, or no day matches."""
    try:
        expression = parse_cron(text)
    except BadCron as error:
        return [Problem("cron", str(error))]
    return [] if expression.has_a_day() else [Problem("cron", NEVER.format(text))]
