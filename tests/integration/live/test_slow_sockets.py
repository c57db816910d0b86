"""Clients that do not read: what waits for them is bounded, others do not notice, and they lose nothing for good."""

import asyncio
from contextlib import AsyncExitStack

from app.api.live.outbox import MOST_REPLIES
from tests.support.sockets import Deaf, Socket, deaf_socket

from .conftest import House

READERS = 190
OF_ALL = 20
DEAF = 10
EXECUTIONS = 20
EVENTS = 6
LARGE = "x" * 60_000
BOUND = 262_144 + MOST_REPLIES


async def test_ten_of_two_hundred_sockets_never_read(house: House) -> None:
    async with AsyncExitStack() as stack:
        deaf = [await stack.enter_async_context(deaf_socket(house.live.port)) for _ in range(DEAF)]
        for one in deaf:
            one.say("subscribe", "executions", mode="all", after=0)
        readers = [await stack.enter_async_context(house.socket()) for _ in range(READERS)]
        modes = ["all" if number < OF_ALL else "newest" for number in range(READERS)]
        for reader, mode in zip(readers, modes, strict=True):
            await reader.follow("executions", after=0, mode=mode)
        reading = [asyncio.create_task(finals(reader, mode)) for reader, mode in zip(readers, modes, strict=True)]
        ids = [await ended(house) for _ in range(EXECUTIONS)]
        heard = await asyncio.gather(*reading)
        for number, (positions, final) in enumerate(heard):
            assert final == set(ids)
            assert positions == sorted(set(positions))
            if number < OF_ALL:
                assert positions == list(range(1, EXECUTIONS * EVENTS + 1))
        sizes = [one._outbox.size for one in house.live.services.sockets._open]  # type: ignore[attr-defined]
        assert max(sizes) <= BOUND
        for one in deaf[:3]:
            assert await catch_up(one) == list(range(1, EXECUTIONS * EVENTS + 1))


async def finals(reader: Socket, mode: str) -> tuple[list[int], set[str]]:
    """The positions, and the executions that have ended, when all have. On a busy machine it may fall behind, too."""
    positions, final = list[int](), set[str]()
    while len(final) < EXECUTIONS:
        heard = await reader.hear()
        data = heard["data"]
        if heard["type"] == "resync":
            await reader.say("subscribe", "executions", mode=mode, after=data["after"])
        if heard["type"] != "execution_update":
            continue
        positions.append(data["position"])
        if data["type"] == "execution_completed":
            final.add(data["execution_id"])
    return positions, final


async def ended(house: House) -> str:
    """Its output is large."""
    execution_id = await house.start("waits")
    body = {"name": "go", "payload": LARGE}
    assert (await house.live.client.post(f"/executions/{execution_id}/signal", json=body)).status_code == 202
    await house.end_of(execution_id)
    return execution_id


async def catch_up(one: Deaf) -> list[int]:
    """The positions, once each, when it reads what it was sent and does what it is told."""
    positions, resyncs = list[int](), 0
    while len(positions) < EXECUTIONS * EVENTS:
        heard = await one.hear()
        if heard["type"] == "execution_update":
            positions.append(heard["data"]["position"])
        elif heard["type"] == "resync":
            resyncs += 1
            assert heard["data"] == {"channel": "executions", "after": positions[-1] if positions else 0}
            one.say("subscribe", "executions", mode="all", after=heard["data"]["after"])
    assert resyncs > 0
    return positions
