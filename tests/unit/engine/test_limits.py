"""What bounds an execution: its time, its events, handlers that do not stop."""

import asyncio

import pytest

from app.domain.definitions import RetryPolicy
from app.domain.events import EventType
from app.domain.executions import Failure
from app.domain.handlers import TaskError, Wait
from app.domain.states import ExecutionStatus, TaskStatus
from tests.support.memory_house import House
from tests.support.requests import payload_of
from tests.support.stories import parallel, sync
from tests.support.tenant import CALLER
from tests.support.virtual_time import in_virtual_time

LATER = RetryPolicy(max_attempts=3, initial_interval_seconds=3600, max_interval_seconds=3600)


class Waits:
    def wait(self, config):
        return Wait(seconds=config.get("seconds"), signal=config.get("signal"))


def staged(name: str, sequence: int = 0, **options):
    return sync(name, sequence, type="staged", **options)


def beside(name: str, sequence: int = 0, **options):
    return parallel(name, sequence, type="staged", **options)


# The execution's own time


async def test_an_execution_that_takes_too_long_fails() -> None:
    house = House()
    async with house.process() as process:
        workflow = await house.define(beside("a"), beside("b", retry=LATER), staged("c", 1), timeout_seconds=0.01)
        execution_id = await process.start(workflow)
        await house.stage.entered("a")
        (await house.stage.entered("b")).fail()
        await process.until(execution_id, "b retrying")
        house.clock.advance(1)
        seen = await process.until(execution_id)
        assert seen[-4:] == ["failing", "b cancelled", "a cancelled", "failed"]
        execution = await process.executions.get(CALLER, execution_id)
        assert execution.failure == Failure("execution_timeout", "the execution did not end within 0.01 s")


async def test_the_time_of_a_pause_counts_and_the_timeout_ends_it() -> None:
    house = House()
    async with house.process() as process:
        execution_id = await process.start(await house.define(staged("a"), timeout_seconds=0.01))
        await house.stage.entered("a")
        await process.controls.pause(CALLER, execution_id, "")
        await process.until(execution_id, "paused")
        house.clock.advance(1)
        assert (await process.until(execution_id))[-4:] == ["paused", "failing", "a cancelled", "failed"]
        statuses = [event.status for event in house.history(execution_id)][-3:]
        assert statuses == [ExecutionStatus.RUNNING, ExecutionStatus.RUNNING, ExecutionStatus.FAILED]


@in_virtual_time
async def test_an_execution_that_ends_in_time_is_left_alone() -> None:
    house = House()
    async with house.process() as process:
        execution_id = await process.start(await house.define(sync("a"), timeout_seconds=1))
        assert (await process.until(execution_id))[-1] == "completed"
        house.clock.advance(10)
        await asyncio.sleep(10)
        assert house.history(execution_id)[-1].type is EventType.EXECUTION_COMPLETED


async def test_the_next_engine_keeps_the_time() -> None:
    house = House()
    async with house.process() as first:
        execution_id = await first.start(await house.define(staged("a"), timeout_seconds=3600))
        await house.stage.entered("a")
        await first.kill()
    house.clock.advance(3601)
    async with house.process() as second:
        seen = await second.until(execution_id)
    assert seen[-1] == "failed"
    assert "failing" in seen


async def test_a_parked_execution_wakes_for_its_timeout() -> None:
    house = House(handlers={"waits": Waits()}, park_after_seconds=5)
    async with house.process() as process:
        execution_id = await process.start(await house.define(sync("a", type="waits"), timeout_seconds=60))
        await process.until(execution_id, "a started")
        await process.idle()
        assert house.owner(execution_id) is None
        house.clock.advance(61)
        assert (await process.until(execution_id))[-3:] == ["failing", "a cancelled", "failed"]


# Events


