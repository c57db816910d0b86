"""When cron expressions fire, above all where local time has gaps and repetitions."""

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.schedules.times import cron_problems, last_match, matches, next_match, time_zone_problems

BERLIN = ZoneInfo("Europe/Berlin")  # the clocks go from 02:00 to 03:00 on 2026-03-29, from 03:00 to 02:00 on 2026-10-25
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Cairo")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def fires(expression: str, after: str, count: int) -> list[str]:
    found = islice(matches(expression, BERLIN, utc(after)), count)
    return [fire.strftime("%d %H:%M:%S") for fire in found]


def test_a_time_that_does_not_exist_fires_right_after_the_gap():
    assert fires("30 2 * * *", "2026-03-28 00:00", 3) == ["28 01:30:00", "29 01:00:00", "30 00:30:00"]


def test_two_times_that_do_not_exist_fire_once():
    assert fires("0,30 2 * * *", "2026-03-28 12:00", 3) == ["29 01:00:00", "30 00:00:00", "30 00:30:00"]


def test_a_time_that_exists_twice_fires_the_first_time():
    assert fires("30 2 * * *", "2026-10-24 12:00", 2) == ["25 00:30:00", "26 01:30:00"]


def test_looking_from_within_the_repeated_hour_does_not_go_back():
    assert fires("30 2 * * *", "2026-10-25 01:10", 1) == ["26 01:30:00"]


def test_every_hour_means_every_hour_that_passes():
    assert fires("0 * * * *", "2026-03-29 00:30", 2) == ["29 01:00:00", "29 02:00:00"]
    assert fires("0 * * * *", "2026-10-24 23:30", 4) == ["25 00:00:00", "25 01:00:00", "25 02:00:00", "25 03:00:00"]


def test_six_fields_begin_with_the_second():
    assert fires("*/20 * * * * *", "2026-01-01 00:00", 3) == ["01 00:00:20", "01 00:00:40", "01 00:01:00"]


def test_with_seconds_a_time_that_does_not_exist_is_left_out_and_a_repeated_one_fires_twice():
    assert fires("0 30 2 * * *", "2026-03-28 12:00", 1) == ["30 00:30:00"]
    assert fires("0 30 2 * * *", "2026-10-24 12:00", 2) == ["25 00:30:00", "25 01:30:00"]


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        (
            "61 * * * *",
            "the minute '61' is not possible; it takes 0 to 59, `*`, lists 1,2, ranges 1-5 and steps */15",
        ),
        (
            "0 0 1 13 *",
            "the month '13' is not possible; it takes 1 to 12 or JAN to DEC, `*`, lists 1,2, ranges 1-5 and steps */15",
        ),
        ("* * *", "has 3 fields; write minute, hour, day-of-month, month, day-of-week, or six with the second first"),
        (
            "0 0 32 2 *",
            "the day-of-month '32' is not possible; it takes 1 to 31, L or LW, `*`, lists 1,2, ranges 1-5 and"
            " steps */15",
        ),
        ("0 0 30 2 *", "'0 0 30 2 *' never fires: no day is in these months and on these days"),
        ("0 0 */5 2 MON#5", "'0 0 */5 2 MON#5' never fires: no day is in these months and on these days"),
        ("* " * 200, "has 400 characters; the limit is 200"),
    ],
)
def test_a_wrong_expression_is_a_sentence(expression: str, message: str):
    [problem] = cron_problems(expression)
    assert (problem.path, problem.message) == ("cron", message)


@pytest.mark.parametrize(
    "expression", ["0 9 * * MON-FRI", "0 0 L * *", "0 0 * * FRI#2", "0 0 29 2 *", "*/7 1-3 1,15 * *"]
)
def test_these_are_right(expression: str):
    assert cron_problems(expression) == []


@given(st.text(alphabet="0123456789*/,-#LW MONJAFRI²\n", max_size=40))
def test_whatever_is_written_is_right_or_a_sentence(expression: str):
    for problem in cron_problems(expression):
        assert problem.path == "cron"
        assert problem.message


@pytest.mark.parametrize(
    "name", ["Berlin", "", "../etc/passwd", "Europe", "Europe/Berlin\x00", "/etc/passwd", "ß" * 300]
)
def test_a_wrong_time_zone_is_a_sentence(name: str):
    [problem] = time_zone_problems(name)
    assert problem.path == "time_zone"
    assert "use a name like Europe/Berlin or UTC" in problem.message


def test_a_right_time_zone_is_no_problem():
    assert [time_zone_problems(zone) for zone in ZONES] == [[]] * len(ZONES)


def field(low: int, high: int) -> st.SearchStrategy[str]:
    numbers = st.integers(low, high)
    return st.one_of(
        st.just("*"),
        numbers.map(str),
        st.integers(1, high).map(lambda step: f"*/{step}"),
        st.tuples(numbers, numbers).map(lambda ends: f"{min(ends)}-{max(ends)}"),
        st.lists(numbers, min_size=1, max_size=3).map(lambda many: ",".join(map(str, many))),
    )


EXPRESSIONS = st.tuples(field(0, 59), field(0, 23), field(1, 31), field(1, 12), field(0, 7)).map(" ".join)
SECONDS = st.integers(int(utc("2005-01-01 00:00").timestamp()), int(utc("2060-01-01 00:00").timestamp()))
INSTANTS = SECONDS.map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


@given(EXPRESSIONS, st.sampled_from(ZONES), INSTANTS)
def test_fires_strictly_increase(expression: str, zone: str, after: datetime):
    assume(not cron_problems(expression))
    found = [after, *islice(matches(expression, ZoneInfo(zone), after), 4)]
    assert all(earlier < later for earlier, later in pairwise(found))
    assert all(fire.microsecond == 0 for fire in found[1:])


@given(EXPRESSIONS, st.sampled_from(ZONES), INSTANTS, st.integers(0, 200_000))
def test_the_last_fire_is_the_one_after_which_none_follows(expression: str, zone: str, after: datetime, seconds: int):
    assume(not cron_problems(expression))
    known = ZoneInfo(zone)
    first = next_match(expression, known, after)
    assert first is not None
    until = first + timedelta(seconds=seconds)
    last = last_match(expression, known, first, until)
    assert first <= last <= until
    following = next_match(expression, known, last)
    assert following is None or following > until
