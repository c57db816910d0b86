"""A window begins when every caller could have ended a call, and holds as many as there are callers, or a multiple."""

import asyncio
import os
import time
from types import SimpleNamespace

import pytest

from bench import closed_loop as module
from bench.closed_loop import Load, closed_loop, percentiles
from tests.support.virtual_time import in_virtual_time


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loop's clock instead of the machine's."""
    clock = SimpleNamespace(perf_counter=lambda: asyncio.get_running_loop().time(), process_time=time.process_time)
    monkeypatch.setattr(module, "time", clock)


def load(concurrency: int, seconds: float = 0.0, max_seconds: float = 60.0, **watched) -> Load:
    return Load(concurrency, seconds, 0.0, max_seconds, watched=watched)


class Calls:
    """Slow calls, counted: how many there were, and how many at once."""

    def __init__(self) -> None:
        self.all = 0
        self.most = 0
        self._now = 0

    async def call(self) -> float:
        self.all += 1
        self._now += 1
        self.most = max(self.most, self._now)
        await asyncio.sleep(0.005)
        self._now -= 1
        return 0.25


@in_virtual_time
async def test_every_caller_ends_a_call_before_the_window_and_one_within_it():
    calls = Calls()
    measured = await closed_loop(calls.call, load(5))
    assert (measured.operations, calls.most) == (5, 5)
    assert measured.total == calls.all == 5 + 5 + 4  # four callers called again before the fifth ended the window
    assert measured.first == [0.25] * 5


@in_virtual_time
async def test_a_window_lasts_as_long_as_asked():
    measured = await closed_loop(lambda: asyncio.sleep(0.01), load(1, seconds=0.05))
    assert measured.seconds == pytest.approx(0.05)
    assert measured.operations == len(measured.end) == 5
    assert measured.first == []


@in_virtual_time
async def test_callers_that_move_in_step_are_measured_over_whole_steps():
    measured = await closed_loop(lambda: asyncio.sleep(0.01), load(4, seconds=0.015))
    assert measured.operations == 8
    assert measured.seconds == pytest.approx(0.02)


@in_virtual_time
async def test_a_window_ends_although_its_calls_are_slow():
    measured = await closed_loop(lambda: asyncio.sleep(0.01), load(3, seconds=60, max_seconds=0.03))
    assert 0 < measured.operations < measured.total


@in_virtual_time
async def test_processor_time_and_memory_are_told_by_role():
    measured = await closed_loop(lambda: asyncio.sleep(0.01), load(1, seconds=0.01, other=[os.getpid()]))
    assert measured.cpu_seconds.keys() == measured.peak_bytes.keys() == {"client", "other"}
    assert measured.cpu_seconds["client"] > 0


@in_virtual_time
async def test_a_call_that_fails_ends_the_measurement():
    async def fails() -> None:
        raise ConnectionError("gone")

    with pytest.raises(ExceptionGroup) as raised:
        await closed_loop(fails, load(2))
    assert raised.group_contains(ConnectionError)


def test_percentiles_are_times_that_occurred():
    assert percentiles([number / 1000 for number in range(100, -1, -1)]) == {"p50": 50, "p99": 99}
    assert percentiles([0.002]) == {"p50": 2, "p99": 2}
    assert percentiles([]) is None
