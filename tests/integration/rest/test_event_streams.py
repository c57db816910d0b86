"""Server-sent events over real connections: histories and the feed, while an engine runs executions."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import asyncpg
import orjson
import pytest

from app.adapters.database_url import driver_dsn
from app.config import Settings
from tests.support.engine_process import RunningServer, running_server, store_workflow, sync, workflow
from tests.support.event_source import ACCEPT, EventSource, Sent
from tests.support.live_service import LiveService, live_service
from tests.support.removed_positions import removed_positions

pytestmark = pytest.mark.server

STEPS = 20
EVENTS = 2 * STEPS + 3
RECONNECTIONS = 100
LONGEST = 60


@dataclass(frozen=True)
class House:
    live: LiveService
    engine: RunningServer

    async def start(self, key: str, **body: Any) -> str:
        answer = await self.live.client.post(f"/workflows/{key}/executions", json=body)
        assert answer.status_code == 202, answer.text
        return answer.json()["id"]

    def source(self, path: str, last_id: str = "") -> EventSource:
        return EventSource(self.live.client, path, last_id=last_id)

    async def quiet(self) -> None:
        """Return when no reader is left."""
        async with asyncio.timeout(LONGEST):
            while self.live.watchers():
                await asyncio.sleep(0.01)


@pytest.fixture
async def house(settings: Settings, database_url: str) -> AsyncIterator[House]:
    tasks = [sync(f"step-{number}", number, "log", config={"message": "."}) for number in range(STEPS)]
    await store_workflow(database_url, workflow("steps", tasks))
    await store_workflow(database_url, workflow("waits", [sync("wait", 1, "signal", config={"name": "go"})]))
    async with AsyncExitStack() as stack:
        engine = await stack.enter_async_context(running_server(settings))
        yield House(await stack.enter_async_context(live_service(settings)), engine)


async def take(events: AsyncIterator[Sent], count: int) -> list[Sent]:
    async with asyncio.timeout(LONGEST):
        return [await anext(events) for _ in range(count)]


async def whole(source: EventSource) -> list[Sent]:
    async with asyncio.timeout(LONGEST), source.connected() as events:
        return [event async for event in events]


async def problem(house: House, path: str, status: int, **headers: str) -> dict[str, Any]:
    answer = await house.live.client.get(path, headers={**ACCEPT, **headers})
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    return answer.json()


@pytest.mark.parametrize("alias", ["", "/stream"])
async def test_a_history_is_streamed_to_its_end_and_not_again(house: House, alias: str) -> None:
    execution_id = await house.start("steps")
    source = house.source(f"/executions/{execution_id}/events{alias}")
    *events, end = await whole(source)
    page = (await house.live.client.get(f"/executions/{execution_id}/events?limit=1000")).json()
    assert [event.data for event in events] == page["items"]
    assert [event.id for event in events] == [str(number) for number in range(1, EVENTS + 1)]
    assert (end.name, end.data) == ("end", {"id": EVENTS})
    assert await whole(source) == []
    assert source.statuses == [200, 204]


async def test_streams_are_not_changed_on_their_way(house: House) -> None:
    execution_id = await house.start("waits")
    for path in ("/events", f"/executions/{execution_id}/events"):
        async with house.live.client.stream("GET", path, headers=ACCEPT) as response:
            assert response.headers["cache-control"] == "no-cache, no-transform"
            assert response.headers["x-accel-buffering"] == "no"
            assert (await anext(response.aiter_text())).startswith("retry: 1000\n\n")
        head = await house.live.client.head(path, headers=ACCEPT)
        assert (head.status_code, head.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    await house.quiet()


async def test_the_feed_is_the_same_as_pages_and_as_a_stream(house: House) -> None:
    for _ in range(3):
        await whole(house.source(f"/executions/{await house.start('steps')}/events"))
    async with house.source("/events?after=0").connected() as events:
        streamed = await take(events, 3 * EVENTS)
    items, position = list[Any](), 0
    while (page := (await house.live.client.get(f"/events?after={position}&limit=7")).json())["items"]:
        items += page["items"]
        assert page["next_position"] == page["items"][-1]["position"]
        position = page["next_position"]
    assert [event.data for event in streamed] == items
    assert [item["position"] for item in items] == list(range(1, 3 * EVENTS + 1))
    assert all(event.id == str(event.data["position"]) for event in streamed)


async def test_the_feed_has_only_what_is_wanted(house: House) -> None:
    execution_id = await house.start("steps")
    await whole(house.source(f"/executions/{execution_id}/events"))
    other = await house.start("waits")
    path = "/events?after=0&workflow_id=waits&type=execution_created&type=task_completed"
    async with house.source(path).connected() as events:
        (event,) = await take(events, 1)
    assert (event.data["execution_id"], event.data["type"]) == (other, "execution_created")


async def test_a_stream_without_a_position_begins_now_and_says_where(house: House) -> None:
    await whole(house.source(f"/executions/{await house.start('steps')}/events"))
    source = house.source("/events")
    async with house.live.client.stream("GET", "/events", headers=ACCEPT) as response:
        read = ""
        async for text in response.aiter_text():
            read += text
            if "id: " in read:
                break
    assert read == f"retry: 1000\n\n:\nid: {EVENTS}\n\n"
    execution_id = await house.start("waits")
    source.last_id = str(EVENTS)
    async with source.connected() as events:
        (event,) = await take(events, 1)
    assert (event.data["position"], event.data["execution_id"]) == (EVENTS + 1, execution_id)


async def test_a_page_waits(house: House) -> None:
    position = (await house.live.client.get("/events")).json()["next_position"]
    waiting = asyncio.create_task(house.live.client.get(f"/events?after={position}&wait=60"))
    async with asyncio.timeout(LONGEST):
        while not house.live.watchers():
            await asyncio.sleep(0.01)
    execution_id = await house.start("waits")
    assert (await waiting).json()["items"][0]["execution_id"] == execution_id
    assert (await house.live.client.get("/events?after=0&type=execution_failed&wait=0.01")).json()["items"] == []


async def test_a_hundred_reconnections_lose_and_repeat_nothing(house: House) -> None:
    chance, executions = random.Random(4711), 8
    feed, found = house.source("/events?after=0"), list[Sent]()
    starting = asyncio.create_task(one_after_the_other(house, executions))
    while len(feed.statuses) < RECONNECTIONS or len(found) < executions * EVENTS:
        async with feed.connected() as events:
            wanted = chance.randint(0, 6)
            found += await take(events, min(wanted, executions * EVENTS - len(found)))
    ids = await starting
    assert [event.data["position"] for event in found] == list(range(1, executions * EVENTS + 1))
    for execution_id in ids:
        own = [event.data["sequence"] for event in found if event.data["execution_id"] == execution_id]
        assert own == list(range(1, EVENTS + 1))
    await house.quiet()


async def one_after_the_other(house: House, count: int) -> Sequence[str]:
    ids = []
    for _ in range(count):
        ids.append(await house.start("steps"))
        await whole(house.source(f"/executions/{ids[-1]}/events"))
    return ids


async def test_reconnections_to_a_history_lose_and_repeat_nothing(house: House) -> None:
    chance = random.Random(4711)
    execution_id = await house.start("steps")
    source, found = house.source(f"/executions/{execution_id}/events"), list[Sent]()
    while 204 not in source.statuses:
        async with source.connected() as events:
            found += [event for event in await take_some(events, chance.randint(0, 4)) if event.name == "message"]
    assert [event.data["sequence"] for event in found] == list(range(1, EVENTS + 1))


async def take_some(events: AsyncIterator[Sent], most: int) -> list[Sent]:
    found = []
    async with asyncio.timeout(LONGEST):
        while len(found) < most and (event := await anext(events, None)) is not None:
            found.append(event)
    return found


async def test_a_client_that_has_gone_leaves_nothing_behind(house: House) -> None:
    execution_id = await house.start("waits")
    for path in ("/events", "/events?after=0", f"/executions/{execution_id}/events"):
        async with house.live.client.stream("GET", path, headers=ACCEPT) as response:
            await anext(response.aiter_bytes())
            async with asyncio.timeout(LONGEST):
                while not house.live.watchers():
                    await asyncio.sleep(0.01)
        await house.quiet()


async def test_a_client_that_does_not_read_for_a_while_misses_nothing(house: House) -> None:
    """What it has not read is in the sockets, and in the database: not in this process."""
    async with house.live.client.stream("GET", "/events?after=0", headers=ACCEPT) as response:
        large = "x" * 30_000
        ids = [await house.start("waits", input={"large": large}) for _ in range(5)]
        for execution_id in ids:
            payload = {"name": "go", "payload": large}
            sent = await house.live.client.post(f"/executions/{execution_id}/signal", json=payload)
            assert sent.status_code == 202, sent.text
            await whole(house.source(f"/executions/{execution_id}/events"))
        positions, read = [], b""
        async with asyncio.timeout(LONGEST):
            async for chunk in response.aiter_bytes():
                *lines, read = (read + chunk).split(b"\n")
                documents = [orjson.loads(line[6:]) for line in lines if line.startswith(b"data: ")]
                positions += [document["position"] for document in documents]
                completed = [document for document in documents if document["type"] == "execution_completed"]
                if completed and completed[-1]["execution_id"] == ids[-1]:
                    break
    assert positions == list(range(1, len(positions) + 1))


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("after=x", "after"),
        ("after=-1", "after"),
        ("after=99999999999999999999", "after"),
        ("after=100000", "after"),
        ("type=foo", "type[0]"),
        ("limit=5", "limit"),
        ("wait=1", "wait"),
        ("position=1", "position"),
    ],
)
async def test_what_is_wrong_is_told_before_the_stream(house: House, query: str, field: str) -> None:
    found = await problem(house, f"/events?{query}", 422)
    assert [error["field"] for error in found["errors"]] == [field]


async def test_ids_that_no_stream_has_sent_are_refused(house: House) -> None:
    execution_id = await house.start("waits")
    for path in ("/events", f"/executions/{execution_id}/events"):
        for wrong in ("x", "-1", "1.5", "100000", "99999999999999999999"):
            found = await problem(house, path, 422, **{"Last-Event-ID": wrong})
            assert [error["field"] for error in found["errors"]] == ["Last-Event-ID"], wrong
    missing = "0197a3c4-5d2e-7c1a-9f3b-2a6f0c9d8e71"
    assert (await problem(house, f"/executions/{missing}/events", 404))["code"] == "execution_not_found"
    assert (await problem(house, "/events?workflow_id=missing", 404))["code"] == "workflow_not_found"


async def test_a_position_that_has_expired_is_gone(house: House, database_url: str) -> None:
    await whole(house.source(f"/executions/{await house.start('steps')}/events"))
    await house.live.client.get("/events")
    async with removed_positions(database_url, 4):
        for answer in (await problem(house, "/events?after=1", 410), await problem(house, "/events", 410, **after(3))):
            assert (answer["code"], answer["oldest"]) == ("position_expired", 4)
        json = await house.live.client.get("/events?after=1")
        assert (json.status_code, json.json()["oldest"]) == (410, 4)
        assert (await house.live.client.get("/events?limit=1")).json()["items"][0]["position"] == 5


def after(position: int) -> dict[str, str]:
    return {"Last-Event-ID": str(position)}


async def test_a_history_that_is_removed_ends_its_stream_with_a_problem(house: House, database_url: str) -> None:
    execution_id = await house.start("waits")
    source = house.source(f"/executions/{execution_id}/events")
    async with source.connected() as events:
        await take(events, 1)
        connection = await asyncpg.connect(driver_dsn(database_url))
        await connection.execute("DELETE FROM execution_events WHERE execution_id = $1", execution_id)
        await connection.execute("DELETE FROM executions WHERE id = $1", execution_id)
        await connection.close()
        async with asyncio.timeout(LONGEST):
            last = [event async for event in events][-1]
    assert (last.name, last.data["status"], last.data["code"]) == ("error", 404, "execution_not_found")


async def test_streams_end_when_the_process_stops_and_say_nothing(house: House) -> None:
    execution_id = await house.start("waits")
    sources = [house.source(path) for path in ("/events?after=0", f"/executions/{execution_id}/events") * 5]
    reading = [asyncio.create_task(whole(source)) for source in sources]
    async with asyncio.timeout(LONGEST):
        while house.live.watchers() < len(sources) or not all(source.last_id for source in sources):
            await asyncio.sleep(0.01)
    house.live.services.streams.close()
    for events in await asyncio.gather(*reading):
        assert {event.name for event in events} == {"message"}
    assert house.live.watchers() == 0


async def test_a_request_can_prefer_pages(house: House) -> None:
    for accept in ("application/json", "*/*", "text/event-stream;q=0.5, application/json", "text/event-stream;q=0"):
        answer = await house.live.client.get("/events", headers={"Accept": accept})
        assert answer.headers["content-type"] == "application/json", accept
        assert answer.headers["vary"] == "Accept"
