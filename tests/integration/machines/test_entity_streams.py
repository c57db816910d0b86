"""The history of an entity over HTTP and over sockets: pages, streams, reconnections, an end."""

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

from app.config import Settings
from app.domain.refs import Ref
from app.machines.deciding import TransitionRequest
from app.machines.entities import EntityStart
from app.machines.parsing import parse_machine
from tests.support.event_source import ACCEPT, EventSource
from tests.support.live_service import LiveService, live_service
from tests.support.sockets import socket
from tests.support.tenant import CALLER, TENANT_ID
from tests.support.walls import urls_for

pytestmark = pytest.mark.server

LONGEST = 60
RING = {
    "name": "ring",
    "key": "ring",
    "states": [{"name": "a", "initial": True}, {"name": "b"}, {"name": "end", "final": True}],
    "transitions": [
        {"from": "a", "to": "b", "name": "go"},
        {"from": "b", "to": "a", "name": "back"},
        {"from": "*", "to": "end", "name": "stop"},
    ],
}


@dataclass
class House:
    """An entity that goes round, and the service."""

    live: LiveService
    id: UUID

    @property
    def path(self) -> str:
        return f"/entities/{self.id}/events"

    async def move(self, to: str) -> None:
        entities = self.live.services.machines.entities
        await entities.transition(CALLER, self.id, TransitionRequest(entities.actor(CALLER), to=to))

    async def go_round(self, moves: int) -> None:
        """Its events are then 1 to `moves` + 2."""
        for number in range(moves):
            await self.move("b" if number % 2 == 0 else "a")
            await asyncio.sleep(0)
        await self.move("end")

    async def page(self, **query: Any) -> dict[str, Any]:
        answer = await self.live.client.get(self.path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    settings = Settings(_env_file=None, **urls_for(database_url), database_pool_size=4)
    async with live_service(settings) as live:
        machines = live.services.machines
        machine = (await machines.definitions.create(CALLER, parse_machine(RING))).machine
        ref, request = Ref(tenant_id=TENANT_ID, id=machine.id), TransitionRequest(machines.entities.actor(CALLER))
        started = await machines.entities.start(CALLER, EntityStart(ref, "things", "1", request, {"n": 1}))
        yield House(live, started.entity.id)


async def test_pages_are_read_one_after_the_other(house: House) -> None:
    await house.go_round(3)
    first = await house.page(limit=2)
    assert ([event["sequence"] for event in first["items"]], first["ended"]) == ([1, 2], False)
    assert first["items"][0] | {"occurred_at": ""} == {
        "sequence": 1,
        "type": "entity_started",
        "occurred_at": "",
        "transition": None,
        "from_state": None,
        "to_state": "a",
        "actor": CALLER.principal,
        "on_behalf_of": None,
        "notes": None,
        "context": None,
        "data": {"n": 1},
        "execution_id": None,
        "message": "Entity started in 'a'",
    }
    rest = await house.page(after=2)
    assert ([event["sequence"] for event in rest["items"]], rest["ended"]) == ([3, 4, 5], True)
    etag = (await house.live.client.get(house.path)).headers["etag"]
    assert (await house.live.client.get(house.path, headers={"If-None-Match": etag})).status_code == 304


@pytest.mark.parametrize("alias", ["", "/stream"])
async def test_a_history_is_streamed_to_its_end_and_not_again(house: House, alias: str) -> None:
    await house.go_round(3)
    source = EventSource(house.live.client, house.path + alias)
    async with asyncio.timeout(LONGEST), source.connected() as events:
        *found, end = [event async for event in events]
    assert [orjson.dumps(event.data) for event in found] == list(map(orjson.dumps, (await house.page())["items"]))
    assert (end.name, end.data, source.last_id) == ("end", {"id": 5}, "5")
    async with source.connected() as events:
        assert [event async for event in events] == []
    assert source.statuses == [200, 204]


async def test_reconnections_lose_and_repeat_nothing(house: House) -> None:
    chance, found, moves = random.Random(4711), list[int](), 40
    going = asyncio.create_task(house.go_round(moves))
    source = EventSource(house.live.client, house.path)
    async with asyncio.timeout(LONGEST):
        while len(found) < moves + 2:
            left = chance.randint(1, 4)
            async with source.connected() as events:
                async for event in events:
                    if event.name == "message":
                        found.append(int(event.id))
                    left -= 1
                    if left == 0:
                        break
    await going
    assert found == list(range(1, moves + 3))


async def test_streams_end_with_the_process(house: House) -> None:
    source = EventSource(house.live.client, house.path, last_id="1")
    async with asyncio.timeout(LONGEST), source.connected() as events:
        await house.move("b")
        assert (await anext(events)).data["sequence"] == 2
        house.live.services.streams.close()
        assert [event async for event in events] == []
    assert house.live.watchers() == 0


async def test_what_cannot_be_streamed(house: House) -> None:
    client = house.live.client
    for path, status, code in (
        (f"/entities/{uuid4()}/events", 404, "entity_not_found"),
        ("/entities/x/events", 422, "invalid"),
        (f"{house.path}?after=7", 422, "invalid"),
        (f"{house.path}?limit=7", 422, "invalid"),
    ):
        answer = await client.get(path, headers=ACCEPT)
        assert (answer.status_code, answer.json()["code"]) == (status, code), path
    for last_id in ("x", "7"):
        answer = await client.get(house.path, headers={**ACCEPT, "Last-Event-ID": last_id})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "Last-Event-ID")


async def test_a_socket_replays_then_follows(house: House) -> None:
    channel, moves = f"entity:{house.id}", 6
    await house.move("b")
    async with socket(house.live.port) as client, socket(house.live.port) as new:
        assert (await client.follow(channel, after=0))["data"] == {"after": 0, "mode": "all"}
        await new.follow(channel)
        replayed = await client.take(2)
        assert [heard["type"] for heard in replayed] == ["entity_update"] * 2
        assert [(h["data"]["sequence"], h["data"]["position"]) for h in replayed] == [(1, None), (2, None)]
        assert replayed[0]["data"]["entity_id"] == str(house.id)
        for number in range(moves):
            await house.move("a" if number % 2 == 0 else "b")
        live = await client.take(moves)
        assert [heard["data"]["sequence"] for heard in live] == list(range(3, 3 + moves))
        assert await new.take(moves) == live
        page = (await house.live.client.get("/events", params={"entity_id": str(house.id)})).json()
        assert [heard["data"] for heard in live] == page["items"][2:]


async def test_reconnections_of_a_socket_lose_and_repeat_nothing(house: House) -> None:
    chance, found, moves = random.Random(4711), list[int](), 20
    going = asyncio.create_task(house.go_round(moves))
    while len(found) < moves + 2:
        async with socket(house.live.port) as client:
            await client.follow(f"entity:{house.id}", after=len(found))
            wanted = min(chance.randint(0, 4), moves + 2 - len(found))
            found += [heard["data"]["sequence"] for heard in await client.take(wanted)]
    await going
    assert found == list(range(1, moves + 3))


async def test_lists_of_executions_have_no_entities(house: House) -> None:
    async with socket(house.live.port) as client:
        await client.follow("executions", after=0, mode="all")
        await house.go_round(2)
        await client.say("subscribe", f"entity:{house.id}", after=3)
        kinds = [heard["type"] for heard in await client.take(2)]
    assert kinds == ["subscribed", "entity_update"]
    assert await client_refusal(house) == "invalid"


async def client_refusal(house: House) -> str:
    """Of a number that the history does not have yet."""
    async with socket(house.live.port) as client:
        return await client.refusal("subscribe", f"entity:{house.id}", after=99)
