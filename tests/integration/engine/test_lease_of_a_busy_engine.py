"""An engine whose connections are all taken by requests keeps its lease, and with it all that it runs."""

import asyncio
from datetime import datetime

import asyncpg

from app.adapters.database_url import driver_dsn
from app.domain.states import ExecutionStatus
from app.wiring.grpc_process import open_engine_process
from tests.support.engine_process import settings_for, store_workflow, sync, workflow
from tests.support.gated_tasks import Gates
from tests.support.requests import start_of
from tests.support.tenant import CALLER

POOL_SIZE = 2
LEASE = {"engine_lease_seconds": 20.0, "engine_renew_seconds": 0.1}
RENEWALS = 3
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


async def test_requests_that_hold_every_connection_do_not_cost_the_lease(
    database_url: str, session: asyncpg.Connection, gates: Gates
) -> None:
    await store_workflow(database_url, workflow("w", [sync("a", 1, "python", config={"function": "test.gated"})]))
    settings = settings_for(database_url, database_pool_size=POOL_SIZE, **LEASE)
    blocker = await asyncpg.connect(driver_dsn(database_url))
    async with open_engine_process(settings) as process:
        execution_id = (await process.executions.start(CALLER, start_of("w"))).execution.id
        await gates.reached("a")
        async with blocker.transaction():
            await blocker.execute("SELECT FROM executions WHERE id = $1 FOR UPDATE", execution_id)
            requests = [
                asyncio.create_task(process.controls.pause(CALLER, execution_id, "")) for _ in range(2 * POOL_SIZE)
            ]
            while await session.fetchval(WAITING) < POOL_SIZE:
                await asyncio.sleep(0)
            ends = {await lease_until(session)}
            while len(ends) <= RENEWALS:
                ends.add(await lease_until(session))
        await asyncio.gather(*requests)
        gates.open("a")
        await process.controls.resume(CALLER, execution_id, "")
        assert (await process.executions.wait(CALLER, execution_id, 300)).status is ExecutionStatus.COMPLETED
    assert gates.runs == {"a": 1}
    await blocker.close()


async def lease_until(session: asyncpg.Connection) -> datetime:
    """When the engine's lease ends; it is still the first one."""
    [row] = await session.fetch("SELECT id, lease_until FROM engines")
    assert row["id"] == 1
    return row["lease_until"]