async def test_an_execution_with_too_many_events_fails() -> None:
    house = House(limits={"max_events": 10})
    async with house.process() as process:
        execution_id = await process.start(await house.define(*(sync(f"t{n}") for n in range(10))))
        seen = await process.until(execution_id)
        assert seen[-2:] == ["failing", "failed"]
        assert len(seen) == 12
        failure = (await process.executions.get(CALLER, execution_id)).failure
        assert failure is not None
        assert failure.code == "too_many_events"
        assert "MAX_EVENTS_PER_EXECUTION" in failure.message
        assert "10 events" in failure.message


async def test_an_execution_that_reaches_the_limit_with_its_last_task_completes() -> None:
    house = House(limits={"max_events": 10})
    async with house.process() as process:
        execution_id = await process.start(await house.define(*(sync(f"t{n}") for n in range(4))))
        seen = await process.until(execution_id)
    assert len(seen) == 11
    assert seen[-1] == "completed"


async def test_signals_and_reports_beyond_the_limit_are_dropped() -> None:
    house = House(limits={"max_events": 6}, handlers={"waits": Waits()})
    async with house.process() as process:
        later = sync("b", type="waits", config={"signal": "s"})
        execution_id = await process.start(await house.define(staged("a"), later))
        a = await house.stage.entered("a")
        house.stage.cleaning = asyncio.Event()
        for number in range(10):
            await process.controls.signal(CALLER, execution_id, "s", payload_of(number))
        await process.until(execution_id, "failing")
        a.attempt.report(50, "still here")
        house.stage.cleaning.set()
        seen = await process.until(execution_id)
        assert seen[-3:] == ["failing", "a cancelled", "failed"]
        assert len(seen) <= 6 + 3
        assert house.database.commands == {}


# Handlers that do not stop


async def test_an_attempt_that_does_not_stop_when_cancelled_is_given_up() -> None:
    house = House(limits={"cancel_grace_seconds": 0.01})
    house.stage.cleaning = asyncio.Event()
    async with house.process() as process:
        execution_id = await process.start(await house.define(staged("a")))
        a = await house.stage.entered("a")
        await process.controls.cancel(CALLER, execution_id, "enough")
        assert (await process.until(execution_id))[-3:] == ["cancel_requested", "a cancelled", "cancelled"]
        data = house.history(execution_id)[-2].data or ""
        assert "enough; it did not stop within 0.01 s and was given up" in data
        assert not a.cancelled
        house.stage.cleaning.set()
        while not a.cancelled:
            await asyncio.sleep(0)
        assert house.history(execution_id)[-1].type is EventType.EXECUTION_CANCELLED


@in_virtual_time
async def test_an_attempt_that_does_not_stop_at_its_timeout_is_given_up_and_repeated() -> None:
    house = House(limits={"cancel_grace_seconds": 1})
    house.stage.cleaning = asyncio.Event()
    again = RetryPolicy(max_attempts=2, initial_interval_seconds=0)
    async with house.process() as process:
        execution_id = await process.start(await house.define(staged("a", timeout_seconds=2, retry=again)))
        first = await house.stage.entered("a", 1)
        second = await house.stage.entered("a", 2)
        assert not first.cancelled
        house.stage.cleaning.set()
        await asyncio.sleep(0)
        second.succeed("done")
        seen = await process.until(execution_id)
        assert seen[2:] == ["a started", "a retrying", "a started/2", "a completed/2", "completed"]
        tasks = await process.executions.tasks(CALLER, execution_id)
        assert (tasks[0].status, tasks[0].output) == (TaskStatus.COMPLETED, '"done"')


# Errors that are not worth another attempt


@pytest.mark.parametrize(("code", "attempts"), [("broken", 3), ("rejected", 1)])
async def test_listed_errors_are_final(code: str, attempts: int) -> None:
    house = House()
    policy = RetryPolicy(max_attempts=3, initial_interval_seconds=0, non_retryable_errors=("refused", "rejected"))
    async with house.process() as process:
        execution_id = await process.start(await house.define(staged("a", retry=policy)))
        for number in range(1, attempts + 1):
            (await house.stage.entered("a", number)).fail(TaskError(code, "no"))
        assert (await process.until(execution_id))[-1] == "failed"
        assert len(house.stage.names) == attempts
