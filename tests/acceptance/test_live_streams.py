"""A REST process with a hundred open streams is told to stop: it ends at once, and its clients miss nothing."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.support.clients import rest_client
from tests.support.engine_process import store_workflow, sync, workflow
from tests.support.event_source import EventSource, Sent
from tests.support.grpc_server_process import GrpcServerProcess
from tests.support.rest_server_process import RestServerProcess

STREAMS = 100
STEPS = 30
EVENTS = 2 * STEPS + 3
SHUTDOWN_SECONDS = 300
"""A process that waited for its streams would wait so long."""
LONGEST = 150
UNREAD = {"Accept": "text/event-stream"}


@pytest.fixture
async def engine(database_url: str, tmp_path: Path) -> AsyncIterator[GrpcServerProcess]:
    tasks = [sync(f"step-{number}", number, "signal", config={"name": f"go-{number}"}) for number in range(STEPS)]
    await store_workflow(database_url, workflow("steps", tasks))
    server = GrpcServerProcess(database_url, tmp_path / "grpc.log")
    await server.start()
    yield server
    await server.close()


@pytest.fixture
async def rest(database_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[RestServerProcess]:
    server = RestServerProcess(database_url, redis_url, tmp_path / "rest.log", SHUTDOWN_SECONDS=str(SHUTDOWN_SECONDS))
    await server.start()
    yield server
    await server.close()


async def follow(source: EventSource, count: int) -> list[Sent]:
    """So many events, over as many connections as it takes."""
    found: list[Sent] = []
    while len(found) < count:
        try:
            async with source.connected() as events:
                found += [event async for event in until(events, count - len(found))]
        except httpx.TransportError:
            await asyncio.sleep(0.1)
    return found


async def until(events: AsyncIterator[Sent], count: int) -> AsyncIterator[Sent]:
    while count > 0 and (event := await anext(events, None)) is not None:
        if event.name == "message":
            count -= 1
            yield event


async def signal(client: httpx.AsyncClient, execution_id: str, numbers: range) -> None:
    for number in numbers:
        body = {"name": f"go-{number}"}
        assert (await client.post(f"/executions/{execution_id}/signal", json=body)).status_code == 202


@pytest.mark.slow
async def test_a_process_with_streams_stops_at_once(engine: GrpcServerProcess, rest: RestServerProcess) -> None:
    limits = httpx.Limits(max_connections=None)
    async with rest_client(base_url=rest.url, timeout=LONGEST, limits=limits) as client, asyncio.timeout(2 * LONGEST):
        started = await client.post("/workflows/steps/executions", json={})
        execution_id = started.json()["id"]
        paths = ("/events?after=0", f"/executions/{execution_id}/events") * (STREAMS // 2)
        sources = [EventSource(client, path) for path in paths]
        readers = [asyncio.create_task(follow(source, EVENTS + STEPS)) for source in sources]
        async with client.stream("GET", "/events?after=0", headers=UNREAD):
            await signal(client, execution_id, range(STEPS // 2))
            while not all(source.last_id for source in sources):
                await asyncio.sleep(0.05)
            async with asyncio.timeout(LONGEST):
                assert await rest.terminate() == 0
        await rest.start()
        await signal(client, execution_id, range(STEPS // 2, STEPS))
        found = await asyncio.gather(*readers)
    expected = list(range(1, EVENTS + STEPS + 1))
    for events in found:
        assert [event.data["sequence"] for event in events] == expected
    assert all(len(source.statuses) > 1 for source in sources)
