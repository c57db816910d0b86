"""Counting in Redis: what happens when it fails, is silent, or is late."""

import asyncio
import logging
from dataclasses import dataclass, field

import pytest
from redis.exceptions import ConnectionError as Refused
from redis.exceptions import ReadOnlyError

from app.adapters.rates.shared import PATIENCE_SECONDS, PAUSE_SECONDS, LocalCounters, SharedCounters
from app.identity.ports import Taken
from tests.support.virtual_time import in_virtual_time

TIMEOUT_SECONDS = 0.25


@dataclass
class Redis:
    """Allows everything, after `delay` seconds, or raises `error`."""

    error: Exception | None = None
    delay: float = 0.0
    asked: list[str] = field(default_factory=list)

    async def take(self, subject: str, per_minute: int, wanted: int) -> Taken:
        self.asked.append(subject)
        await asyncio.sleep(self.delay)
        if self.error is not None:
            raise self.error
        return Taken(wanted)


class House:
    """Counters on the clock of the loop. In Redis every request is allowed, in the process none but 3 a minute."""

    def __init__(self, redis: Redis) -> None:
        clock = asyncio.get_running_loop().time
        self.counters = SharedCounters(redis, LocalCounters(clock), TIMEOUT_SECONDS, clock)  # type: ignore[arg-type]

    async def take(self, subject: str = "ada") -> int:
        return (await self.counters.take(subject, 3, 1)).granted


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


@in_virtual_time
async def test_while_redis_answers_it_counts():
    house = House(Redis(delay=PATIENCE_SECONDS / 2))
    assert [await house.take() for _ in range(9)] == [1] * 9


@pytest.mark.parametrize("error", [Refused("refused"), ReadOnlyError("READONLY"), OSError("gone"), ValueError("what")])
def test_while_redis_fails_the_process_counts_and_asks_once_a_second(
    error: Exception, caplog: pytest.LogCaptureFixture
):
    @in_virtual_time
    async def story() -> None:
        redis = Redis(error)
        house = House(redis)
        assert [await house.take() for _ in range(5)] == [1, 1, 1, 0, 0]
        assert len(redis.asked) == 1
        for _ in range(3):
            await asyncio.sleep(PAUSE_SECONDS)
            await asyncio.gather(*(house.take(f"subject {n}") for n in range(5)))
        assert len(redis.asked) == 4
        redis.error = None
        await asyncio.sleep(PAUSE_SECONDS)
        assert [await house.take() for _ in range(9)] == [1] * 9

    story()
    assert len(warnings(caplog)) == 1
    assert "Redis (rate limits) does not answer" in warnings(caplog)[0]


def test_no_request_waits_longer_than_a_few_milliseconds_for_a_silent_redis(caplog: pytest.LogCaptureFixture):
    @in_virtual_time
    async def story() -> None:
        clock = asyncio.get_running_loop().time
        redis = Redis(delay=3600)
        house = House(redis)
        for number in range(200):
            before = clock()
            assert await house.take(f"subject {number}") == 1
            assert clock() - before <= PATIENCE_SECONDS + 1e-9
        asked = len(redis.asked)
        assert asked <= TIMEOUT_SECONDS / PATIENCE_SECONDS + 1
        assert clock() < TIMEOUT_SECONDS + 2 * PATIENCE_SECONDS
        await asyncio.sleep(TIMEOUT_SECONDS + PAUSE_SECONDS)
        await asyncio.gather(*(house.take(f"subject {n}") for n in range(50)))
        assert len(redis.asked) == asked + 1
        await house.counters.close()

    story()
    assert len(warnings(caplog)) == 1


def test_a_late_answer_is_no_outage(caplog: pytest.LogCaptureFixture):
    @in_virtual_time
    async def story() -> None:
        redis = Redis(delay=4 * PATIENCE_SECONDS)
        house = House(redis)
        assert [await house.take() for _ in range(5)] == [1, 1, 1, 0, 0]
        assert len(redis.asked) == 5
        await house.counters.close()

    story()
    assert warnings(caplog) == []
