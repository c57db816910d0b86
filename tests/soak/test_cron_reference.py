"""5,000 expressions by chance in every zone that changes its clock within two years from now: no fire differs.

The reference looks at every minute of those years. CHAOS_SEED repeats a run on the same day.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from tests.support.chaos import ChaosPlan
from tests.support.cron_comparison import Difference, difference, starts
from tests.support.cron_reference import Clock, changes, changing_zones
from tests.support.random_cron import random_cron

EXPRESSIONS = 5_000
FIRES = 15
SHOWN = 10
DAYS = 731


@pytest.mark.timeout(3600)
def test_every_fire_is_where_the_clock_shows_it(plan: ChaosPlan, tell: Callable[[object], None]):
    start = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    end = start + timedelta(days=DAYS)
    rng = Random(plan.seed)
    expressions = [random_cron(rng) for _ in range(EXPRESSIONS)]
    tell(f"seed {plan.seed}, {start:%Y-%m-%d} to {end:%Y-%m-%d}")
    found = [
        look for names in changing_zones(start, end) for look in _compared(names, expressions, start, end, rng, tell)
    ]
    for look in found[:SHOWN]:
        tell(look)
    assert len(found) == 0


def _compared(names, expressions: list[str], start: datetime, end: datetime, rng: Random, tell) -> list[Difference]:
    """In zones that do alike: each expression in one of them, around one of the changes and from anywhere."""
    clock, turns = Clock(names[0], start, end), changes(names[0], start, end)
    found, looks = [], 0
    for expression in expressions:
        zone, change = rng.choice(names), rng.choice(turns)
        for after in starts(clock, change, rng):
            looks += 1
            found.append(difference(expression, zone, clock, after, FIRES))
    differ = [look for look in found if look is not None]
    tell(f"{len(names):3} zones as {names[0]}: {len(turns)} changes, {looks} looks, {len(differ)} differences")
    return differ
