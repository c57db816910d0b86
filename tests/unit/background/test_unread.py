"""How long a client may take to read what waits for it."""

import asyncio
from typing import Any

import pytest

from app.background.unread import LEAST_BYTES, UnreadTimer
from tests.support.virtual_time import in_virtual_time

SECONDS = 30.0


class Full:
    """A transport with so many bytes that its client has not taken."""

    def __init__(self, unread: int) -> None:
        self.unread = unread

    def get_write_buffer_size(self) -> int:
        return self.unread


def started(transport: Any, given_up: list[float]) -> UnreadTimer:
    loop = asyncio.get_running_loop()
    timer = UnreadTimer(loop, transport, SECONDS, lambda: given_up.append(loop.time()))
    timer.start()
    return timer


@in_virtual_time
async def test_a_client_has_as_long_as_it_takes_something() -> None:
    transport, given_up = Full(8_000_000), list[float]()
    timer = started(transport, given_up)
    await asyncio.sleep(1)
    for _ in range(100):
        transport.unread -= LEAST_BYTES
        await asyncio.sleep(SECONDS)
    assert given_up == []
    await asyncio.sleep(2 * SECONDS)
    assert given_up == [pytest.approx(101 * SECONDS)]
    assert not timer.runs


@in_virtual_time
async def test_a_client_that_takes_too_little_is_given_up() -> None:
    transport, given_up = Full(8_000_000), list[float]()
    started(transport, given_up)
    await asyncio.sleep(SECONDS - 1)
    transport.unread -= LEAST_BYTES - 1
    await asyncio.sleep(10 * SECONDS)
    assert given_up == [SECONDS]


@in_virtual_time
async def test_who_has_stopped_waiting_gives_nothing_up() -> None:
    given_up = list[float]()
    timer = started(Full(8_000_000), given_up)
    timer.stop()
    timer.stop()
    await asyncio.sleep(10 * SECONDS)
    assert given_up == []
