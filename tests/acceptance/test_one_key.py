"""One idempotency key, asked for by many over both protocols at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.support.chaos_callers import Caller, GrpcCaller, RestCaller
from tests.support.databases import ask
from tests.support.engine_process import store_workflow, sync, workflow
from tests.support.grpc_server_process import GrpcServerProcess
from tests.support.rest_server_process import RestServerProcess

CLIENTS = 50
STARTS_PER_CLIENT = 20
PATIENCE_SECONDS = 300.0
"""All of them wait for one row; nothing is said here of how fast that is."""


@asynccontextmanager
async def callers(database_url: str, redis_url: str) -> AsyncIterator[list[Caller]]:
    quiet = {"LOG_LEVEL": "warning"}
    grpc, rest = GrpcServerProcess(database_url, **quiet), RestServerProcess(database_url, redis_url, **quiet)
    ways: list[GrpcCaller | RestCaller] = []
    try:
        await asyncio.gather(grpc.start(), rest.start())
        ways = [
            GrpcCaller(grpc.port, PATIENCE_SECONDS) if number % 2 else RestCaller(rest.url, PATIENCE_SECONDS)
            for number in range(CLIENTS)
        ]
        yield list(ways)
    finally:
        for way in ways:
            await way.close()
        await rest.close()
        await grpc.close()


async def test_a_thousand_starts_of_one_key_are_one_execution(database_url: str, redis_url: str) -> None:
    await store_workflow(database_url, workflow("once", (sync("a", 1), sync("b", 2))))
    async with callers(database_url, redis_url) as clients:
        starts = [client.start("once", "order-17") for client in clients for _ in range(STARTS_PER_CLIENT)]
        ids = await asyncio.gather(*starts)

    assert len(ids) == CLIENTS * STARTS_PER_CLIENT
    assert len(set(ids)) == 1
    assert str(await ask(database_url, "SELECT id FROM executions")) == ids[0]
    assert await ask(database_url, "SELECT count(*) FROM executions") == 1
    assert await ask(database_url, "SELECT count(*) FROM execution_events WHERE type = 'execution_created'") == 1
