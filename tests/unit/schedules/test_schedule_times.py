"""When cron expressions fire, above all where local time has gaps and repetitions."""

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.schedules.cron import Steps, cron_problems, parse_cron
from app.schedules.times import last_match, matches, next_match
from app.schedules.zones import time_zone_problems, zone_names

BERLIN = ZoneInfo("Europe/Berlin")  # the clocks go from 02:00 to 03:00 on 2026-03-29, from 03:00 to 02:00 on 2026-10-25
ZONES = ("UTC", "Europe/Berlin", "America/Santiago", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Cairo", "NZ-CHAT")
MOST_STEPS = 2_000


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def fires(expression: str, after: str, count: int) -> list[str]:
    found = islice(matches(parse_cron(expression), BERLIN, utc(after)), count)
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


@pytest.mark.parametrize(
    ("expression", "zone", "after", "expected"),
    [
        # 03:45 to 02:45 at 14:00Z: what is shown twice fires twice
        ("44 */3 * * *", "Pacific/Chatham", "2027-04-03 13:44:05", ["03 13:59", "03 14:59", "03 17:59"]),
        ("44 3 * * *", "Pacific/Chatham", "2027-04-03 13:44:05", ["03 13:59", "04 14:59"]),
        ("0 50 3 4 4 *", "Pacific/Chatham", "2027-01-01 00:00", ["03 15:05"]),
        # 02:00 to 02:30 at 15:30Z: 02:44 is shown, 02:15 is not
        ("44 * * * *", "Australia/Lord_Howe", "2027-10-02 15:00", ["02 15:14", "02 15:44", "02 16:44"]),
        ("15 * * * *", "Australia/Lord_Howe", "2027-10-02 14:00", ["02 14:45", "02 16:15"]),
        ("15 2 * * *", "Australia/Lord_Howe", "2027-10-02 15:00", ["02 15:30", "03 15:15"]),
        # midnight to 01:00: 01:30 is shown
        ("0 30 1 * * SUN", "America/Santiago", "2027-09-05 00:00", ["05 04:30", "12 04:30"]),
        ("0 30 1 28 3 *", "Atlantic/Azores", "2027-01-01 00:00", ["28 01:30"]),
        ("0 30 1 30 4 *", "Africa/Cairo", "2027-01-01 00:00", ["29 22:30"]),
        ("30 0 30 4 *", "Africa/Cairo", "2027-01-01 00:00", ["29 22:00"]),
    ],
)
def test_changes_that_are_not_from_full_hour_to_full_hour(expression: str, zone: str, after: str, expected: list[str]):
    found = islice(matches(parse_cron(expression), ZoneInfo(zone), utc(after)), len(expected))
    assert [fire.strftime("%d %H:%M") for fire in found] == expected


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


def test_a_range_of_one_number_is_that_number_whatever_the_step():
    expression = parse_cron("3-3/4 5-5/7 * 2-2/3 *")
    assert (expression.minutes, expression.hours, expression.months) == ((3,), (5,), (2,))


def test_a_number_with_a_step_goes_on_to_the_end():
    assert parse_cron("50/5 20/2 * 9/2 *").minutes == (50, 55)
    assert parse_cron("50/5 20/2 * 9/2 *").months == (9, 11)


def test_names_and_last_weekdays_are_read_in_any_case():
    assert parse_cron("0 0 * jan-Mar fril") == parse_cron("0 0 * 1-3 5L")


@given(st.text(alphabet="0123456789*/,-#LW MONJAFRI²\n", max_size=40))
def test_whatever_is_written_is_right_or_a_sentence(expression: str):
    for problem in cron_problems(expression):
        assert problem.path == "cron"
        assert problem.message


@pytest.mark.parametrize(
    "name",
    [
        *("Berlin", "", "../etc/passwd", "Europe", "Europe/Berlin\x00", "/etc/passwd", "ß" * 300, "x" * 100_000),
        *("localtime", "posixrules", "Factory", "a/" * 5_000 + "b", "Europe//Berlin", "Europe/./Berlin", "UTC/"),
        *("zone.tab", "leapseconds", "tzdata.zi", "__init__.py", "right/", "\ud800"),
    ],
)
def test_a_wrong_time_zone_is_a_sentence(name: str):
    [problem] = time_zone_problems(name)
    assert problem.path == "time_zone"
    assert problem.message == f"{name[:100]!r} is no time zone; use a name like Europe/Berlin or UTC"


@pytest.mark.parametrize("name", ["europe/berlin", "EUROPE/BERLIN", "posix/Europe/Berlin", "right/europe/berlin"])
def test_a_name_that_is_nearly_right_gets_the_right_one(name: str):
    [problem] = time_zone_problems(name)
    assert problem.message == f"{name!r} is no time zone; did you mean Europe/Berlin?"


def test_every_name_is_a_zone_that_can_be_read():
    for name in zone_names():
        assert ZoneInfo(name).key == name


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
    found = [after, *islice(matches(parse_cron(expression), ZoneInfo(zone), after), 4)]
    assert all(earlier < later for earlier, later in pairwise(found))
    assert all(fire.microsecond == 0 for fire in found[1:])


@given(EXPRESSIONS, st.sampled_from(ZONES), INSTANTS, st.integers(0, 200_000))
def test_the_last_fire_is_the_one_after_which_none_follows(expression: str, zone: str, after: datetime, seconds: int):
    assume(not cron_problems(expression))
    known, cron = ZoneInfo(zone), parse_cron(expression)
    first = next_match(cron, known, after)
    assume(first is not None)
    until = first + timedelta(seconds=seconds)
    last = last_match(cron, known, first, until)
    assert first <= last <= until
    following = next_match(cron, known, last)
    assert following is None or following > until


@given(EXPRESSIONS, st.sampled_from(ZONES), INSTANTS, st.floats(0, 1), st.floats(0, 500_000))
def test_a_later_look_finds_the_same_fire_or_a_later_one(
    expression: str, zone: str, after: datetime, share: float, seconds: float
):
    """The same from anywhere before that fire, and no earlier one from anywhere after it."""
    assume(not cron_problems(expression))
    known, cron = ZoneInfo(zone), parse_cron(expression)
    first = next_match(cron, known, after)
    assume(first is not None)
    assert next_match(cron, known, after + (first - after) * share * 0.999999) == first
    later = next_match(cron, known, first + timedelta(seconds=seconds))
    assert later is None or later > first


HOSTILE = [
    ("0 50 3 4 4 *", "Pacific/Chatham"),
    ("44 */3 * * *", "Pacific/Chatham"),
    ("0 0 29 2 MON#5", "UTC"),
    ("0 0 29 2 */8", "Africa/Casablanca"),
    ("59 59 23 29 2 */8", "Pacific/Apia"),
    ("0 30 2 * 3 0L", "Europe/Berlin"),  # exactly what the clock leaves out each year
    ("* 30 2 * 3 7L", "Europe/Berlin"),
    ("*/30 2 25-31 3 */7", "Europe/Berlin"),
    ("0 0 LW * */6", "Europe/Berlin"),  # no workday is a Sunday or Saturday
    ("0 0 30 2 *", "UTC"),
    ("0 0 31 2,4,6,9,11 *", "America/New_York"),
    ("0-59 0-23 * * *", "Australia/Lord_Howe"),
    ("* * * * * *", "America/Santiago"),
    (",".join(["0-59"] * 38) + " * * * *", "America/Santiago"),
    ("0 0 1 1 *", "Etc/GMT+12"),
]
STARTS = ("0001-01-01", "1900-01-01", "1999-12-31 23:59:59", "2027-04-03 13:59", "2099-02-28", "9999-12-31 23:59:59")


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize(("expression", "zone"), HOSTILE)
def test_a_search_takes_few_steps_wherever_it_begins(expression: str, zone: str, start: str):
    steps = Steps()
    next_match(parse_cron(expression), ZoneInfo(zone), utc(start), steps)
    assert steps.taken <= MOST_STEPS


@pytest.mark.parametrize(("expression", "zone"), HOSTILE)
def test_a_hundred_fires_take_few_steps(expression: str, zone: str):
    steps, after = Steps(limit=20_000), utc("2026-11-28")
    for _ in range(100):
        found = next_match(parse_cron(expression), ZoneInfo(zone), after, steps)
        if found is None:
            break
        after = found
    assert steps.taken <= 100 * 50 + MOST_STEPS


def test_a_search_that_is_out_of_steps_finds_nothing():
    assert next_match(parse_cron("0 0 31 12 *"), BERLIN, utc("2026-11-28"), Steps(limit=1)) is None
