"""One field of a cron expression: `*`, numbers and names, lists `1,15`, ranges `1-5`, steps `*/10`."""

from collections.abc import Iterable
from dataclasses import dataclass


class BadCron(ValueError):
    """An expression that cannot be parsed. The message is for the user."""


@dataclass(frozen=True, slots=True)
class Field:
    """What a field of an expression accepts.

    name: the field in messages.
    numbers: all possible numbers.
    allowed: the possible values in words, for messages.
    words: names for the first of the numbers, in upper case.
    """

    name: str
    numbers: range
    allowed: str
    words: tuple[str, ...] = ()

    def read(self, text: str) -> tuple[int, ...]:
        """The numbers of a field, ascending. Raise `BadCron`."""
        try:
            return tuple(sorted({number for term in text.split(",") for number in self.numbers_of(term)}))
        except ValueError:
            raise self.refusal(text) from None

    def numbers_of(self, term: str) -> Iterable[int]:
        """The numbers of one item of a list. A step without a range, as `5/10`, runs to the last possible number.

        Raise `ValueError`.
        """
        span, slash, step = term.partition("/")
        first, dash, last = span.partition("-")
        if span == "*":
            numbers = self.numbers
        else:
            low = self.number(first)
            high = self.number(last) if dash else self.numbers[-1] if slash else low
            numbers = range(low, high + 1)
        if not numbers:
            raise ValueError(term)
        return numbers[:: digits(step)] if slash else numbers  # a step of 0 is a ValueError as well

    def number(self, text: str) -> int:
        """Raise `ValueError` unless it is one of the field's numbers or names."""
        if text.upper() in self.words:
            return self.numbers[self.words.index(text.upper())]
        return self.numbers[self.numbers.index(digits(text))]

    def refusal(self, text: str) -> BadCron:
        return BadCron(
            f"the {self.name} {text!r} is not possible; it takes {self.allowed}, `*`, lists 1,2, ranges 1-5 and"
            " steps */15"
        )


def digits(text: str) -> int:
    """Raise `ValueError` for what `int` reads besides: signs, spaces, underscores and the digits of other scripts."""
    if not (text.isascii() and text.isdigit()):
        raise ValueError(text)
    return int(text)


SECOND = Field("second", range(60), "0 to 59")
MINUTE = Field("minute", range(60), "0 to 59")
HOUR = Field("hour", range(24), "0 to 23")
DAY = Field("day-of-month", range(1, 32), "1 to 31, L or LW")
MONTH = Field(
    "month",
    range(1, 13),
    "1 to 12 or JAN to DEC",
    ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"),
)
WEEKDAY = Field(
    "day-of-week",
    range(8),
    "0 to 7 or SUN to SAT, also 5L and MON#1",
    ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"),
)
