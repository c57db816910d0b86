import time
from datetime import UTC, datetime

import pytest

from app.cli.screen.times import Times

EVENING = "2026-01-02T22:04:05.678900Z"
NOON = datetime(2026, 1, 3, 3, tzinfo=UTC)


@pytest.fixture(autouse=True)
def in_tokyo(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_times_are_local_or_in_utc():
    assert Times().full(EVENING) == "2026-01-03 07:04:05"
    assert Times(utc=True).full(EVENING) == "2026-01-02 22:04:05Z"
    assert Times().full(EVENING, "milliseconds") == "2026-01-03 07:04:05.678"
    assert Times().full(None) == ""


def test_a_brief_time_has_its_date_on_other_days_only():
    assert Times().brief(EVENING, NOON) == "07:04:05"
    assert Times(utc=True).brief(EVENING, NOON) == "2026-01-02 22:04Z"
    assert Times(utc=True).brief("2026-01-03T22:04:05Z", NOON) == "22:04:05Z"
    assert Times().brief(None, NOON) == ""


@pytest.mark.parametrize("instant", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"])
def test_the_ends_of_the_calendar_can_be_shown(instant: str):
    assert Times().full(instant)
    assert Times().brief(instant, NOON)
