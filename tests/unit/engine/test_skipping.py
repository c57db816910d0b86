"""A task that is skipped counts as done, wherever it stood; what runs is stopped first."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from app.domain.definitions import RetryPolicy
from app.domain.handlers import Attempt, Wait
from app.domain.states import TaskStatus
from tests.support.memory_house import House, Process
from tests.support.requests import payload_of
from tests.support.stories import parallel, sync
from tests.support.tenant import CALLER

LATER = RetryPolicy(max_attempts=3, initial_interval_seconds=3600, max_interval_seconds=3600)


class Waits:
    def wait(self, config):
        return Wait(signal=config["signal"])


class Saves:
    """Ends well when it is stopped."""

    def __init__(self) -> None:
        self.entered = asyncio.Event()

    async def run(self, attempt: Attempt) -> int:
        self.entered.set()
        with suppress(asyncio.CancelledError):
            await asyncio.get_running_loop().create_future()
        return 1


@pytest.fixture
def house() -> House:
    return House(handlers={"waits": Waits(), "saves": Saves()})


@pytest.fixture
async def process(house: House) -> AsyncIterator[Process]:
    async with house.process() as process:
        yield process


def staged(name: str, sequence: int = 0, **options):
    return sync(name, sequence, type="staged", **options)


async def test_a_task_that_runs_is_stopped_and_skipped(house: House, process: Process) -> None:
    execution_id = await process.start(await house.define(staged("a"), staged("b")))
    a = await house.stage.entered("a")
    await process.controls.skip(CALLER, execution_id, "a", "done by hand")
    b = await house.stage.entered("b")
    assert a.cancelled
    assert dict(b.attempt.upstream) == {"a": None}
    b.succeed(1)
    assert (await process.until(execution_id))[2:] == [
        "a started",
        "a skipped",
        "b started",
        "b completed",
        "completed",
    ]
    tasks = await process.executions.tasks(CALLER, execution_id)
    assert [(task.status, task.output) for task in tasks] == [(TaskStatus.SKIPPED, None), (TaskStatus.COMPLETED, "1")]
    assert house.database.commands == {}


async def test_an_attempt_that_ends_well_while_it_is_stopped_has_completed(house: House, process: Process) -> None:
    execution_id = await process.start(await house.define(sync("a", type="saves")))
    await house.handlers["saves"].entered.wait()
    await process.controls.skip(CALLER, execution_id, "a", "")
    assert (await process.until(execution_id))[2:] == ["a started", "a completed", "completed"]


async def test_a_task_is_skipped_before_its_turn_and_the_others_keep_theirs(house: House, process: Process) -> None:
    execution_id = await process.start(await house.define(staged("a"), staged("b"), staged("c"), staged("d", 1)))
    a = await house.stage.entered("a")
    await process.controls.skip(CALLER, execution_id, "b", "")
    await process.until(execution_id, "b skipped")
    assert house.stage.names == ["a/1"]
    a.succeed()
    (await house.stage.entered("c")).succeed()
    (await house.stage.entered("d")).succeed()
    seen = await process.until(execution_id)
    assert seen[2:5] == ["a started", "b skipped", "a completed"]
    assert seen[5:] == ["c started", "c completed", "d started", "d completed", "completed"]
    percents = [event.progress_percent for event in house.history(execution_id)]
    assert percents == [0, 0, 0, 25, 50, 50, 75, 75, 100, 100]


async def test_a_task_that_waits_for_its_next_attempt_is_skipped(house: House, process: Process) -> None:
    execution_id = await process.start(await house.define(staged("a", retry=LATER)))
    (await house.stage.entered("a")).fail()
    await process.until(execution_id, "a retrying")
    await process.controls.skip(CALLER, execution_id, "a", "")
    assert (await process.until(execution_id))[2:] == ["a started", "a retrying", "a skipped", "completed"]


async def test_a_task_that_waits_for_a_signal_is_skipped_and_the_signal_left(house: House, process: Process) -> None:
    config = {"signal": "go"}
    workflow = await house.define(sync("a", type="waits", config=config), sync("b", type="waits", config=config))
    execution_id = await process.start(workflow)
    await process.until(execution_id, "a started")
    await process.controls.skip(CALLER, execution_id, "a", "")
    await process.until(execution_id, "b started")
    await process.controls.signal(CALLER, execution_id, "go", payload_of(5))
    seen = await process.until(execution_id)
    assert seen[2:] == ["a started", "a skipped", "b started", "signal_received", "b completed", "completed"]


async def test_a_paused_execution_skips_and_starts_nothing(house: House, process: Process) -> None:
    execution_id = await process.start(await house.define(staged("a"), staged("b")))
    await house.stage.entered("a")
    await process.controls.pause(CALLER, execution_id, "")
    await process.until(execution_id, "paused")
    await process.controls.skip(CALLER, execution_id, "a", "")
    await process.until(execution_id, "a skipped")
    assert house.stage.names == ["a/1"]
    await process.controls.resume(CALLER, execution_id, "")
    (await house.stage.entered("b")).succeed()
    assert (await process.until(execution_id))[-1] == "completed"


async def test_the_next_engine_skips_what_the_one_before_could_not(house: House) -> None:
    async with house.process() as first:
        house.stage.cleaning = asyncio.Event()
        execution_id = await first.start(await house.define(staged("a"), staged("b")))
        await house.stage.entered("a")
        await first.controls.skip(CALLER, execution_id, "a", "")
        while not next(iter(first.engine._held))._skips:
            await asyncio.sleep(0)
        await first.kill()
        house.stage.cleaning.set()
    house.clock.advance(60)
    async with house.process() as second:
        (await house.stage.entered("b")).succeed()
        seen = await second.until(execution_id)
    assert seen[2:] == [
        "a started", "a retrying", "a started/2", "a skipped/2", "b started", "b completed", "completed",
    ]  # fmt: skip
    assert house.stage.names == ["a/1", "b/1"]


async def test_a_stuck_compensation_can_be_skipped(house: House, process: Process) -> None:
    workflow = await house.define(
        staged("pay", compensate=("refund",)), staged("ship"), staged("refund"), parallel("never")
    )
    execution_id = await process.start(workflow)
    (await house.stage.entered("pay")).succeed()
    (await house.stage.entered("ship")).fail()
    await house.stage.entered("refund")
    await process.controls.skip(CALLER, execution_id, "refund", "paid back by hand")
    assert (await process.until(execution_id))[-3:] == ["refund started", "refund skipped", "failed"]


async def test_what_an_ending_execution_would_not_start_is_not_skipped(house: House, process: Process) -> None:
    house.stage.cleaning = asyncio.Event()
    execution_id = await process.start(await house.define(staged("a"), staged("b")))
    await house.stage.entered("a")
    await process.controls.cancel(CALLER, execution_id, "")
    await process.until(execution_id, "cancel_requested")
    await process.controls.skip(CALLER, execution_id, "b", "")
    while house.database.commands:
        await asyncio.sleep(0)
    house.stage.cleaning.set()
    assert (await process.until(execution_id))[-3:] == ["cancel_requested", "a cancelled", "cancelled"]
