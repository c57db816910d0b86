"""Workflows share an engine: none has all its places, however much of it is due, and what only waits needs none."""

from dataclasses import replace
from uuid import UUID

import pytest

from app.domain.callers import ANONYMOUS
from app.domain.definitions import Workflow, WorkflowDraft
from app.domain.refs import Ref
from app.domain.states import ExecutionStatus
from app.engine.identifiers import new_execution_id
from app.engine.starting import StartRequest
from tests.support.acts import act_of
from tests.support.family_stories import until
from tests.support.fixed_limits import FixedLimits
from tests.support.histories import CREATED, opening
from tests.support.memory_house import House, Process, Stage
from tests.support.stories import sync
from tests.support.tenant import TENANT_ID


class OutsideStage(Stage):
    """Its attempts wait for something outside."""

    waits_outside = True


@pytest.fixture
def outside() -> OutsideStage:
    return OutsideStage()


@pytest.fixture
def house(outside: OutsideStage) -> House:
    return House(handlers={"outside": outside})


async def of_type(house: House, name: str, type: str = "staged") -> Workflow:
    return await house.define(sync(name, type=type))


async def of_tenant(house: House, tenant_id: int, name: str, type: str = "staged") -> Workflow:
    draft = WorkflowDraft("w", tasks=(sync(name, type=type),))
    return (await house.database.definitions.create(act_of(tenant_id), draft)).workflow


async def enqueued(house: House, workflow: Workflow, count: int, tenant_id: int = TENANT_ID) -> list[UUID]:
    ids = [new_execution_id() for _ in range(count)]
    for execution_id in ids:
        await house.store.enqueue(tenant_id, execution_id, opening(workflow), (CREATED,))
    return ids


def names(stage: Stage) -> list[str]:
    return [performance.attempt.task_name for performance in stage.performances]


async def is_completed(process: Process, execution_id: UUID) -> bool:
    return (await process.until(execution_id))[-1] == "completed"


async def test_one_workflow_that_starts_many_leaves_places_to_others(house: House) -> None:
    async with house.process(max_executions=9) as process:
        hog, other = await of_type(house, "hog"), await of_type(house, "other")
        started = [await process.start(hog) for _ in range(30)]
        await house.stage.performance(8)
        assert sum(house.owner(one) is not None for one in started) == 8
        execution_id = await process.start(other)
        (await house.stage.entered("other")).succeed()
        assert await is_completed(process, execution_id)


async def test_every_workflow_with_something_due_gets_a_place(house: House) -> None:
    hog, others = await of_type(house, "hog"), [await of_type(house, name) for name in "abc"]
    await enqueued(house, hog, 100)
    for workflow in others:
        await enqueued(house, workflow, 2)
    async with house.process(max_executions=8):
        await house.stage.performance(8)
        assert {"a", "b", "c"} <= set(names(house.stage))


async def test_what_comes_later_does_not_wait_behind_the_backlog_of_one(house: House) -> None:
    async with house.process(max_executions=9) as process:
        hog, other = await of_type(house, "hog"), await of_type(house, "other")
        await enqueued(house, hog, 200)
        await house.stage.performance(8)
        ids = await enqueued(house, other, 4)
        # It has the free place, and each that the other workflow gives back.
        for number in range(4):
            house.stage.performances[number].succeed()
        await until(lambda: names(house.stage).count("other") == 4)
        for performance in house.stage.performances:
            if performance.attempt.task_name == "other":
                performance.succeed()
        for execution_id in ids:
            assert await is_completed(process, execution_id)


async def test_a_backlog_is_worked_off(house: House) -> None:
    house.handlers["at once"] = house.handlers["instant"]
    hog, other = await of_type(house, "hog", "at once"), await of_type(house, "other", "at once")
    ids = [*await enqueued(house, hog, 300), *await enqueued(house, other, 50)]
    async with house.process(max_executions=10) as process:
        for execution_id in ids:
            assert await is_completed(process, execution_id)
        await process.idle()
        assert process.engine._held.places.room == 10


async def test_what_only_waits_for_something_outside_needs_no_place(house: House, outside: OutsideStage) -> None:
    async with house.process(max_executions=2) as process:
        calls, other = await of_type(house, "call", "outside"), await of_type(house, "other")
        waiting = [await process.start(calls) for _ in range(12)]
        await outside.performance(12)
        execution_id = await process.start(other)
        (await house.stage.entered("other")).succeed()
        assert await is_completed(process, execution_id)
        for performance in outside.performances:
            performance.succeed()
        for one in waiting:
            assert await is_completed(process, one)
        await process.idle()
        places = process.engine._held.places
        assert (places.working.used, places.waiting.used) == (0, 0)


