"""How an engine stops: what runs may end, nothing new starts, the rest is handed over, and nobody is left waiting."""

import asyncio

import pytest

from app.domain.definitions import RetryPolicy
from app.domain.errors import Unavailable
from app.domain.events import EventType
from app.domain.shares import Group
from app.domain.states import ExecutionStatus
from app.engine.ports import StoreUnreachable
from tests.support.memory_house import House
from tests.support.stories import parallel, sync
from tests.support.tenant import CALLER
from tests.support.virtual_time import in_virtual_time

MOST_OF_A_LEASE = 6.0
LATER = RetryPolicy(max_attempts=3, initial_interval_seconds=3600, max_interval_seconds=3600)


@pytest.fixture
def house() -> House:
    return House()


def staged(name: str, sequence: int = 0, **options):
    return sync(name, sequence, type="staged", **options)


def beside(name: str, sequence: int = 0, **options):
    return parallel(name, sequence, type="staged", **options)


async def stopping(process, deadline: float = 60):
    """A stop that has begun and waits."""
    task = asyncio.create_task(process.engine.stop(deadline))
    await asyncio.sleep(0)
    assert not process.engine.has_room(Group(1, 1))
    return task


async def test_running_attempts_may_end_and_are_recorded(house: House) -> None:
    async with house.process() as first:
        execution_id = await first.start(await house.define(staged("a"), staged("b")))
        a = await house.stage.entered("a")
        stop = await stopping(first)
        a.succeed()
        await stop
        assert house.stage.names == ["a/1"]
        assert house.owner(execution_id) is None
        assert house.database.leases == {}
    async with house.process() as second:
        (await house.stage.entered("b")).succeed()
        seen = await second.until(execution_id)
    assert seen[2:] == ["a started", "a completed", "b started", "b completed", "completed"]


async def test_an_execution_whose_last_attempt_ends_ends_here(house: House) -> None:
    async with house.process() as process:
        execution_id = await process.start(await house.define(staged("a")))
        following = asyncio.create_task(process.until(execution_id))
        a = await house.stage.entered("a")
        stop = await stopping(process)
        a.succeed()
        await stop
        assert (await following)[-1] == "completed"


async def test_an_execution_that_fails_meanwhile_ends_here_too(house: House) -> None:
    async with house.process() as process:
        workflow = await house.define(beside("a"), beside("b"), beside("c", retry=LATER))
        execution_id = await process.start(workflow)
        (await house.stage.entered("c")).fail()
        await process.until(execution_id, "c retrying")
        a, b = await house.stage.entered("a"), await house.stage.entered("b")
        stop = await stopping(process)
        a.fail()
        await stop
        assert b.cancelled
        seen = await process.until(execution_id)
    assert seen[-4:] == ["a failed", "c cancelled", "b cancelled", "failed"]


async def test_an_attempt_that_outlasts_the_deadline_is_made_again_by_the_next_engine(house: House) -> None:
    async with house.process() as first:
        execution_id = await first.start(await house.define(staged("a")))
        a = await house.stage.entered("a")
        await first.engine.stop(0)
        await asyncio.sleep(0)
        assert a.cancelled
        assert house.history(execution_id)[-1].task_id == a.attempt.task_id
        assert len(house.history(execution_id)) == 3, "the cut leaves no trace"
    async with house.process() as second:
        (await house.stage.entered("a", 2)).succeed()
        seen = await second.until(execution_id)
    assert seen[2:] == ["a started", "a retrying", "a started/2", "a completed/2", "completed"]


async def test_an_attempt_whose_start_is_on_its_way_into_the_history_is_made(house: House) -> None:
    async with house.process() as first:
        gate = house.faults.hold_before("record")
        starting = asyncio.create_task(first.start(await house.define(staged("a"))))
        await gate.reached()
        stop = await stopping(first)
        gate.open()
        execution_id = await starting
        (await house.stage.entered("a")).succeed()
        await stop
        assert (await first.executions.get(CALLER, execution_id)).status is ExecutionStatus.COMPLETED
    assert house.stage.names == ["a/1"]


async def test_a_retry_does_not_begin_while_the_engine_stops(house: House) -> None:
    async with house.process() as first:
        soon = RetryPolicy(max_attempts=2, initial_interval_seconds=0)
        execution_id = await first.start(await house.define(beside("a", retry=soon), beside("b")))
        a, b = await house.stage.entered("a"), await house.stage.entered("b")
        stop = await stopping(first)
        a.fail()
        await first.until(execution_id, "a retrying")
        b.succeed()
        await stop
    assert house.stage.names == ["a/1", "b/1"]
    async with house.process() as second:
        (await house.stage.entered("a", 2)).succeed()
        assert (await second.until(execution_id))[-1] == "completed"


