"""One workflow that wants a whole engine, and its neighbour, which completes meanwhile: real processes, one engine."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from app.api.grpc.generated import workflow_pb2 as pb
from tests.support.databases import ask
from tests.support.engine_process import store_workflow, sync, workflow
from tests.support.grpc_server_process import GrpcServerProcess
from tests.support.tenant import TEST_TENANT

PLACES = 50
PATIENCE_SECONDS = 60.0
NEIGHBOUR = (sync("a", 1), sync("b", 2), sync("c", 3))
_WITH_OWNER = "SELECT count(*) FROM executions WHERE owner_id IS NOT NULL"
_UNFINISHED = "SELECT count(*) FROM executions WHERE finished_at IS NULL"
MOST_OF_ONE = 45 if TEST_TENANT is None else 40
"""A workflow leaves places to others, and so does a tenant where there are several."""


@asynccontextmanager
async def engine(database_url: str, gate: Path) -> AsyncIterator[GrpcServerProcess]:
    settings = {
        "ENGINE_MAX_EXECUTIONS": str(PLACES),
        "HTTP_TASK_ALLOW_PRIVATE": "true",
        "PYTHON_MODULES": "tests.support.gated_by_file",
        "GATE": str(gate),
        "LOG_LEVEL": "warning",
    }
    server = GrpcServerProcess(database_url, **settings)
    try:
        await server.start()
        yield server
    finally:
        await server.close()


@asynccontextmanager
async def silent_server() -> AsyncIterator[tuple[int, asyncio.Event]]:
    """Accepts every request, and responds to none before the event is set."""
    respond = asyncio.Event()

    async def keep(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await respond.wait()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(keep, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1], respond


async def start_many(server: GrpcServerProcess, key: str, count: int) -> None:
    await asyncio.gather(*(server.stub.StartWorkflow(pb.StartWorkflowRequest(workflow_id=key)) for _ in range(count)))


async def completes(server: GrpcServerProcess, key: str) -> bool:
    call = server.stub.ExecuteWorkflow(pb.ExecuteWorkflowRequest(workflow_id=key), timeout=PATIENCE_SECONDS)
    updates = [update async for update in call]
    return updates[-1].status == pb.COMPLETED


async def becomes(database_url: str, question: str, value: int) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await ask(database_url, question) != value:
            await asyncio.sleep(0.05)


async def test_calls_that_nobody_answers_take_no_place(database_url: str, tmp_path: Path) -> None:
    async with silent_server() as (port, respond), engine(database_url, tmp_path / "gate") as server:
        config = {"url": f"http://127.0.0.1:{port}/"}
        await store_workflow(database_url, workflow("calls", (sync("call", 1, "http", config=config),)))
        await store_workflow(database_url, workflow("neighbour", NEIGHBOUR))
        await start_many(server, "calls", PLACES + 20)
        await becomes(database_url, _WITH_OWNER, PLACES + 20)
        assert await completes(server, "neighbour")
        respond.set()
        await becomes(database_url, _UNFINISHED, 0)


@pytest.mark.parametrize("function", ["test.gated_by_file", "test.gated_thread"])
async def test_work_of_one_workflow_leaves_places_to_others(database_url: str, tmp_path: Path, function: str) -> None:
    async with engine(database_url, tmp_path / "gate") as server:
        config = {"function": function}
        await store_workflow(database_url, workflow("works", (sync("work", 1, "python", config=config),)))
        await store_workflow(database_url, workflow("neighbour", NEIGHBOUR))
        await store_workflow(
            database_url,
            workflow("thread", (sync("t", 1, "python", config={"function": "test.thread_name"}),)),
        )
        await start_many(server, "works", 2 * PLACES)
        await becomes(database_url, _WITH_OWNER, MOST_OF_ONE)
        assert await completes(server, "neighbour")
        assert await completes(server, "thread")
        (tmp_path / "gate").touch()
        await becomes(database_url, _UNFINISHED, 0)
