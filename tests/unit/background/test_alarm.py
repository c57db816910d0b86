"""One timer for many waits."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.background.alarm import Alarm

HOUR = 3_600.0


class Rung:
    """An alarm, how often it rang, and the clock that it goes by."""

    def __init__(self) -> None:
        self.times = 0
        self.loop = asyncio.get_running_loop()
        self.rang = asyncio.Event()
        self.alarm = Alarm(self._ring)

    def set(self, seconds: float) -> None:
        self.alarm.set(self.loop.time() + seconds, self.loop)

    def _ring(self) -> None:
        self.times += 1
        self.rang.set()


@pytest.fixture
async def rung() -> AsyncIterator[Rung]:
    rung = Rung()
    yield rung
    rung.alarm.close()


@pytest.fixture
async def timers(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """When the loop was asked to call something."""
    loop, asked = asyncio.get_running_loop(), []
    call_at = loop.call_at

    def note_call(when: float, *rest: Any, **more: Any) -> asyncio.TimerHandle:
        asked.append(when)
        return call_at(when, *rest, **more)

    monkeypatch.setattr(loop, "call_at", note_call)
    return asked


async def test_it_rings_once(rung: Rung) -> None:
    rung.set(0.001)
    await rung.rang.wait()
    await asyncio.sleep(0.01)
    assert rung.times == 1


async def test_many_waits_that_end_early_need_one_timer(rung: Rung, timers: list[float]) -> None:
    for _ in range(1_000):
        rung.set(HOUR)
        rung.alarm.clear()
    assert len(timers) == 1


async def test_the_timer_of_an_earlier_wait_does_not_ring_for_a_later_one(rung: Rung) -> None:
    rung.set(0.001)
    rung.alarm.clear()
    due = rung.loop.time() + 0.05
    rung.alarm.set(due, rung.loop)
    await rung.rang.wait()
    assert rung.loop.time() >= due
    assert rung.times == 1


async def test_a_wait_that_is_shorter_than_the_one_before_rings_in_time(rung: Rung) -> None:
    rung.set(HOUR)
    rung.set(0.001)
    await asyncio.wait_for(rung.rang.wait(), 30)


async def test_it_does_not_ring_when_it_was_cleared(rung: Rung) -> None:
    rung.set(0.001)
    rung.alarm.clear()
    await asyncio.sleep(0.02)
    assert rung.times == 0


async def test_a_closed_one_leaves_no_timer(rung: Rung) -> None:
    rung.set(0.001)
    rung.alarm.close()
    rung.alarm.close()
    await asyncio.sleep(0.02)
    assert rung.times == 0


async def test_it_may_be_set_again_when_it_rings() -> None:
    loop, rings, done = asyncio.get_running_loop(), [], asyncio.Event()

    def ring() -> None:
        rings.append(loop.time())
        if len(rings) < 3:
            alarm.set(loop.time() + 0.001, loop)
        else:
            done.set()

    alarm = Alarm(ring)
    alarm.set(loop.time(), loop)
    await asyncio.wait_for(done.wait(), 30)
    assert len(rings) == 3
