"""Workflows share an engine: none has all its places, however much of it is due, and what only waits needs none."""

from uuid import UUID

import pytest

from app.domain.callers import DEFAULT_TENANT_ID
from app.domain.definitions import Workflow
from app.engine.identifiers import new_execution_id
from tests.support.family_stories import until
from tests.support.histories import CREATED, opening
from tests.support.memory_house import House, Process, Stage
from tests.support.stories import sync


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


async def enqueued(house: House, workflow: Workflow, count: int) -> list[UUID]:
    ids = [new_execution_id() for _ in range(count)]
    for execution_id in ids:
        await house.store.enqueue(DEFAULT_TENANT_ID, execution_id, opening(workflow), (CREATED,))
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
