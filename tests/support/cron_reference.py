"""When schedules fire, the slow way: by looking at a zone's clock at every minute. Shares no code with app/schedules.

The rules are those of docs/schedules.md. Where the service computes, this looks: whether a number belongs to a field is
asked for each number, and a fire is found by going from minute to minute.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo, available_timezones

MINUTE = 60
HOURS_AROUND = 26
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
TERM = re.compile(r"(?:\*|(?P<low>\w+)(?:-(?P<high>\w+))?)(?:/(?P<step>\d+))?")
ONE_DAY = timedelta(days=1)


class Run(NamedTuple):
    """Minutes in a row of one local hour. The clock shows `first` of them at `instant`, in seconds of 1970, and goes on
    to `last`; with `stands` all of them are reached at that instant, since they were left out.
    """

    instant: int
    hour: int
    first: int
    last: int
    stands: bool = False


class Stretch(NamedTuple):
    """Runs in a row that are of one local day."""

    instant: int
    day: date
    runs: list[Run]


class Reference:
    """An expression, read without the service's help."""

    def __init__(self, expression: str) -> None:
        fields = expression.upper().split()
        *second, self.minute, self.hour, self.day, self.month, self.weekday = fields
        self.is_time_of_day = not second and self.minute[0] != "*" and self.hour[0] != "*"
        self.seconds = [n for n in range(60) if belongs(n, second[0] if second else "0", 0, 59)]
        self.minutes = [n for n in range(60) if belongs(n, self.minute, 0, 59)]
        self.hours = [n for n in range(24) if belongs(n, self.hour, 0, 23)]
        self._days: dict[date, bool] = {}

    def fires(self, clock: "Clock", after: float) -> Iterator[int]:
        """All fires later than `after` that the clock knows, in seconds of 1970."""
        stretches = clock.reached if self.is_time_of_day else clock.shown
        begin, latest = bisect_right(stretches, after, key=lambda stretch: stretch.instant), after
        for index in range(max(begin - 1, 0), len(stretches)):
            for instant in self._fires_of(stretches[index]):
                if instant > latest:
                    latest = instant
                    yield instant

    def _fires_of(self, stretch: Stretch) -> Iterator[int]:
        if not self._takes(stretch.day):
            return
        for run in stretch.runs:
            if run.hour in self.hours:
                for minute in self.minutes:
                    if run.first <= minute <= run.last:
                        shown = run.instant + (0 if run.stands else (minute - run.first) * MINUTE)
                        yield from (shown + second for second in self.seconds)

    def _takes(self, day: date) -> bool:
        if day not in self._days:
            self._days[day] = self._is_day(day)
        return self._days[day]

    def _is_day(self, day: date) -> bool:
        if not belongs(day.month, self.month, 1, 12, MONTHS):
            return False
        by_number = any(is_day_of_month(day, term) for term in self.day.split(","))
        by_weekday = any(is_weekday(day, term) for term in self.weekday.split(","))
        if self.day[0] == "*" or self.weekday[0] == "*":
            return by_number and by_weekday
        return by_number or by_weekday


@lru_cache(maxsize=100_000)
def belongs(number: int, field: str, low: int, high: int, names: tuple[str, ...] = ()) -> bool:
    """`names` are those of `low` and the numbers after it."""
    return any(_fits(number, term, low, high, names) for term in field.split(","))


def _fits(number: int, term: str, low: int, high: int, names: tuple[str, ...]) -> bool:
    parts = TERM.fullmatch(term)
    assert parts is not None, term
    first, last, step = (
        low + names.index(t) if t in names else t and int(t) for t in parts.group("low", "high", "step")
    )
    if first is not None:
        low = first
        high = last if last is not None else first if step is None else high
    return low <= number <= high and (number - low) % (step or 1) == 0