async def test_what_waits_outside_is_bounded_and_one_workflow_does_not_have_it_all(
    house: House, outside: OutsideStage
) -> None:
    """Of 9 places and 90 to wait at, one workflow has 80 to wait at, and 8 executions that found none."""
    async with house.process(max_executions=9) as process:
        calls, other = await of_type(house, "call", "outside"), await of_type(house, "other", "outside")
        waiting = [await process.start(calls) for _ in range(100)]
        await outside.performance(88)
        assert sum(house.owner(one) is not None for one in waiting) == 88
        execution_id = await process.start(other)
        (await outside.entered("other")).succeed()
        assert await is_completed(process, execution_id)


async def test_an_attempt_that_works_beside_one_that_waits_keeps_the_place(house: House, outside: OutsideStage) -> None:
    async with house.process(max_executions=1) as process:
        both = await house.define(
            sync("work", type="staged", depends_on=()), sync("call", type="outside", depends_on=())
        )
        execution_id = await process.start(both)
        work, call = await house.stage.entered("work"), await outside.entered("call")
        places = process.engine._held.places
        assert (places.working.used, places.waiting.used) == (1, 0)
        work.succeed()
        await until(lambda: places.waiting.used == 1)
        call.succeed()
        assert await is_completed(process, execution_id)


async def test_starts_wait_behind_what_is_due(house: House) -> None:
    async with house.process(max_executions=1) as process:
        hog = await of_type(house, "hog")
        first = await process.start(hog)
        a = await house.stage.entered("hog")
        queued = await enqueued(house, hog, 3)
        a.succeed()
        assert await is_completed(process, first)
        late = await process.start(hog)
        for number in range(2, 6):
            (await house.stage.performance(number)).succeed()
        order = [performance.attempt.execution_id for performance in house.stage.performances]
        assert order[1:] == [*queued, late]


async def test_the_single_start_of_a_tenant_does_not_wait_behind_the_flood_of_another(house: House) -> None:
    """10,000 executions of 100 workflows are due. It begins although none of those that run ends."""
    several = FixedLimits({}, several=True)
    async with house.process(max_executions=20, running_limits=several):
        for number in range(100):
            await enqueued(house, await of_tenant(house, 2, f"flood {number}"), 100, tenant_id=2)
        await house.stage.performance(18)
        await enqueued(house, await of_tenant(house, 3, "single"), 1, tenant_id=3)
        await house.stage.entered("single")
        assert len(house.stage.performances) <= 20


async def test_a_flood_that_was_there_first_leaves_a_place_to_another_tenant(house: House) -> None:
    for number in range(100):
        await enqueued(house, await of_tenant(house, 2, f"flood {number}"), 10, tenant_id=2)
    async with house.process(max_executions=20, running_limits=FixedLimits({}, several=True)):
        await house.stage.performance(18)
        await enqueued(house, await of_tenant(house, 3, "single"), 1, tenant_id=3)
        await house.stage.entered("single")


async def test_tenants_with_something_due_share_the_places(house: House) -> None:
    tenants = [2, 3, 4]
    for tenant_id in tenants:
        for number in range(1 if tenant_id == 4 else 20):
            workflow = await of_tenant(house, tenant_id, f"{tenant_id} {number}")
            await enqueued(house, workflow, 20, tenant_id=tenant_id)
    async with house.process(max_executions=30, running_limits=FixedLimits({}, several=True)) as process:
        taken = process.engine._held.places.working.tenants
        await until(lambda: len(taken()) == 3 and min(taken().values()) >= 4)


async def test_no_more_of_a_tenant_run_than_its_limit_allows_and_none_is_lost(house: House) -> None:
    limited = FixedLimits({2: 3})
    async with house.process(max_executions=20, running_limits=limited) as process:
        workflow = await of_tenant(house, 2, "a")
        ids = await enqueued(house, workflow, 10, tenant_id=2)
        await house.stage.performance(3)
        caller = replace(ANONYMOUS, tenant_id=2)
        for _ in range(5):
            request = StartRequest(Ref(tenant_id=2, id=workflow.id))
            started = await process.executions.start(caller, request)
            assert started.execution.status is ExecutionStatus.PENDING
            ids.append(started.execution.id)
        for number in range(1, 16):
            performance = await house.stage.performance(number)
            gate = house.faults.hold_after("claim")
            await gate.reached()
            gate.open()
            running = [p for p in house.stage.performances if not p.ending.done()]
            assert len(running) <= 3
            performance.succeed()
        await until(lambda: not any(house.database.executions[one].is_open for one in ids))


async def test_a_parent_that_waits_for_its_child_leaves_the_running_place_to_it(house: House) -> None:
    async with house.process(max_executions=20, running_limits=FixedLimits({2: 1})) as process:
        child = await of_tenant(house, 2, "child")
        draft = WorkflowDraft("parent", tasks=(sync("call", type="workflow", config={"workflow": str(child.id)}),))
        parent = (await house.database.definitions.create(act_of(2), draft)).workflow
        [execution_id] = await enqueued(house, parent, 1, tenant_id=2)
        (await house.stage.entered("child")).succeed()
        await until(lambda: not house.database.executions[execution_id].is_open)
        assert process.engine._held.places.running(2) == 0
