"""Cron expressions by chance: what people write and what they could, with much that falls where clocks change."""

from collections.abc import Callable, Sequence
from random import Random

from tests.support.cron_reference import MONTHS, WEEKDAYS

Number = Callable[[], int]
NIGHT = (0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 4, 23, 23)
TIMES = ("*", "*", "*/2", "*/7", "*/15", "*/20", "*/30", "0-59", "1-59/9", "0,30", "50/3", "44", "15", "0")
HOURS = ("*", "*", "*/2", "*/3", "0-4", "0-23", "1-3/2", "22/1")
DAYS = ("L", "LW", "*/2", "1-7", "25-31", "28,29,30,31", "15/4")
WEEKS = ("0", "7", "SUN", "sat,sun", "6-7", "0L", "7L", "SUN#1", "SUN#2", "0#5", "FRI#5", "*/7", "*/2", "MON-FRI")
SECONDS = ("0", "0", "0", "30", "59", "*/20", "5-50/15", "0,59", "*")


def random_cron(rng: Random) -> str:
    """Five or six fields; a search for its fires ends soon."""
    minute = _pick(rng, TIMES, lambda: rng.randrange(60), 0.4)
    hour = _pick(rng, HOURS, lambda: rng.choice([*NIGHT, rng.randrange(24)]), 0.5)
    day = _pick(rng, DAYS, lambda: rng.randint(1, 31), 0.3) if rng.random() < 0.4 else "*"
    month = _month(rng) if rng.random() < 0.3 else "*"
    weekday = _pick(rng, WEEKS, lambda: rng.randint(0, 7), 0.2, WEEKDAYS) if rng.random() < 0.4 else "*"
    fields = [minute, hour, day, month, weekday]
    if rng.random() < 0.5:
        fields.insert(0, _pick(rng, SECONDS, lambda: rng.randrange(60), 0.3))
    return " ".join(fields)


def _pick(rng: Random, usual: Sequence[str], number: Number, odd: float, names: Sequence[str] = ()) -> str:
    if rng.random() >= odd:
        return rng.choice(usual)
    return ",".join(_term(rng, number, names) for _ in range(rng.choice((1, 1, 1, 2, 3))))


def _term(rng: Random, number: Number, names: Sequence[str]) -> str:
    kind = rng.random()
    if kind < 0.4:
        return rng.choice(names) if names and rng.random() < 0.5 else str(number())
    low, high = sorted((number(), number()))
    if kind < 0.6:
        return f"{low}-{high}"
    if kind < 0.8:
        return f"{low}-{high}/{rng.randint(1, 9)}"
    return f"{low}/{rng.randint(1, 9)}"


def _month(rng: Random) -> str:
    """Most clocks change in these."""
    often = rng.choice(("3", "4", "9", "10", "11", "MAR", "oct", "3,10", "4-10", "*/3", "9/2", "SEP-NOV"))
    return often if rng.random() < 0.8 else rng.choice((*MONTHS, "1", "12", "2-8/3"))
