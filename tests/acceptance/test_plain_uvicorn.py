"""`uvicorn app.main:app`: streams and sockets work, and it stops within SHUTDOWN_SECONDS, whatever its clients read."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
import pytest

from app.api.grpc.generated import workflow_pb2 as pb
from tests.support.clients import rest_client
from tests.support.engine_process import RunningServer, running_server, settings_for, store_workflow, sync, workflow
from tests.support.event_source import EventSource, Sent
from tests.support.rest_server_process import UvicornProcess
from tests.support.sockets import deaf_socket, socket

CLIENTS = 10
STEPS = 12
LARGE = f'"{"x" * 250_000}"'
"""All outputs together are more than what the system holds of a connection."""
NEVER = "300"
"""A process that waited for its streams would wait so many seconds."""
STOPPED_BY_SIGNAL = -signal.SIGTERM
"""uvicorn raises the signal again when it has stopped."""


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[RunningServer]:
    steps = [sync(f"step-{number}", number, "signal", config={"name": f"go-{number}"}) for number in range(STEPS)]
    await store_workflow(database_url, workflow("steps", steps))
    async with running_server(settings_for(database_url)) as engine:
        yield engine


@asynccontextmanager
async def uvicorn(database_url: str, tmp_path: Path, seconds: str) -> AsyncIterator[UvicornProcess]:
    server = UvicornProcess(database_url, tmp_path / "log", SHUTDOWN_SECONDS=seconds)
    await server.start()
    yield server
    await server.close()


async def start(engine: RunningServer) -> str:
    started = await engine.stub.StartWorkflow(pb.StartWorkflowRequest(workflow_id="steps"))
    return str(started.execution_id)


async def signal_all(engine: RunningServer, execution_id: str, payload: str = "") -> None:
    for step in range(STEPS):
        request = pb.SignalExecutionRequest(execution_id=execution_id, name=f"go-{step}", payload=payload)
        await engine.stub.SignalExecution(request)


async def until_it_stops(source: EventSource) -> list[Sent]:
    async with source.connected() as events:
        return [event async for event in events]


@pytest.mark.slow
async def test_streams_and_sockets_end_at_once(engine: RunningServer, database_url: str, tmp_path: Path) -> None:
    limits = httpx.Limits(max_connections=None)
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(uvicorn(database_url, tmp_path, NEVER))
        client = await stack.enter_async_context(rest_client(base_url=server.url, timeout=120, limits=limits))
        execution_id = await start(engine)
        sources = [EventSource(client, f"/executions/{execution_id}/events/stream?after=1") for _ in range(CLIENTS)]
        reading = [asyncio.create_task(until_it_stops(source)) for source in sources]
        sockets = [await stack.enter_async_context(socket(server.port)) for _ in range(CLIENTS)]
        for one in sockets:
            await one.follow(f"execution:{execution_id}", after=1)
            assert (await one.hear())["data"]["sequence"] == 2
        while not all(source.last_id for source in sources):
            await asyncio.sleep(0.05)
        assert await server.terminate() == STOPPED_BY_SIGNAL
        ends = [await one.closed() for one in sockets]
        found = await asyncio.gather(*reading)
    assert {code for code, _ in ends} == {1012}
    assert {event.name for events in found for event in events} == {"message"}
    assert "Traceback" not in (tmp_path / "log").read_text()


@pytest.mark.slow
async def test_clients_that_read_nothing_do_not_keep_it(
    engine: RunningServer, database_url: str, tmp_path: Path
) -> None:
    execution_id = await start(engine)
    await signal_all(engine, execution_id, LARGE)
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(uvicorn(database_url, tmp_path, "1"))
        path = f"/executions/{execution_id}/events/stream"
        client = await stack.enter_async_context(rest_client(base_url=server.url, timeout=120))
        unread = client.stream("GET", path, headers={"Accept": "text/event-stream"})
        assert (await stack.enter_async_context(unread)).status_code == 200
        deaf = await stack.enter_async_context(deaf_socket(server.port))
        deaf.say("subscribe", f"execution:{execution_id}", after=0)
        assert (await deaf.hear())["type"] == "subscribed"
        # While this one reads all, the others are sent what the system takes.
        assert (await until_it_stops(EventSource(client, path)))[-1].name == "end"
        assert await server.terminate() == STOPPED_BY_SIGNAL
