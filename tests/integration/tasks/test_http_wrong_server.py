"""Many concurrent requests to a server with faulty responses: no task receives a byte that belongs to another.

tests/soak/test_http_soak.py does the same for longer.
"""

import random
from itertools import count

import pytest

from app.tasks.http.connection import Connection
from app.tasks.http.pool import PoolLimits
from app.tasks.task_type import HttpOptions
from tests.integration.tasks.site import rights
from tests.support.wrong_http import Caller, WrongServer, call_in_rounds, call_without_pause, opened

TRUSTING = {"no_reuse_seconds": 0.0}
"""Otherwise no connection would be reused after the first excess bytes."""


async def made_in_rounds(handler, clock, seed: int, call_seconds: float = 30.0) -> tuple[Caller, WrongServer]:
    server = WrongServer(random.Random(seed), extra_delays=(None, 0.0, 0.001, 0.01))
    listening, url = await opened(server)
    limits, rounds = PoolLimits(**TRUSTING), count()
    options = HttpOptions(rights(allow_private=True), call_seconds=call_seconds)
    caller = Caller(random.Random(seed), handler(options, clock=clock, limits=limits), url)

    def rest() -> None:
        clock.now += limits.cooldown_seconds

    async with listening:
        await call_in_rounds(caller, server, 30, lambda: next(rounds) < 12, rest)
    return caller, server


async def made_without_pause(handler, seed: int) -> tuple[Caller, WrongServer]:
    server = WrongServer(random.Random(seed), extra_delays=(None,))
    listening, url = await opened(server)
    limits, calls = PoolLimits(cooldown_seconds=0.0, **TRUSTING), count()
    caller = Caller(random.Random(seed), handler(HttpOptions(rights(allow_private=True)), limits=limits), url)
    async with listening:
        await call_without_pause(caller, 30, lambda: next(calls) < 600)
    return caller, server


@pytest.mark.parametrize("seed", range(4))
async def test_excess_bytes_with_and_after_a_response_reach_no_other_request(handler, clock, seed) -> None:
    caller, server = await made_in_rounds(handler, clock, seed)
    assert caller.breaches == []
    assert server.connections < sum(caller.outcomes.values()), "no connection was reused, so nothing was tested"


@pytest.mark.parametrize("seed", range(4))
async def test_excess_bytes_with_a_response_reach_no_other_request_without_a_cooldown(handler, seed) -> None:
    caller, server = await made_without_pause(handler, seed)
    assert caller.breaches == []
    assert server.connections < sum(caller.outcomes.values())


async def test_a_pool_that_reuses_every_connection_is_found_out(handler, clock, monkeypatch) -> None:
    monkeypatch.setattr(Connection, "has_unexpected_bytes", False)
    caller, _ = await made_in_rounds(handler, clock, 1, call_seconds=0.3)
    assert caller.breaches
