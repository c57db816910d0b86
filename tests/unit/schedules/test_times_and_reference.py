"""What the service computes is what a look at every minute finds. tests/soak has the same with 5,000 expressions."""

from random import Random

import pytest

from tests.support.cron_comparison import difference, starts
from tests.support.cron_reference import around, changes, changing_zones, utc
from tests.support.random_cron import random_cron

FROM, TO = utc("2026-11-28"), utc("2028-11-28")
EXPRESSIONS = 12  # for each change
FIRES = 12
WHERE_IT_WAS_WRONG = [
    ("0 50 3 4 4 *", "Pacific/Chatham", "2027-04-04 00:00"),
    ("44 */3 * * *", "Pacific/Chatham", "2027-04-03 13:59"),
    ("44 3 * * *", "Pacific/Chatham", "2027-04-03 13:59"),
    ("44 * * * *", "Australia/Lord_Howe", "2027-10-02 15:30"),
    ("0 30 1 * * SUN", "America/Santiago", "2027-09-05 04:00"),
    ("0 30 1 28 3 *", "Atlantic/Azores", "2027-03-28 01:00"),
    ("0 30 1 30 4 *", "Africa/Cairo", "2027-04-29 22:00"),
    ("*/7 */2 * * SUN#2", "America/Havana", "2028-03-12 05:00"),
    ("3-3/4 3-3/4 * * *", "Europe/Berlin", "2027-03-28 01:00"),
]


@pytest.mark.slow
def test_random_expressions_in_every_zone_that_changes_its_clock():
    rng = Random(11)
    found = []
    for names in changing_zones(FROM, TO):
        for change in rng.sample(changes(names[0], FROM, TO), 2):
            clock = around(names[0], change)
            for expression in (random_cron(rng) for _ in range(EXPRESSIONS)):
                looks = [difference(expression, names[0], clock, at, FIRES) for at in starts(clock, change, rng)]
                found += [look for look in looks if look is not None]
    assert found == []


@pytest.mark.parametrize(("expression", "zone", "change"), WHERE_IT_WAS_WRONG)
def test_where_it_was_wrong(expression: str, zone: str, change: str):
    clock = around(zone, utc(change))
    assert difference(expression, zone, clock, clock.start, 2000) is None


@pytest.mark.parametrize(
    ("zone", "change"),
    [
        ("Pacific/Apia", "2011-12-30 10:00"),  # left out a whole day
        ("America/St_Johns", "2010-11-07 02:31"),  # went back at one minute past midnight, into the day before
        ("Antarctica/Troll", "2027-03-28 01:00"),  # goes forward by two hours
        ("America/Scoresbysund", "2027-03-28 01:00"),  # leaves out the last hour of a day
    ],
)
def test_unusual_changes(zone: str, change: str):
    rng, clock = Random(zone), around(zone, utc(change))
    for expression in (random_cron(rng) for _ in range(60)):
        for after in starts(clock, utc(change), rng):
            assert difference(expression, zone, clock, after, FIRES) is None
