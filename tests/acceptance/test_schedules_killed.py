"""Schedules that fire every second while the processes that fire them are killed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from itertools import pairwise

import asyncpg
import pytest

from app.adapters.database_url import driver_dsn
from tests.support.engine_process import store_workflow, sync, workflow
from tests.support.grpc_server_process import GrpcServerProcess

SCHEDULES = 10
KILLS = 4
SETTINGS = {"ENGINE_LEASE_SECONDS": "2", "ENGINE_RENEW_SECONDS": "0.5", "LOG_LEVEL": "warning"}

_CREATE = (
    "INSERT INTO schedules (tenant_id, version, workflow_id, cron, time_zone, input, overlap, catch_up_seconds, paused,"
    " next_fire_at, due_at, created_at, updated_at)"
    " SELECT tenant_id, 1, id, '* * * * * *', 'UTC', '{}', 'queue', 60, false,"
    " date_trunc('second', now()), now(), now(), now() FROM workflows, generate_series(1, $1)"
)
_STOP = "UPDATE schedules SET paused = true, version = version + 1, due_at = waiting_fire_at RETURNING id"
_FIRES = (
    "SELECT idempotency_key, status::text, created_at, finished_at FROM executions"
    " WHERE idempotency_key LIKE $1 ORDER BY idempotency_key"
)
_STARTED = "SELECT count(*) FROM executions"
_UNFINISHED = (
    "SELECT (SELECT count(*) FROM executions WHERE finished_at IS NULL)"
    " + (SELECT count(*) FROM schedules WHERE waiting_fire_at IS NOT NULL)"
)


@pytest.fixture
async def session(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    session = await asyncpg.connect(driver_dsn(database_url), statement_cache_size=0)
    yield session
    await session.close()


async def nothing_is_left(session: asyncpg.Connection) -> None:
    while await session.fetchval(_UNFINISHED):
        await asyncio.sleep(0.1)


async def further_fires(session: asyncpg.Connection) -> None:
    """Until each schedule has fired once more, or some of them more often."""
    before = await session.fetchval(_STARTED)
    while await session.fetchval(_STARTED) < before + SCHEDULES:
        await asyncio.sleep(0.1)


def instant(key: str) -> datetime:
    return datetime.fromisoformat(key.split(":", 2)[2])


async def test_each_fire_runs_once_and_after_the_one_before(database_url: str, session: asyncpg.Connection):
    await store_workflow(database_url, workflow("w", [sync("a", 1)]))
    await session.execute(_CREATE, SCHEDULES)
    servers = [GrpcServerProcess(database_url, **SETTINGS) for _ in range(2)]
    async with AsyncExitStack() as stack:
        for server in servers:
            stack.push_async_callback(server.close)
        await asyncio.gather(*(server.start() for server in servers))
        for number in range(KILLS):
            await further_fires(session)
            await servers[number % 2].kill()
            await servers[number % 2].start()
        await session.fetch(_STOP)
        await nothing_is_left(session)
    for schedule_id, last_fire_at in await session.fetch("SELECT id, last_fire_at FROM schedules"):
        fires = await session.fetch(_FIRES, f"schedule:{schedule_id}:%")
        instants = [instant(fire["idempotency_key"]) for fire in fires]
        assert instants[-1] == last_fire_at
        assert {fire["status"] for fire in fires} == {"completed"}
        assert all(first["finished_at"] <= second["created_at"] for first, second in pairwise(fires))
        gaps = [later - earlier for earlier, later in pairwise(instants)]
        assert timedelta(0) < min(gaps)
