"""`http` tasks and a server with faulty responses, for long: no task receives a byte that belongs to another."""

import random
import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from app.tasks.http.client import HttpClient
from app.tasks.http.handler import HttpHandler
from app.tasks.http.pool import PoolLimits
from app.tasks.task_type import HttpOptions
from tests.integration.tasks.site import rights
from tests.support.chaos import ChaosPlan
from tests.support.wrong_http import Caller, WrongServer, call_in_rounds, call_without_pause, opened

AT_ONCE = 100


class RoundClock:
    """Moves when a round is over."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def rest(self) -> None:
        self.now += PoolLimits().cooldown_seconds


def verdict(caller: Caller, server: WrongServer, tell: Callable[[object], None]) -> None:
    calls = sum(caller.outcomes.values())
    tell(f"{calls} calls on {server.connections} connections: {dict(caller.outcomes)}")
    assert caller.breaches == []
    assert server.connections < calls


@pytest.mark.timeout(0)
async def test_excess_bytes_reach_no_other_request(
    plan: ChaosPlan, soak_seconds: float, tell: Callable[[object], None]
) -> None:
    """In rounds, so that late bytes have been sent; connections are reused also after excess bytes."""
    server, clock = WrongServer(random.Random(plan.seed), (None, 0.0, 0.001, 0.02, 0.04)), RoundClock()
    listening, url = await opened(server)
    options, limits = HttpOptions(rights(allow_private=True)), PoolLimits(no_reuse_seconds=0.0)
    client = HttpClient(options, clock=clock, limits=limits)
    caller = Caller(random.Random(plan.seed), HttpHandler(client, "GET", options, lambda: datetime.now(UTC)), url)
    until = time.monotonic() + soak_seconds / 2
    async with listening:
        await call_in_rounds(caller, server, AT_ONCE, lambda: time.monotonic() < until, clock.rest)
        await client.close()
    verdict(caller, server, tell)


@pytest.mark.timeout(0)
async def test_excess_bytes_reach_no_other_request_without_a_cooldown(
    plan: ChaosPlan, soak_seconds: float, tell: Callable[[object], None]
) -> None:
    """Continuous, and without a cooldown: excess bytes are recognised only because they have been received."""
    server = WrongServer(random.Random(plan.seed), (None,))
    listening, url = await opened(server)
    options, limits = HttpOptions(rights(allow_private=True)), PoolLimits(cooldown_seconds=0.0, no_reuse_seconds=0.0)
    client = HttpClient(options, limits=limits)
    caller = Caller(random.Random(plan.seed), HttpHandler(client, "GET", options, lambda: datetime.now(UTC)), url)
    until = time.monotonic() + soak_seconds / 2
    async with listening:
        await call_without_pause(caller, AT_ONCE, lambda: time.monotonic() < until)
        await client.close()
    verdict(caller, server, tell)
