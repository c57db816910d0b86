"""Tasks that move entities: once, although attempts are repeated."""

import asyncio
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from app.domain.definitions import RetryPolicy
from app.domain.entity_moves import EntityMove
from app.domain.errors import Invalid, NotFound
from app.domain.handlers import TaskError
from app.domain.payloads import Payload
from app.domain.refs import Ref
from app.engine.service import StartRequest
from app.machines.task_moves import TaskMoves
from app.wiring.grpc_process import open_engine_process
from tests.support.engine_process import settings_for, store_workflow, sync, workflow
from tests.support.machines import FRAUD, MachineHouse
from tests.support.tenant import CALLER, TENANT_ID

WANTED = EntityMove(TENANT_ID, UUID(int=7), "7/1", "fraud_detection", "transactions", "1", to="processing")
CODE = {"approval_code": "x"}


async def words(house: MachineHouse, entity_id) -> list[str]:
    return [event.type.value for event in await house.entities.history(CALLER, entity_id, 0, 100)]


async def test_a_task_that_is_repeated_after_its_commit_moves_once(house: MachineHouse) -> None:
    machine = await house.define(FRAUD)
    entity = (await house.start(machine, data=CODE)).entity
    moves = TaskMoves(house.entities)
    answer = await moves.move(WANTED)
    assert answer == {
        "entity_id": str(entity.id),
        "sequence": 2,
        "from_state": "initial_state",
        "to_state": "processing",
        "state": "processing",
    }
    assert await moves.move(replace(WANTED, machine=str(machine.id))) == answer
    await house.move(entity.id, to="completed")
    assert await moves.move(WANTED) == {**answer, "state": "completed"}
    assert await words(house, entity.id) == ["entity_started", "transitioned", "transitioned"]
    (event,) = await house.entities.history(CALLER, entity.id, 1, 1)
    assert event.actor == f"execution:{UUID(int=7)}"


async def test_a_task_starts_an_entity(house: MachineHouse) -> None:
    await house.define(FRAUD)
    moves, wanted = TaskMoves(house.entities), replace(WANTED, start=True, data={"n": 1, **CODE})
    first, again = await moves.move(wanted), await moves.move(wanted)
    assert first == again
    entity = await house.entities.get(CALLER, UUID(first["entity_id"]))
    assert (entity.state, entity.data, entity.sequence) == ("processing", {"n": 1, **CODE}, 2)
    only = await moves.move(replace(wanted, entity="2", to=None))
    assert (only["sequence"], only["from_state"], only["to_state"]) == (1, None, "initial_state")
    other = await moves.move(replace(wanted, entity="2", to=None, key="8/1"))
    assert other == only


@pytest.mark.parametrize(
    ("change", "code", "retryable"),
    [
        ({}, "transition_refused", False),
        ({"retries": True}, "transition_refused", True),
        ({"to": "completed", "retries": True}, "transition_refused", True),
        ({"entity": "2"}, "entity_not_found", False),
        ({"machine": "nothing"}, "machine_not_found", False),
        ({"tenant_id": TENANT_ID + 1}, "machine_not_found", False),
        ({"notes": "x" * 10_001}, "invalid", False),
    ],
)
async def test_what_is_refused(house: MachineHouse, change: dict[str, Any], code: str, retryable: bool) -> None:
    await house.start(await house.define(FRAUD))
    with pytest.raises(TaskError) as refused:
        await TaskMoves(house.entities).move(replace(WANTED, **change))
    assert (refused.value.code, refused.value.retryable) == (code, retryable)


async def test_what_is_final_is_never_tried_again(house: MachineHouse) -> None:
    entity = (await house.start(await house.define(FRAUD))).entity
    await house.move(entity.id, to="cancelled")
    with pytest.raises(TaskError) as refused:
        await TaskMoves(house.entities).move(replace(WANTED, retries=True))
    assert not refused.value.retryable


@pytest.mark.parametrize("key", ["task:7/1", "execution:0197a3c4-5d2e-7c1a-9f3b-2a6f0c9d8e71:ship"])
async def test_callers_cannot_take_the_keys_of_tasks(house: MachineHouse, key: str) -> None:
    entity = (await house.start(await house.define(FRAUD))).entity
    with pytest.raises(Invalid, match="must not begin with"):
        await house.move(entity.id, to="cancelled", idempotency_key=key)


async def test_a_workflow_moves_an_entity(house: MachineHouse, database_url) -> None:
    """The first attempt of the second task is refused; it is made again until a caller has done what is missing."""
    await house.define(FRAUD)
    about = {"machine": "fraud_detection", "entity_table": "transactions", "entity_id": "${input.id}"}
    retry = RetryPolicy(max_attempts=100, initial_interval_seconds=0.1, backoff_coefficient=1.0)
    tasks = [
        sync("begin", 1, "transition", config={**about, "start": True, "data": {"from": "${execution.id}"}}),
        sync("go", 2, "transition", config={**about, "to": "processing", "on_conflict": "retry"}, retry=retry),
        sync("end", 3, "transition", config={**about, "transition": "complete", "notes": "n"}),
        sync("late", 4, "transition", config={**about, "transition": "complete"}),
    ]
    made = await store_workflow(database_url, workflow("moving", tasks))
    async with open_engine_process(settings_for(database_url)) as process:
        request = StartRequest(Ref(tenant_id=TENANT_ID, id=made.id), Payload('{"id":12}'))
        execution_id = (await process.executions.start(CALLER, request)).execution.id
        ref = Ref(tenant_id=TENANT_ID, key="fraud_detection")
        entity = await until_started(house, ref)
        await house.entities.change_data(CALLER, entity.id, house.request(data=CODE))
        ended = await process.executions.wait(CALLER, execution_id, 60)
        found = await process.executions.tasks(CALLER, execution_id)
    assert [task.failure and task.failure.code for task in found] == [None, None, None, "transition_refused"]
    assert ended.failure is not None
    assert [task.attempt for task in found][2:] == [1, 1]
    assert await words(house, entity.id) == ["entity_started", "data_changed", "transitioned", "transitioned"]


async def until_started(house: MachineHouse, machine: Ref) -> Any:
    while True:
        try:
            return await house.entities.find(CALLER, machine, "transactions", "12")
        except NotFound:
            await asyncio.sleep(0.02)
