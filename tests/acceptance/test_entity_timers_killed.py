"""Timers and ends of executions over a downtime: everything is killed, and started again when they are overdue."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from app.adapters.database_url import driver_dsn
from app.api.grpc.generated import workflow_pb2 as pb
from tests.support.checking import assert_clean
from tests.support.databases import ask
from tests.support.engine_process import store_workflow, sync, workflow
from tests.support.grpc_server_process import GrpcServerProcess
from tests.support.machines import MachineHouse, machine_house
from tests.support.tenant import CALLER

OFFER = {
    "name": "offer",
    "states": [
        {"name": "open", "initial": True, "after": {"seconds": 2, "to": "expired"}},
        {"name": "taken", "final": True},
        {"name": "expired", "on_enter": {"workflow": "tell", "on_completed": "told"}},
        {"name": "told", "final": True},
    ],
    "transitions": [
        {"from": "open", "to": "taken", "name": "take"},
        {"from": "open", "to": "expired", "name": "expire"},
        {"from": "expired", "to": "told", "name": "told"},
    ],
}
SETTINGS = {"ENGINE_LEASE_SECONDS": "2", "ENGINE_RENEW_SECONDS": "0.5", "LOG_LEVEL": "warning"}
_OVERDUE = "SELECT clock_timestamp() > max(due_at) + interval '0.2 seconds' FROM entities WHERE due_at IS NOT NULL"
_RUNS = "SELECT count(*) FROM executions"


@pytest.fixture
async def house(database_url: str) -> AsyncIterator[MachineHouse]:
    async with machine_house(database_url) as house:
        yield house
    await assert_clean(database_url)


async def test_what_is_due_while_nothing_runs_fires_once_and_soon(house: MachineHouse, database_url: str):
    # The execution waits for a signal, so that it is killed with what it runs on.
    await store_workflow(database_url, workflow("tell", [sync("a", 1, "signal", config={"name": "go"})]))
    machine = await house.define(OFFER)
    servers = [GrpcServerProcess(database_url, **SETTINGS) for _ in range(2)]
    try:
        await asyncio.gather(*(server.start() for server in servers))
        house.clock.instant = await ask(database_url, "SELECT clock_timestamp()")
        late, early = [(await house.start(machine, key)).entity for key in ("late", "early")]
        for server in servers:
            await server.kill()
        await house.move(early.id, to="taken")
        while not await ask(database_url, _OVERDUE):
            await asyncio.sleep(0.1)
        await asyncio.gather(*(server.start() for server in servers))
        await reached(house, late.id, "expired")
        assert await ask(database_url, _RUNS) == 1
        await servers[0].kill()
        await ask(
            database_url,
            "INSERT INTO execution_commands (execution_id, type, reason, name, payload)"
            " SELECT id, 'signal', '', 'go', 'null' FROM executions",
        )
        await ask(database_url, "UPDATE executions SET due_at = now() WHERE owner_id IS NULL")
        await reached(house, late.id, "told")
    finally:
        for server in servers:
            await server.close()
    assert await moves(house, late.id) == [("expire", "timer"), ("told", "execution")]
    assert await moves(house, early.id) == [("take", CALLER.principal.partition(":")[0])]


_STATUS = "SELECT status::text FROM executions WHERE id = $1::uuid"
_WAITS = (
    "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    " AND query LIKE $1"
)
_END_WAITING = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


async def test_a_task_that_is_killed_after_its_commit_moves_the_entity_once(house: MachineHouse, database_url: str):
    """Locks let the transition be stored, and not the end of the task."""
    states = [{"name": "open", "initial": True}, {"name": "taken", "final": True}]
    machine = await house.define({"name": "offer", "states": states, "transitions": OFFER["transitions"][:1]})
    entity = (await house.start(machine)).entity
    config = {"machine": "offer", "entity_table": "transactions", "entity_id": "1", "to": "taken"}
    made = await store_workflow(database_url, workflow("moving", [sync("move", 1, "transition", config=config)]))
    server = GrpcServerProcess(database_url, **SETTINGS)
    of_entity, of_history = [await asyncpg.connect(driver_dsn(database_url)) for _ in range(2)]
    try:
        await server.start()
        async with of_history.transaction():
            async with of_entity.transaction():
                await of_entity.execute("SELECT FROM entities FOR UPDATE")
                started = await server.stub.StartWorkflow(pb.StartWorkflowRequest(workflow_id=str(made.id)))
                await waits(database_url, "%store_entity_step%")
                await of_history.execute("LOCK TABLE execution_events IN SHARE MODE")
            await waits(database_url, "%INSERT INTO execution_events%")
            assert (await house.entities.get(CALLER, entity.id)).state == "taken"
            await server.kill()
            await ask(database_url, _END_WAITING)
        await server.start()
        while (status := await ask(database_url, _STATUS, started.execution_id)) == "running":
            await asyncio.sleep(0.05)
    finally:
        await server.close()
        await of_entity.close()
        await of_history.close()
    assert status == "completed"
    assert await moves(house, entity.id) == [("take", "execution")]


async def test_a_timer_that_a_killed_process_has_claimed_is_fired_by_another(house: MachineHouse, database_url: str):
    """A lock keeps the first process from storing what it fires."""
    states = [OFFER["states"][0], {"name": "expired", "final": True}]
    machine = await house.define({"name": "offer", "states": states, "transitions": OFFER["transitions"][1:2]})
    house.clock.instant = await ask(database_url, "SELECT clock_timestamp()")
    entity = (await house.start(machine)).entity
    servers = [GrpcServerProcess(database_url, **SETTINGS) for _ in range(2)]
    of_events = await asyncpg.connect(driver_dsn(database_url))
    try:
        async with of_events.transaction():
            await of_events.execute("LOCK TABLE entity_events IN SHARE MODE")
            await servers[0].start()
            await waits(database_url, "%store_entity_step%")
            await servers[0].kill()
            await ask(database_url, _END_WAITING)
            assert await ask(database_url, "SELECT held_until IS NOT NULL FROM entities")
            await servers[1].start()
        await reached(house, entity.id, "expired")
    finally:
        for server in servers:
            await server.close()
        await of_events.close()
    assert await moves(house, entity.id) == [("expire", "timer")]


async def waits(database_url: str, statement: str) -> None:
    while not await ask(database_url, _WAITS, statement):
        await asyncio.sleep(0.02)


async def reached(house: MachineHouse, entity_id, state: str) -> None:
    while (await house.entities.get(CALLER, entity_id)).state != state:
        await asyncio.sleep(0.05)


async def moves(house: MachineHouse, entity_id) -> list[tuple[str | None, str]]:
    events = await house.entities.history(CALLER, entity_id, 0, 100)
    return [(event.transition, event.actor.split(":")[0]) for event in events if event.type.value == "transitioned"]
