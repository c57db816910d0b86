"""An engine that dies with a thousand executions between it and another."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from app.api.grpc.generated import workflow_pb2 as pb
from tests.support.databases import ask
from tests.support.engine_process import store_workflow, sync, workflow
from tests.support.grpc_server_process import GrpcServerProcess
from tests.support.process_usage import machine_load

IN_FLIGHT = 1_000
AT_ONCE = 50
LEASE_SECONDS = 3.0
MARGIN_SECONDS = 10.0
GATED = (sync("wait", 1, "python", config={"function": "test.gated_by_file"}), sync("then", 1), sync("last", 2))

_OWNERS = "SELECT count(DISTINCT owner_id) FROM executions WHERE status = 'running' AND owner_id IS NOT NULL"
_RUNNING = "SELECT count(*) FROM executions WHERE status = 'running'"
_UNFINISHED = "SELECT count(*) FROM executions WHERE finished_at IS NULL"
_COMPLETED = "SELECT count(*) FROM executions WHERE status = 'completed'"


@asynccontextmanager
async def two_engines(database_url: str, gate: Path) -> AsyncIterator[list[GrpcServerProcess]]:
    settings = {
        "PYTHON_MODULES": "tests.support.gated_by_file",
        "GATE": str(gate),
        "ENGINE_LEASE_SECONDS": str(LEASE_SECONDS),
        "ENGINE_RENEW_SECONDS": str(LEASE_SECONDS / 4),
        "LOG_LEVEL": "warning",
    }
    servers = [GrpcServerProcess(database_url, **settings) for _ in range(2)]
    async with AsyncExitStack() as stack:
        for server in servers:
            stack.push_async_callback(server.close)
        await asyncio.gather(*(server.start() for server in servers))
        yield servers


async def start_many(servers: list[GrpcServerProcess]) -> None:
    gate = asyncio.Semaphore(AT_ONCE)

    async def start(number: int) -> None:
        async with gate:
            await servers[number % len(servers)].stub.StartWorkflow(pb.StartWorkflowRequest(workflow_id="gated"))

    await asyncio.gather(*(start(number) for number in range(IN_FLIGHT)))


async def none_left(database_url: str, seconds: float) -> float:
    """How long it took until every execution had ended."""
    began = time.monotonic()
    async with asyncio.timeout(seconds):
        while await ask(database_url, _UNFINISHED):
            await asyncio.sleep(0.05)
    return time.monotonic() - began


@pytest.mark.timeout(120)
async def test_all_that_an_engine_left_behind_ends_soon_after_its_lease(database_url: str, tmp_path: Path) -> None:
    await store_workflow(database_url, workflow("gated", GATED))
    gate = tmp_path / "gate"
    async with two_engines(database_url, gate) as (killed, survivor):
        await start_many([killed, survivor])
        assert await ask(database_url, _RUNNING) == IN_FLIGHT
        assert await ask(database_url, _OWNERS) == 2
        os.kill(killed.pid, 9)
        gate.touch()
        seconds = await none_left(database_url, LEASE_SECONDS + MARGIN_SECONDS)
        assert await ask(database_url, _COMPLETED) == IN_FLIGHT
    print(  # noqa: T201
        f"\n{IN_FLIGHT} executions in flight, one of two engines killed: all final after {seconds:.1f} s "
        f"(lease {LEASE_SECONDS:g} s; {machine_load()})"
    )
