"""The process that was asked to move an entity is killed before it answers: all of it is stored, or nothing is."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any
from uuid import UUID

import asyncpg
import grpc
import httpx
import pytest

from app.adapters.database_url import driver_dsn
from app.api.grpc.generated import machine_pb2 as pb
from app.api.grpc.generated.machine_pb2_grpc import MachineServiceStub
from tests.support.clients import rest_client
from tests.support.databases import ask
from tests.support.engine_process import store_workflow, sync, workflow
from tests.support.grpc_server_process import GrpcServerProcess
from tests.support.machines import MachineHouse, machine_house
from tests.support.rest_server_process import RestServerProcess
from tests.support.server_process import ServerProcess
from tests.support.tenant import CALLER

MACHINE: dict[str, Any] = {
    "name": "offer",
    "states": [{"name": "open", "initial": True}, {"name": "taken", "on_enter": {"workflow": "tell"}}],
    "transitions": [{"from": "open", "to": "taken", "name": "take"}],
}
KEY = "request 1"
_WAITS = (
    "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    " AND query LIKE '%store_entity_step%'"
)
_END_WAITING = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
)
_STORED = "SELECT count(*) FROM entity_events"
_EXECUTIONS = "SELECT count(*) FROM executions"

Move = Callable[[UUID], Awaitable[int]]
"""Asks for the transition; the number of the event that was made."""


@pytest.fixture
async def house(database_url: str) -> AsyncIterator[MachineHouse]:
    async with machine_house(database_url) as house:
        yield house


@pytest.fixture(params=["rest", "grpc"])
async def asked(
    request: pytest.FixtureRequest, database_url: str, redis_url: str
) -> AsyncIterator[tuple[ServerProcess, Move]]:
    """A process, which is not started yet, and how it is asked."""
    if request.param == "grpc":
        server = GrpcServerProcess(database_url, LOG_LEVEL="warning")
        stub: Any = MachineServiceStub(server.channel)  # type: ignore[no-untyped-call]

        async def over_grpc(entity_id: UUID) -> int:
            wanted = pb.TransitionRequest(id=str(entity_id), transition="take", idempotency_key=KEY)
            return int((await stub.Transition(wanted, wait_for_ready=True)).event.sequence)

        yield server, over_grpc
        await server.close()
        return
    front = RestServerProcess(database_url, redis_url, LOG_LEVEL="warning")
    async with rest_client(base_url=front.url, timeout=300) as client:

        async def over_rest(entity_id: UUID) -> int:
            body = {"transition": "take", "idempotency_key": KEY}
            answer = await client.post(f"/entities/{entity_id}/transitions", json=body)
            assert answer.status_code == 200, answer.text
            return int(answer.json()["event"]["sequence"])

        yield front, over_rest
    await front.close()


@pytest.mark.parametrize("is_stored", [True, False], ids=["stored", "not stored"])
async def test_the_repetition_of_a_request_gets_the_first_answer(
    asked: tuple[ServerProcess, Move], house: MachineHouse, database_url: str, is_stored: bool
) -> None:
    """A lock holds the step back while the process is killed. Then it is stored, or its connection ends."""
    server, move = asked
    await store_workflow(database_url, workflow("tell", (sync("a", 1),)))
    entity = (await house.start(await house.define(MACHINE))).entity
    lock = await asyncpg.connect(driver_dsn(database_url))
    try:
        await server.start()
        async with lock.transaction():
            await lock.execute("LOCK TABLE entity_events IN SHARE MODE")
            first = asyncio.create_task(_lost(move(entity.id)))
            while not await ask(database_url, _WAITS):
                await asyncio.sleep(0.02)
            await server.kill()
            assert await first is None
            if not is_stored:
                await ask(database_url, _END_WAITING)
        while is_stored and await ask(database_url, _STORED) == 1:
            await asyncio.sleep(0.02)
        assert (await ask(database_url, _STORED), await ask(database_url, _EXECUTIONS)) == (
            (3, 1) if is_stored else (1, 0)
        )
        await server.start()
        assert [await move(entity.id), await move(entity.id)] == [2, 2]
    finally:
        await lock.close()
    events = await house.entities.history(CALLER, entity.id, 0, 10)
    assert [(one.sequence, one.type.value) for one in events] == [
        (1, "entity_started"),
        (2, "transitioned"),
        (3, "workflow_started"),
    ]
    assert await ask(database_url, _EXECUTIONS) == 1


async def _lost(answer: Awaitable[int]) -> int | None:
    """None if the connection breaks before there is one."""
    with suppress(httpx.TransportError, grpc.aio.AioRpcError):
        return await answer
    return None
