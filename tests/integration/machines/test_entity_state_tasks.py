"""Tasks that wait for a state of an entity, parked."""

import asyncio
from typing import Any
from uuid import UUID

import orjson
import pytest

from app.adapters.database.entities import PostgresEntityTimers
from app.domain.errors import Invalid
from app.domain.executions import Execution
from app.domain.payloads import Payload
from app.domain.refs import Ref
from app.engine.service import StartRequest
from app.wiring.grpc_process import EngineProcess, open_engine_process
from tests.support.databases import ask
from tests.support.engine_process import settings_for, store_workflow, sync, workflow
from tests.support.machines import FRAUD, MachineHouse
from tests.support.tenant import CALLER, TENANT_ID

ABOUT = {"machine": "fraud_detection", "entity_table": "transactions", "entity_id": "${input.id}"}
WAITS = sync("wait", 1, "entity_state", config={**ABOUT, "states": ["processing", "cancelled"]})
_PARKED = "SELECT count(*) = 1 FROM executions WHERE owner_id IS NULL AND status = 'running'"
_WATCHED = "SELECT count(*) = 1 FROM entity_waits WHERE NOT is_new"
_WAITS = "SELECT count(*) FROM entity_waits"


async def _tell_nothing(*_: object) -> bool:
    return False


async def start(process: EngineProcess, database_url: str, task=WAITS, begins: str = "start") -> UUID:
    made = await store_workflow(database_url, workflow("waiting", [task]))
    request = StartRequest(Ref(tenant_id=TENANT_ID, id=made.id), Payload('{"id":1}'))
    if begins == "execute":
        started, stream = await process.executions.execute(CALLER, request)
        await stream.aclose()
        return started.execution.id
    return (await process.executions.start(CALLER, request)).execution.id


async def until(database_url: str, question: str) -> None:
    while not await ask(database_url, question):
        await asyncio.sleep(0.02)


def engine(database_url: str, **settings: Any):
    return open_engine_process(settings_for(database_url, engine_park_seconds=0, **settings))


def output_of(execution: Execution) -> Any:
    return orjson.loads(execution.output or "null")


async def test_a_parked_task_is_told_when_the_entity_is_there(house: MachineHouse, database_url) -> None:
    entity = (await house.start(await house.define(FRAUD))).entity
    # The notifications must do: the next look would come too late.
    async with engine(database_url, engine_poll_seconds=50) as process:
        execution_id = await start(process, database_url)
        await until(database_url, _PARKED)
        await until(database_url, _WATCHED)
        await house.move(entity.id, to="cancelled")
        ended = await process.executions.wait(CALLER, execution_id, 30)
    assert output_of(ended) == {"wait": {"entity_id": str(entity.id), "state": "cancelled", "sequence": 2}}
    assert await ask(database_url, _WAITS) == 0


async def test_an_entity_that_is_there_already_ends_the_wait(house: MachineHouse, database_url) -> None:
    entity = (await house.start(await house.define(FRAUD))).entity
    await house.move(entity.id, to="cancelled")
    async with engine(database_url) as process:
        ended = await process.executions.wait(CALLER, await start(process, database_url), 30)
    assert output_of(ended)["wait"]["state"] == "cancelled"


async def test_what_passed_through_the_state_is_told_of_it(house: MachineHouse, database_url) -> None:
    """No engine runs while the entity enters the state and leaves it."""
    entity = (await house.start(await house.define(FRAUD))).entity
    async with engine(database_url) as process:
        execution_id = await start(process, database_url)
        await until(database_url, _WATCHED)
    await house.move(entity.id, to="processing", context={"approval_code": "x"})
    await house.move(entity.id, to="completed")
    async with engine(database_url) as process:
        ended = await process.executions.wait(CALLER, execution_id, 30)
    assert output_of(ended) == {"wait": {"entity_id": str(entity.id), "state": "processing", "sequence": 2}}


@pytest.mark.parametrize("is_there", [False, True], ids=["comes", "is there"])
@pytest.mark.parametrize("begins", ["start", "execute"])
async def test_what_leaves_the_state_before_an_engine_has_looked_is_told_of_it(
    house: MachineHouse, database_url, monkeypatch: pytest.MonkeyPatch, begins: str, is_there: bool
) -> None:
    """The engine dies when it has stored the wait. With `execute` the step of the wait opens the execution."""
    entity = (await house.start(await house.define(FRAUD))).entity
    if is_there:
        await house.move(entity.id, to="processing", context={"approval_code": "x"})
    with monkeypatch.context() as patch:
        patch.setattr(PostgresEntityTimers, "tell", _tell_nothing)
        async with engine(database_url) as process:
            execution_id = await start(process, database_url, begins=begins)
            await until(database_url, _PARKED)
    if not is_there:
        await house.move(entity.id, to="processing", context={"approval_code": "x"})
    await house.move(entity.id, to="completed")
    async with engine(database_url) as process:
        ended = await process.executions.wait(CALLER, execution_id, 20)
    assert output_of(ended) == {"wait": {"entity_id": str(entity.id), "state": "processing", "sequence": 2}}


async def test_what_has_left_the_state_before_the_wait_is_not_told(house: MachineHouse, database_url) -> None:
    entity = (await house.start(await house.define(FRAUD))).entity
    await house.move(entity.id, to="processing", context={"approval_code": "x"})
    await house.move(entity.id, to="completed")
    async with engine(database_url) as process:
        await start(process, database_url)
        await until(database_url, _WATCHED)
        assert await ask(database_url, "SELECT count(*) FROM entity_waits WHERE met IS NULL") == 1


async def test_an_entity_that_does_not_exist_yet_is_waited_for(house: MachineHouse, database_url) -> None:
    async with engine(database_url) as process:
        execution_id = await start(process, database_url)
        await until(database_url, _WATCHED)
        entity = (await house.start(await house.define(FRAUD))).entity
        # The machine did not exist when the wait began: it is looked for once a minute.
        await house.loop._timers.sweep(10)
        await until(database_url, "SELECT count(*) = 1 FROM entity_waits WHERE machine_id IS NOT NULL")
        await house.move(entity.id, to="cancelled")
        ended = await process.executions.wait(CALLER, execution_id, 30)
    assert output_of(ended)["wait"]["sequence"] == 2


async def test_another_tenant_moves_nothing(house: MachineHouse, other_tenant, database_url) -> None:
    async with engine(database_url) as process:
        await house.define(FRAUD)
        foreign = (await house.start(await house.define(FRAUD, other_tenant), caller=other_tenant)).entity
        await start(process, database_url)
        await until(database_url, _WATCHED)
        await house.move(foreign.id, other_tenant, to="cancelled")
        await house.loop.fire_due()
        assert await ask(database_url, "SELECT count(*) FROM entity_waits WHERE met IS NULL") == 1


async def test_the_timeout_of_the_task_ends_the_wait_and_no_caller_can(house: MachineHouse, database_url) -> None:
    await house.define(FRAUD)
    config = {**ABOUT, "states": ["processing"]}
    async with engine(database_url) as process:
        execution_id = await start(
            process, database_url, sync("wait", 1, "entity_state", config=config, timeout_seconds=1.5)
        )
        await until(database_url, _WATCHED)
        name = await ask(database_url, "SELECT signal FROM entity_waits")
        with pytest.raises(Invalid):
            await process.controls.signal(CALLER, execution_id, name, Payload("{}"))
        ended = await process.executions.wait(CALLER, execution_id, 30)
    assert ended.failure is not None
    await house.loop._timers.sweep(10)
    assert await ask(database_url, _WAITS) == 0