def is_day_of_month(day: date, term: str) -> bool:
    if term == "L":
        return (day + ONE_DAY).day == 1
    if term == "LW":
        later = [day + n * ONE_DAY for n in range(1, 7) if (day + n * ONE_DAY).month == day.month]
        return day.weekday() < 5 and all(other.weekday() >= 5 for other in later)
    return belongs(day.day, term, 1, 31)


def is_weekday(day: date, term: str) -> bool:
    plain, _, nth = term.partition("#")
    plain = plain.removesuffix("L")
    numbers = {day.isoweekday() % 7, day.isoweekday()}
    if not any(belongs(number, plain, 0, 7, WEEKDAYS) for number in numbers):
        return False
    if term.endswith("L"):
        return (day + 7 * ONE_DAY).month != day.month
    return not nth or sum((day - n * 7 * ONE_DAY).month == day.month for n in range(5)) == int(nth)


class Clock:
    """What a zone's clock shows from `start` until `end`. Both are whole minutes in UTC, far from any change.

    `shown` has what it shows, and `reached` when it shows a time or a later one for the first time, both by instant.
    """

    def __init__(self, zone: str, start: datetime, end: datetime) -> None:
        self.zone, self.start, self.end = zone, int(start.timestamp()), int(end.timestamp())
        self.shown: list[Stretch] = []
        self.reached: list[Stretch] = []
        self._look()

    def _look(self) -> None:
        zone, minute = ZoneInfo(self.zone), timedelta(minutes=1)
        highest = datetime.fromtimestamp(self.start - MINUTE, zone).replace(tzinfo=None)
        for instant in range(self.start, self.end, MINUTE):
            local = datetime.fromtimestamp(instant, zone).replace(tzinfo=None, fold=0)
            assert local.second == 0
            _add(self.shown, local, instant, stands=False)
            left_out = highest + minute < local
            while highest < local:
                highest += minute
                _add(self.reached, highest, instant, stands=left_out)


def _add(stretches: list[Stretch], local: datetime, instant: int, *, stands: bool) -> None:
    if not stretches or stretches[-1].day != local.date():
        stretches.append(Stretch(instant, local.date(), []))
    runs = stretches[-1].runs
    if runs and _continues(runs[-1], local, instant, stands=stands):
        runs[-1] = runs[-1]._replace(last=local.minute)
    else:
        runs.append(Run(instant, local.hour, local.minute, local.minute, stands))


def _continues(run: Run, local: datetime, instant: int, *, stands: bool) -> bool:
    if (run.hour, run.last + 1, run.stands) != (local.hour, local.minute, stands):
        return False
    return instant == run.instant + (0 if stands else (local.minute - run.first) * MINUTE)


def changes(zone: str, start: datetime, end: datetime) -> list[datetime]:
    """The instants in these days, to the hour, at which a zone changes its clock."""
    days = [start + n * ONE_DAY for n in range((end - start).days)]
    return [_hour_of_change(zone, day) for day in days if _offset(zone, day) != _offset(zone, day + ONE_DAY)]


def _hour_of_change(zone: str, day: datetime) -> datetime:
    hours = [day + timedelta(hours=n) for n in range(25)]
    return next(hour for hour in hours if _offset(zone, hour) != _offset(zone, day))


def _offset(zone: str, instant: datetime) -> timedelta | None:
    return instant.astimezone(ZoneInfo(zone)).utcoffset()


def changing_zones(start: datetime, end: datetime) -> Sequence[Sequence[str]]:
    """The names of all zones that change their clocks in these days; those that do alike are together."""
    alike: dict[tuple[object, ...], list[str]] = {}
    for zone in sorted(available_timezones() - {"localtime", "Factory"}):
        found = changes(zone, start, end)
        if found:
            alike.setdefault((_offset(zone, start), *((day, _offset(zone, day)) for day in found)), []).append(zone)
    return list(alike.values())


def around(zone: str, change: datetime) -> Clock:
    half = timedelta(hours=HOURS_AROUND)
    return Clock(zone, change - half, change + half)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
