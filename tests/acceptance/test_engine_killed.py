"""An engine that dies with a thousand executions between it and another."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from app.api.grpc.generated import workflow_pb2 as pb
from tests.support.databases import ask
from tests.support.engine_process import store_workflow, sync, workflow
from tests.support.grpc_server_process import GrpcServerProcess
from tests.support.process_usage import machine_load

IN_FLIGHT = 1_000
AT_ONCE = 50
LEASE_SECONDS = 300.0
"""Kept on a busy machine, too; the test itself ends that of the dead."""
GATED = (sync("wait", 1, "python", config={"function": "test.gated_by_file"}), sync("then", 1), sync("last", 2))

_OWNERS = "SELECT count(DISTINCT owner_id) FROM executions WHERE status = 'running' AND owner_id IS NOT NULL"
_RUNNING = "SELECT count(*) FROM executions WHERE status = 'running'"
_UNFINISHED = "SELECT count(*) FROM executions WHERE finished_at IS NULL"
_END_LEASE = """
UPDATE engines SET lease_until = now() - interval '1 second' WHERE name LIKE '%:' || $1 RETURNING id
"""
_COMPLETED = "SELECT count(*) FROM executions WHERE status = 'completed'"


@asynccontextmanager
async def two_engines(database_url: str, gate: Path) -> AsyncIterator[list[GrpcServerProcess]]:
    settings = {
        "PYTHON_MODULES": "tests.support.gated_by_file",
        "GATE": str(gate),
        "ENGINE_LEASE_SECONDS": str(LEASE_SECONDS),
        "ENGINE_RENEW_SECONDS": "0.5",
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


async def none_left(database_url: str) -> float:
    """How long it took until every execution had ended."""
    began = time.monotonic()
    while await ask(database_url, _UNFINISHED):
        await asyncio.sleep(0.05)
    return time.monotonic() - began


async def test_all_that_an_engine_left_behind_ends_when_its_lease_has_ended(database_url: str, tmp_path: Path) -> None:
    await store_workflow(database_url, workflow("gated", GATED))
    gate = tmp_path / "gate"
    async with two_engines(database_url, gate) as (killed, survivor):
        await start_many([killed, survivor])
        assert await ask(database_url, _RUNNING) == IN_FLIGHT
        assert await ask(database_url, _OWNERS) == 2
        os.kill(killed.pid, 9)
        gate.touch()
        assert await ask(database_url, _END_LEASE, str(killed.pid)) is not None
        seconds = await none_left(database_url)
        assert await ask(database_url, _COMPLETED) == IN_FLIGHT
    print(  # noqa: T201
        f"\n{IN_FLIGHT} executions in flight, one of two engines killed: all final {seconds:.1f} s after the end of "
        f"its lease ({machine_load()})"
    )
