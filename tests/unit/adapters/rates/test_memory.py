"""The windows of one process: as exact as the library's, on a clock of their own, and bounded in number."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.adapters.rates import memory
from app.adapters.rates.memory import BoundedMemory
from app.adapters.rates.windows import SlidingWindows

MINUTE = 60.0


class House:
    """Windows whose clock is `seconds`."""

    def __init__(self) -> None:
        self.seconds = 6_000.0
        self.windows = SlidingWindows(BoundedMemory(lambda: self.seconds))

    async def take(self, wanted: int, per_minute: int = 100, subject: str = "ada") -> int:
        return (await self.windows.take(subject, per_minute, wanted)).granted


async def test_as_many_as_are_left_are_granted():
    house = House()
    assert [await house.take(60), await house.take(60), await house.take(60)] == [60, 40, 0]


async def test_subjects_and_limits_are_counted_apart():
    house = House()
    assert [await house.take(100), await house.take(100, subject="bob"), await house.take(50, 50)] == [100, 100, 50]


async def test_the_time_of_a_refusal_is_when_the_next_one_is_allowed():
    house = House()
    house.seconds += 10
    await house.take(100)
    refused = await house.windows.take("ada", 100, 1)
    assert (refused.granted, round(refused.seconds, 3)) == (0, 50.0)
    house.seconds += 50 + MINUTE / 4
    assert await house.take(30) == 25


@given(steps=st.lists(st.tuples(st.floats(0, 90), st.integers(1, 12)), max_size=40))
async def test_no_minute_has_more_than_twice_the_limit_and_on_average_no_more_than_the_limit(
    steps: list[tuple[float, int]],
):
    house, granted = House(), []
    for pause, wanted in steps:
        house.seconds += pause
        granted.append((house.seconds, await house.take(wanted, per_minute=10)))
    for begin, _ in granted:
        assert sum(count for at, count in granted if begin <= at < begin + MINUTE) <= 20
    if granted:
        minutes = (granted[-1][0] - granted[0][0]) / MINUTE
        assert sum(count for _, count in granted) <= 10 * (minutes + 2)


async def test_the_windows_used_last_are_kept(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(memory, "MOST_WINDOWS", 3)
    house = House()
    for subject in ("ada", "bob", "cy", "ada", "dee"):
        await house.take(60, subject=subject)
    assert [await house.take(60, subject=subject) for subject in ("ada", "bob")] == [0, 60]
