"""The fires that the service finds beside those of the reference."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from itertools import islice, takewhile
from random import Random
from zoneinfo import ZoneInfo

from app.schedules.cron import parse_cron
from app.schedules.times import matches
from tests.support.cron_reference import Clock, Reference

HOUR = 3600


@dataclass(frozen=True)
class Difference:
    expression: str
    zone: str
    after: str
    expected: list[str]
    found: list[str]


def starts(clock: Clock, change: datetime, rng: Random) -> list[float]:
    """Where to look from: anywhere, an hour before a change, right before it, and in what it repeats or leaves out."""
    at = change.timestamp()
    anywhere = rng.randrange(clock.start, clock.end)
    return [anywhere, at - HOUR - 1, at - 1 + rng.random(), at + rng.randrange(-HOUR, HOUR), at + rng.random() * HOUR]


def difference(expression: str, zone: str, clock: Clock, after: float, count: int) -> Difference | None:
    """Of the first `count` fires later than `after`, as far as the clock goes."""
    expected = list(islice(_reference(expression).fires(clock, after), count))
    found = list(islice(_found(expression, zone, clock, after), count))
    if found == expected:
        return None
    return Difference(expression, zone, _text(after), [*map(_text, expected)], [*map(_text, found)])


_reference = lru_cache(maxsize=16)(Reference)


def _found(expression: str, zone: str, clock: Clock, after: float) -> Iterator[int]:
    fires = matches(parse_cron(expression), ZoneInfo(zone), datetime.fromtimestamp(after, UTC))
    return takewhile(lambda instant: instant < clock.end, (int(fire.timestamp()) for fire in fires))


def _text(instant: float) -> str:
    return datetime.fromtimestamp(instant, UTC).isoformat()
