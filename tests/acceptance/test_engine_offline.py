"""An engine that is killed is shown as offline as soon as its lease has ended, whether another engine runs or not."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.support.clients import rest_client
from tests.support.databases import ask
from tests.support.grpc_server_process import GrpcServerProcess
from tests.support.rest_server_process import RestServerProcess

LEASE = timedelta(seconds=4)
PAUSE = 0.05
BOUND = LEASE + timedelta(seconds=2)
_NOW = "SELECT clock_timestamp()"
_ENGINE = "SELECT id FROM engines WHERE pid = $1"
_IS_REMOVED = "SELECT NOT EXISTS (SELECT FROM engines WHERE id = $1)"


@asynccontextmanager
async def service(database_url: str, redis_url: str, engines: int) -> AsyncIterator[tuple[Any, list[Any]]]:
    settings = {"ENGINE_LEASE_SECONDS": f"{LEASE.total_seconds():g}", "ENGINE_RENEW_SECONDS": "0.5"}
    servers = [GrpcServerProcess(database_url, LOG_LEVEL="warning", **settings) for _ in range(engines)]
    rest = RestServerProcess(database_url, redis_url, LOG_LEVEL="warning")
    async with AsyncExitStack() as stack:
        for server in (*servers, rest):
            stack.push_async_callback(server.close)
            await server.start()
        client = await stack.enter_async_context(rest_client(base_url=f"http://127.0.0.1:{rest.port}"))
        yield client, servers


async def agent(rest: httpx.AsyncClient, engine: int) -> dict[str, Any]:
    answer = await rest.get(f"/api/agents/{engine}")
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


@pytest.mark.parametrize("engines", [1, 2])
async def test_it_is_offline_within_the_lease_and_two_seconds(database_url: str, redis_url: str, engines: int) -> None:
    """On the database's clock: whatever it says after the bound, the engine is offline."""
    async with service(database_url, redis_url, engines) as (rest, servers):
        killed: Any = await ask(database_url, _ENGINE, servers[0].pid)
        assert (await agent(rest, killed))["status"] == "online"
        os.kill(servers[0].pid, 9)
        killed_at: Any = await ask(database_url, _NOW)
        asked_at, status = killed_at, "online"
        while status != "offline":
            assert asked_at < killed_at + BOUND, "it was asked after the bound, and shown as online"
            asked_at = await ask(database_url, _NOW)
            status = (await agent(rest, killed))["status"]
            await asyncio.sleep(PAUSE)
        ended_at = datetime.fromisoformat((await rest.get(f"/api/v1/engines/{killed}")).json()["ended_at"])
        assert ended_at <= killed_at + LEASE
        assert (await rest.get("/api/health")).json()["checks"]["engines"]["online"] == engines - 1
        if engines == 2:
            while not await ask(database_url, _IS_REMOVED, killed):
                # The other engine removes its row, with its next renewal.
                await asyncio.sleep(PAUSE)
            assert (await agent(rest, killed))["status"] == "offline"
            kept = (await rest.get(f"/api/v1/engines/{killed}")).json()
            assert datetime.fromisoformat(kept["ended_at"]) == ended_at
