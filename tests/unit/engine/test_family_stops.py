"""Whatever ends a parent or its task stops everything below, and a new attempt begins with new children."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from app.domain.definitions import RetryPolicy
from app.domain.errors import WrongState
from app.domain.states import ExecutionStatus
from app.engine.deciding.event_data import child_of
from app.engine.running.run import Run
from tests.support.family_stories import calling, children_of, for_each, running, staged, status, until
from tests.support.memory_house import House, Process
from tests.support.stories import parallel, sync
from tests.support.tenant import CALLER

LEASE_SECONDS = 10
SOON = RetryPolicy(max_attempts=3, initial_interval_seconds=0)


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
async def process(house: House) -> AsyncIterator[Process]:
    async with house.process() as process:
        yield process


def run_of(process: Process, execution_id) -> Run:
    run = process.engine._held.get(execution_id)
    assert run is not None
    return run


async def test_a_parent_that_is_cancelled_while_its_child_is_being_prepared_starts_none(
    house: House, process: Process
) -> None:
    child = await house.define(staged("c"))
    parent = await house.define(calling(child))
    gate = house.faults.hold_before("count_descendants")
    parent_id = await process.start(parent)
    await gate.reached()
    await process.controls.cancel(CALLER, parent_id, "at once")
    assert (await process.until(parent_id))[-1] == "cancelled"
    gate.open()
    await process.idle()
    assert list(house.database.executions) == [parent_id]


async def test_a_hundred_children_that_are_just_being_started_end_with_their_parent(
    house: House, process: Process
) -> None:
    child = await house.define(staged("c"))
    parent = await house.define(for_each(child, max_concurrency=100))
    parent_id = await process.start(parent, input={"list": [*range(100)]})
    await until(lambda: len(children_of(house, parent_id)) == 100)
    await process.controls.cancel(CALLER, parent_id, "at once")
    await until(lambda: not running(house))
    assert {status(house, one) for one in children_of(house, parent_id)} == {ExecutionStatus.CANCELLED}


async def test_a_cancel_reaches_every_descendant_although_the_engine_dies_with_it(house: House) -> None:
    leaf = await house.define(staged("leaf"))
    middle = await house.define(calling(leaf), parallel("beside", type="staged"))
    parent = await house.define(calling(await house.define(calling(middle))))
    async with house.process() as first:
        parent_id = await first.start(parent)
        await house.stage.entered("leaf")
        gate = house.faults.hold_before("commands")
        await gate.reached()
        await first.controls.cancel(CALLER, parent_id, "enough")
        await first.kill()
        gate.open()
    assert len(running(house)) == 4
    house.clock.advance(LEASE_SECONDS + 1)
    async with house.process(name="second"):
        await until(lambda: not running(house))
    assert len(house.database.executions) == 4
    assert {status(house, one) for one in house.database.executions} == {ExecutionStatus.CANCELLED}


async def test_the_engine_may_die_as_soon_as_the_end_of_the_parent_is_stored(house: House) -> None:
    leaf = await house.define(staged("leaf"))
    parent = await house.define(calling(await house.define(calling(leaf))))
    async with house.process() as first:
        parent_id = await first.start(parent)
        await house.stage.entered("leaf")
        await first.controls.cancel(CALLER, parent_id, "enough")
        await until(lambda: status(house, parent_id) is ExecutionStatus.CANCELLED)
        await first.kill()
    house.clock.advance(LEASE_SECONDS + 1)
    async with house.process(name="second"):
        await until(lambda: not running(house))
    assert house.stage.names in (["leaf/1"], ["leaf/1", "leaf/2"])


@pytest.mark.parametrize("how", ["failure", "timeout of the task", "timeout of the execution", "skip"])
async def test_whatever_ends_the_task_stops_its_children(house: House, process: Process, how: str) -> None:
    child = await house.define(staged("c"))
    call = calling(child, timeout_seconds=60.0 if how == "timeout of the task" else None)
    beside = parallel("beside", type="staged")
    parent = await house.define(call, beside, timeout_seconds=60.0 if how == "timeout of the execution" else None)
    parent_id = await process.start(parent)
    await house.stage.entered("c")
    beside_runs = await house.stage.entered("beside")
    [child_id] = children_of(house, parent_id)
    if how == "failure":
        beside_runs.fail()
    elif how == "skip":
        await process.controls.skip(CALLER, parent_id, "call", "not needed")
    else:
        house.clock.advance(60)
        # What a timer does when it has run out.
        run_of(process, parent_id).due(0 if how == "timeout of the task" else "deadline")
    assert (await process.until(child_id))[-1] == "cancelled"
    if how == "skip":
        beside_runs.succeed()
    assert (await process.until(parent_id))[-1] == ("completed" if how == "skip" else "failed")
    failure = house.database.executions[child_id].execution.failure
    assert failure is not None
    assert failure.message == "task 'call' of its parent no longer waits for it"


async def test_a_cancel_of_an_ended_execution_stops_what_runs_below_it(house: House, process: Process) -> None:
    child = await house.define(staged("c"))
    parent_id = await process.start(await house.define(calling(child)))
    await house.stage.entered("c")
    [child_id] = children_of(house, parent_id)
    # A version without families could leave them like this.
    run_of(process, parent_id).abandon()
    row = house.database.executions[parent_id].execution
    row.status, row.finished_at = ExecutionStatus.COMPLETED, house.clock.now()
    await process.controls.cancel(CALLER, parent_id, "tidy up")
    assert (await process.until(child_id))[-1] == "cancelled"
    with pytest.raises(WrongState, match="is completed and cannot be cancelled"):
        await process.controls.cancel(CALLER, parent_id, "again")


async def test_the_end_of_a_parent_stops_a_child_that_its_history_does_not_name(house: House, process: Process) -> None:
    """A version before the columns could store a child and die before it recorded that."""
    child = await house.define(staged("c"))
    parent_id = await process.start(await house.define(calling(child), sync("later", 1, type="staged")))
    performance = await house.stage.entered("c")
    [named] = children_of(house, parent_id)
    link = house.database.executions[named].execution.parent
    unnamed = await process.start(child)
    await house.stage.entered("c")
    await until(lambda: len(house.stage.performances) == 2)
    house.database.executions[unnamed].execution.parent = link
    performance.succeed()
    (await house.stage.entered("later")).succeed()
    assert (await process.until(parent_id))[-1] == "completed"
    assert (await process.until(unnamed))[-1] == "cancelled"
    failure = house.database.executions[unnamed].execution.failure
    assert failure is not None
    assert failure.message == "its parent has ended"


async def test_a_retry_never_follows_a_child_that_was_asked_to_stop(house: House, process: Process) -> None:
    """The child takes long to stop, and the attempts of its parent are shorter than that."""
    house.stage.cleaning = asyncio.Event()
    child = await house.define(staged("c"))
    parent_id = await process.start(await house.define(calling(child, timeout_seconds=1.0, retry=SOON)))
    await until(lambda: len(house.stage.performances) == 1)
    run = run_of(process, parent_id)
    for number in (2, 3):
        house.clock.advance(1)
        run.due(0)
        await until(lambda number=number: len(house.stage.performances) == number)
    house.clock.advance(1)
    run.due(0)
    assert (await process.until(parent_id))[-1] == "failed"
    named = [child_of(event) for event in house.database.histories[parent_id] if child_of(event) is not None]
    assert len(set(named)) == len(children_of(house, parent_id)) == 3
    house.stage.cleaning.set()
    await until(lambda: not running(house))
    assert {status(house, one) for one in children_of(house, parent_id)} == {ExecutionStatus.CANCELLED}


async def test_a_second_try_succeeds_when_nothing_is_wrong_with_it(house: House, process: Process) -> None:
    house.stage.cleaning = asyncio.Event()
    child = await house.define(staged("c"))
    parent_id = await process.start(await house.define(calling(child, timeout_seconds=1.0, retry=SOON)))
    await until(lambda: len(house.stage.performances) == 1)
    house.clock.advance(1)
    run_of(process, parent_id).due(0)
    await until(lambda: len(house.stage.performances) == 2)
    house.stage.performances[1].succeed(5)
    assert (await process.until(parent_id))[-1] == "completed"
    house.stage.cleaning.set()
    await until(lambda: not running(house))
    first, second = children_of(house, parent_id)
    assert (status(house, first), status(house, second)) == (ExecutionStatus.CANCELLED, ExecutionStatus.COMPLETED)


async def test_a_child_that_is_named_and_stopped_by_one_step_is_stopped(house: House) -> None:
    """The event that names it is the last that its parent may have."""
    house.limits["max_events"] = 4
    async with house.process() as process:
        child = await house.define(staged("c"))
        parent_id = await process.start(await house.define(calling(child)))
        assert (await process.until(parent_id))[-3:] == ["failing", "call cancelled", "failed"]
        [child_id] = children_of(house, parent_id)
        assert (await process.until(child_id))[-1] == "cancelled"


async def test_the_first_element_that_fails_stops_the_others(house: House, process: Process) -> None:
    child = await house.define(staged("c"))
    parent_id = await process.start(await house.define(for_each(child, max_concurrency=3)), input={"list": [*range(9)]})
    await until(lambda: len(house.stage.performances) == 3)
    house.stage.performances[1].fail()
    assert (await process.until(parent_id))[-2:] == ["all failed", "failed"]
    failure = (await process.executions.get(CALLER, parent_id)).failure
    assert failure is not None
    assert "element 1: execution " in failure.message
    await until(lambda: not running(house))
    statuses = [str(status(house, one)) for one in children_of(house, parent_id)]
    assert sorted(statuses) == ["cancelled", "cancelled", "failed"]


async def test_a_workflow_that_starts_itself_many_times_is_bounded_and_can_be_cancelled(house: House) -> None:
    house.limits |= {"max_descendants": 300, "max_depth": 100}
    async with house.process(max_executions=5) as process:
        each = sync("all", type="workflow", config={"workflow": "1"}, for_each="[1, 2, 3, 4, 5, 6]")
        workflow = await house.define(each)
        assert workflow.id == 1
        root = await process.start(workflow)
        await until(lambda: len(house.database.executions) > 100)
        await process.controls.cancel(CALLER, root, "no more")
        await until(lambda: not running(house))
        assert len(house.database.executions) <= 310
        assert status(house, root) is ExecutionStatus.CANCELLED
        await process.idle()
        assert process.engine._held.places.waiting.used == 0
