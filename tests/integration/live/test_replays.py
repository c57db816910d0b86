"""A client that comes back continues where it was: no gap, and no repeat."""

import asyncio
import random

from tests.support.removed_positions import removed_positions
from tests.support.sockets import LONGEST

from .conftest import EVENTS, House

RECONNECTIONS = 60
EXECUTIONS = 6


async def test_reconnections_to_all_executions_lose_and_repeat_nothing(house: House) -> None:
    chance, found, sockets = random.Random(4711), list[int](), 0
    total = EXECUTIONS * EVENTS
    starting = asyncio.create_task(one_after_the_other(house))
    while sockets < RECONNECTIONS or len(found) < total:
        async with house.socket() as client:
            sockets += 1
            await client.follow("executions", after=found[-1] if found else 0, mode="all")
            wanted = min(chance.randint(0, 6), total - len(found))
            found += [said["data"]["position"] for said in await client.take(wanted)]
    await starting
    assert found == list(range(1, total + 1))


async def one_after_the_other(house: House) -> None:
    for _ in range(EXECUTIONS):
        await house.finished("steps")


async def test_reconnections_to_an_execution_lose_and_repeat_nothing(house: House) -> None:
    chance, found = random.Random(4711), list[int]()
    execution_id = await house.start("steps")
    while len(found) < EVENTS:
        async with house.socket() as client:
            await client.follow(f"execution:{execution_id}", after=len(found))
            wanted = min(chance.randint(0, 4), EVENTS - len(found))
            found += [said["data"]["sequence"] for said in await client.take(wanted)]
    assert found == list(range(1, EVENTS + 1))


async def test_sockets_that_join_at_any_moment_hear_the_same(house: House) -> None:
    async def hear(after_seconds: float, channel: str) -> list[int]:
        await asyncio.sleep(after_seconds)
        async with house.socket() as client:
            await client.follow(channel, after=0, mode="all")
            return [said["data"]["sequence"] for said in await client.take(EVENTS)]

    execution_id = await house.start("steps")
    channels = (f"execution:{execution_id}", "executions", "workflow:steps")
    heard = await asyncio.gather(*(hear(number / 100, channels[number % 3]) for number in range(30)))
    assert heard == 30 * [list(range(1, EVENTS + 1))]


async def test_numbers_that_do_not_exist_are_refused(house: House) -> None:
    execution_id = await house.finished("steps")
    async with house.socket() as client:
        assert await client.refusal("subscribe", "executions", after=EVENTS + 1) == "invalid"
        assert await client.refusal("subscribe", f"execution:{execution_id}", after=EVENTS + 1) == "invalid"
        assert (await client.follow(f"execution:{execution_id}", after=EVENTS))["data"]["after"] == EVENTS


async def test_a_position_that_has_expired_is_told(house: House, database_url: str) -> None:
    await house.finished("steps")
    await house.live.client.get("/events")
    async with removed_positions(database_url, 4), house.socket() as client, asyncio.timeout(LONGEST):
        heard = await client.ask("subscribe", "executions", after=1)
        assert (heard["type"], heard["data"]["code"]) == ("error", "position_expired")
        assert "read on from 4" in heard["data"]["message"]
        await client.follow("executions", after=4, mode="all")
        assert (await client.hear())["data"]["position"] == 5
