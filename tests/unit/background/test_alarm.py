"""One timer for many waits."""

import asyncio
from typing import Any

from app.background.alarm import Alarm
from tests.support.virtual_time import in_virtual_time

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


def timers_of(rung: Rung) -> list[float]:
    """When its loop is asked to call something, from now on."""
    call_at, asked = rung.loop.call_at, []

    def note_call(when: float, *rest: Any, **more: Any) -> asyncio.TimerHandle:
        asked.append(when)
        return call_at(when, *rest, **more)

    rung.loop.call_at = note_call  # type: ignore[method-assign]
    return asked


@in_virtual_time
async def test_it_rings_once() -> None:
    rung = Rung()
    rung.set(0.001)
    await rung.rang.wait()
    await asyncio.sleep(HOUR)
    assert rung.times == 1


@in_virtual_time
async def test_many_waits_that_end_early_need_one_timer() -> None:
    rung = Rung()
    timers = timers_of(rung)
    for _ in range(1_000):
        rung.set(HOUR)
        rung.alarm.clear()
    assert len(timers) == 1


@in_virtual_time
async def test_the_timer_of_an_earlier_wait_does_not_ring_for_a_later_one() -> None:
    rung = Rung()
    rung.set(1)
    rung.alarm.clear()
    rung.set(5)
    await rung.rang.wait()
    assert (rung.loop.time(), rung.times) == (5, 1)


@in_virtual_time
async def test_a_wait_that_is_shorter_than_the_one_before_rings_in_time() -> None:
    rung = Rung()
    rung.set(HOUR)
    rung.set(0.001)
    await rung.rang.wait()
    assert rung.loop.time() == 0.001


@in_virtual_time
async def test_it_does_not_ring_when_it_was_cleared() -> None:
    rung = Rung()
    rung.set(0.001)
    rung.alarm.clear()
    await asyncio.sleep(HOUR)
    assert rung.times == 0


@in_virtual_time
async def test_a_closed_one_leaves_no_timer() -> None:
    rung = Rung()
    rung.set(0.001)
    rung.alarm.close()
    rung.alarm.close()
    await asyncio.sleep(HOUR)
    assert rung.times == 0


@in_virtual_time
async def test_it_may_be_set_again_when_it_rings() -> None:
    loop, rings, done = asyncio.get_running_loop(), [], asyncio.Event()

    def ring() -> None:
        rings.append(loop.time())
        if len(rings) < 3:
            alarm.set(loop.time() + 1, loop)
        else:
            done.set()

    alarm = Alarm(ring)
    alarm.set(loop.time(), loop)
    await done.wait()
    assert rings == [0, 1, 2]
