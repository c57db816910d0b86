"""The `delay` type: it sleeps until its due instant, whatever happened to the engine in between."""

import asyncio
import json
import time
from datetime import UTC, datetime, timedelta

import pytest

from app.domain.handlers import TaskError
from app.tasks.delay import DelayHandler

STARTED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class WallClock:
    """Stands at `at` seconds after the first attempt's start, and moves on with the loop's clock when told to."""

    def __init__(self, at: float, *, runs: bool = True) -> None:
        self._at, self._runs, self._zero = at, runs, time.monotonic()

    def __call__(self) -> datetime:
        passed = time.monotonic() - self._zero if self._runs else 0.0
        return STARTED + timedelta(seconds=self._at + passed)


async def slept(handler: DelayHandler, attempt) -> float:
    before = time.monotonic()
    await handler.run(attempt)
    return time.monotonic() - before


async def test_a_first_attempt_waits_for_the_whole_time(attempt) -> None:
    clock = WallClock(0)
    await DelayHandler(clock).run(attempt({"seconds": 0.1}))
    assert clock() >= STARTED + timedelta(seconds=0.1)


async def test_a_restarted_engine_waits_for_the_rest_only(attempt) -> None:
    clock = WallClock(3599.9)
    assert await slept(DelayHandler(clock), attempt({"seconds": 3600}, number=2)) < 30
    assert clock() >= STARTED + timedelta(hours=1)


async def test_a_delay_that_is_over_does_not_wait(attempt) -> None:
    assert await slept(DelayHandler(WallClock(7200)), attempt({"duration": 3600})) < 30


async def test_a_clock_behind_the_first_engines_does_not_lengthen_the_delay(attempt) -> None:
    handler = DelayHandler(WallClock(-3600, runs=False))
    assert 0.1 <= await slept(handler, attempt({"seconds": 0.1})) < 30


async def test_a_delay_whose_hour_passed_while_the_computer_slept_ends_soon(attempt, monkeypatch) -> None:
    monkeypatch.setattr("app.tasks.delay.LONGEST_SLEEP_SECONDS", 0.01)
    readings = iter([0, 1, 7200])
    handler = DelayHandler(lambda: STARTED + timedelta(seconds=next(readings)))
    assert await slept(handler, attempt({"seconds": 3600})) < 30


@pytest.mark.parametrize(
    ("config", "output"),
    [
        ({"seconds": 0}, '{"seconds": 0}'),
        ({"duration": 0.01}, '{"seconds": 0.01}'),
        ({"seconds": 0.0}, '{"seconds": 0}'),
    ],
)
async def test_the_output_tells_the_seconds(attempt, config, output) -> None:
    assert json.dumps(await DelayHandler(WallClock(0)).run(attempt(config))) == output


async def test_a_cancelled_delay_ends_at_once(attempt) -> None:
    waiting = asyncio.create_task(DelayHandler(WallClock(0)).run(attempt({"seconds": 3600})))
    await asyncio.sleep(0.01)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_a_wrong_config_fails_the_task(attempt) -> None:
    with pytest.raises(TaskError, match="config: needs exactly one of seconds and duration"):
        await DelayHandler(WallClock(0)).run(attempt({}))
