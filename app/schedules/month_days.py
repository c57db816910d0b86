"""Which days of a month match, by the day-of-month and day-of-week fields of a cron expression."""

from calendar import monthrange
from dataclasses import dataclass, field

from app.schedules.cron_fields import DAY, WEEKDAY, digits

SUNDAY, SATURDAY = 0, 6
NTH = range(1, 6)
Nth = tuple[int, int]


@dataclass(frozen=True, slots=True)
class MonthDays:
    """The two fields, parsed. Weekdays are 0 (Sunday) to 6 (Saturday).

    numbers: days of the month.
    last: whether the last day of the month matches.
    last_workday: whether the last day from Monday to Friday matches.
    weekdays: days of the week.
    nth_weekdays: pairs of a weekday and its number within the month, 1 to 5.
    last_weekdays: weekdays whose last day in the month matches.
    both: whether a day must match both fields; otherwise one of them is enough.
    """

    numbers: frozenset[int]
    last: bool
    last_workday: bool
    weekdays: frozenset[int]
    nth_weekdays: frozenset[Nth]
    last_weekdays: frozenset[int]
    both: bool
    _known: dict[tuple[int, int], tuple[int, ...]] = field(default_factory=dict, compare=False, repr=False)

    def of_month(self, year: int, month: int) -> tuple[int, ...]:
        """The matching days of a month, 1 to 31, ascending."""
        monday_based, length = monthrange(year, month)
        return self.of_shape(length, (monday_based + 1) % 7)

    def of_shape(self, length: int, first: int) -> tuple[int, ...]:
        """The matching days of a month with `length` days that begins on the weekday `first`; there are 28 shapes."""
        shape = (length, first)
        if shape not in self._known:
            self._known[shape] = tuple(day for day in range(1, length + 1) if self._matches(day, length, first))
        return self._known[shape]

    def _matches(self, day: int, length: int, first: int) -> bool:
        weekday = (first + day - 1) % 7
        by_number = (
            day in self.numbers
            or (self.last and day == length)
            or (self.last_workday and day == _last_workday(length, first))
        )
        by_weekday = (
            weekday in self.weekdays
            or (weekday, (day + 6) // 7) in self.nth_weekdays
            or (weekday in self.last_weekdays and day + 7 > length)
        )
        return (by_number and by_weekday) if self.both else (by_number or by_weekday)


def _last_workday(length: int, first: int) -> int:
    weekday = (first + length - 1) % 7
    return length - {SUNDAY: 2, SATURDAY: 1}.get(weekday, 0)


def read_month_days(day_text: str, weekday_text: str) -> MonthDays:
    """Parse the two fields. Raise `BadCron`."""
    days = day_text.upper().split(",")
    numbers = [term for term in days if term not in ("L", "LW")]
    try:
        weekdays, nth_weekdays, last_weekdays = _read_weekdays(weekday_text)
    except ValueError:
        raise WEEKDAY.refusal(weekday_text) from None
    try:
        return MonthDays(
            frozenset(number for term in numbers for number in DAY.numbers_of(term)),
            "L" in days,
            "LW" in days,
            weekdays,
            nth_weekdays,
            last_weekdays,
            both=day_text.startswith("*") or weekday_text.startswith("*"),
        )
    except ValueError:
        raise DAY.refusal(day_text) from None


def _read_weekdays(text: str) -> tuple[frozenset[int], frozenset[Nth], frozenset[int]]:
    plain: set[int] = set()
    nth: set[Nth] = set()
    last: set[int] = set()
    for term in text.split(","):
        name, hash_sign, which = term.partition("#")
        if hash_sign:
            nth.add((WEEKDAY.number(name) % 7, NTH[NTH.index(digits(which))]))
        elif term.endswith(("L", "l")):
            last.add(WEEKDAY.number(term[:-1]) % 7)
        else:
            plain.update(number % 7 for number in WEEKDAY.numbers_of(term))
    return frozenset(plain), frozenset(nth), frozenset(last)