async def test_a_cancel_that_comes_while_the_engine_stops_is_kept(house: House) -> None:
    async with house.process() as first:
        execution_id = await first.start(await house.define(staged("a")))
        a = await house.stage.entered("a")
        stop = await stopping(first)
        await first.controls.cancel(CALLER, execution_id, "enough")
        await stop
        assert a.cancelled
        seen = await first.until(execution_id)
    assert seen[2:] == ["a started", "cancel_requested", "a cancelled", "cancelled"]


async def test_a_stopping_engine_leaves_new_work_to_others(house: House) -> None:
    async with house.process() as first:
        await first.start(await house.define(staged("a")))
        a = await house.stage.entered("a")
        stop = await stopping(first)
        execution_id = await first.start(await house.define(staged("b")))
        assert house.owner(execution_id) is None
        assert (await first.executions.get(CALLER, execution_id)).status is ExecutionStatus.PENDING
        a.succeed()
        await stop
        async with house.process() as second:
            (await house.stage.entered("b")).succeed()
            assert (await second.until(execution_id))[-1] == "completed"


async def test_a_start_that_waits_for_room_is_left_to_others(house: House) -> None:
    async with house.process(max_waiting=1) as first:
        workflow = await house.define(sync("a"))
        gate = house.faults.hold_before("record")
        starting = [asyncio.create_task(first.start(workflow)) for _ in range(4)]
        await gate.reached()
        stop = await stopping(first)
        gate.open()
        await stop
        ids = await asyncio.gather(*starting)
        assert first.engine.running == 0
    async with house.process() as second:
        for execution_id in ids:
            assert (await second.until(execution_id))[-1] == "completed"


async def test_a_start_that_waited_for_room_takes_no_more_than_there_is(house: House) -> None:
    async with house.process(max_waiting=1, max_executions=2) as process:
        workflow = await house.define(staged("a"))
        gate = house.faults.hold_before("record")
        starting = [asyncio.create_task(process.start(workflow)) for _ in range(5)]
        await gate.reached()
        gate.open()
        await asyncio.gather(*starting)
        assert process.engine.running == 2


async def test_the_lease_is_kept_until_what_has_ended_is_recorded(house: House) -> None:
    """A database that is slow must not cost the outcomes of attempts that ended in time."""
    async with house.process() as first:
        execution_id = await first.start(await house.define(staged("a")))
        a = await house.stage.entered("a")
        recording = house.faults.hold_before("record")
        a.succeed()
        await recording.reached()
        stop = await stopping(first, deadline=0)
        for _ in range(3):
            house.clock.advance(MOST_OF_A_LEASE)
            renewal = house.faults.hold_after("renew")
            await renewal.reached()
            renewal.open()
            await house.ownership.reap()
        recording.open()
        await stop
        assert house.history(execution_id)[-1].type is EventType.EXECUTION_COMPLETED
        assert house.database.leases == {}
    assert house.stage.names == ["a/1"]


@in_virtual_time
async def test_a_stop_without_a_database_ends_and_answers_everybody(house: House) -> None:
    renewing = house.faults.hold_before("renew")
    async with house.process(lease_seconds=10, renew_seconds=2) as process:
        await renewing.reached()
        running = await process.start(await house.define(staged("a")))
        a = await house.stage.entered("a")
        gate = house.faults.hold_before("record")
        starting = asyncio.create_task(process.start(await house.define(staged("b"))))
        await gate.reached()
        house.faults.outage = True
        await process.engine.stop(0)
        with pytest.raises(StoreUnreachable):
            await starting
        await asyncio.sleep(0)
        assert a.cancelled
        house.faults.outage = False
        assert house.owner(running) is not None, "it is taken over when the lease has ended"


async def test_a_stop_may_be_repeated(house: House) -> None:
    async with house.process() as process:
        await process.engine.stop(0)
        await process.engine.stop(0)
        assert house.database.leases == {}


async def test_an_engine_that_never_started_stops(house: House) -> None:
    await house.build().engine.stop(0)


async def test_watchers_are_told_to_come_back(house: House) -> None:
    async with house.process() as process:
        execution_id = await process.start(await house.define(staged("a")))
        following = asyncio.create_task(process.until(execution_id))
        await house.stage.entered("a")
        await process.engine.stop(0)
        process.hub.close()
        with pytest.raises(Unavailable, match="watch it again after 3"):
            await following
        assert process.hub.watchers == 0


async def test_nothing_is_left_of_executions_that_have_ended(house: House) -> None:
    async with house.process() as process:
        for _ in range(3):
            execution_id = await process.start(await house.define(staged("a"), beside("b", 1), beside("c", 1)))
            for name in "abc":
                performance = await house.stage.entered(name)
                performance.succeed()
            await process.until(execution_id)
            house.stage.performances.clear()
        assert process.engine.running == 0
        assert process.hub.watchers == 0
        names = [task.get_name() for task in asyncio.all_tasks()]
        assert not [name for name in names if name.startswith("attempt ")]
