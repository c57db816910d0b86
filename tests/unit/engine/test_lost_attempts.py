"""Attempts that end with their engine: made again, alone when they may be the reason, and not without end."""

from uuid import UUID

from app.domain.definitions import OnFailure, RetryPolicy
from tests.support.memory_house import House, LoopClock
from tests.support.stories import parallel, sync
from tests.support.tenant import CALLER
from tests.support.virtual_time import in_virtual_time


def staged(name: str, sequence: int = 0, **options):
    return sync(name, sequence, type="staged", **options)


def beside(name: str, sequence: int = 0, **options):
    return parallel(name, sequence, type="staged", **options)


def house_of(**limits) -> House:
    return House(clock=LoopClock(), limits=limits)


async def killed_so_often(house: House, workflow, times: int) -> UUID:
    """Start an execution whose engines are killed while `a` runs."""
    execution_id = None
    for number in range(1, times + 1):
        async with house.process() as process:
            execution_id = execution_id or await process.start(workflow)
            await house.stage.entered("a", number)
            await process.kill()
        house.clock.advance(60)
    assert execution_id is not None
    return execution_id


@in_virtual_time
async def test_a_task_that_kills_its_engine_every_time_fails() -> None:
    house = house_of(max_lost_attempts=4)
    execution_id = await killed_so_often(house, await house.define(beside("a")), 4)
    async with house.process() as process:
        seen = await process.until(execution_id)
        assert seen[-2:] == ["a failed/4", "failed"]
        failure = (await process.executions.get(CALLER, execution_id)).failure
    assert failure is not None
    assert failure.code == "engine_lost"
    assert "4 attempts ended with the engine that ran them" in failure.message


@in_virtual_time
async def test_the_execution_goes_on_where_the_task_may_fail() -> None:
    house = house_of(max_lost_attempts=2)
    workflow = await house.define(staged("a", on_failure=OnFailure.CONTINUE), sync("b", 1))
    execution_id = await killed_so_often(house, workflow, 2)
    async with house.process() as process:
        assert (await process.until(execution_id))[-4:] == ["a failed/2", "b started", "b completed", "completed"]


@in_virtual_time
async def test_the_neighbour_of_a_task_that_kills_engines_completes() -> None:
    house = house_of(max_lost_attempts=4)
    workflows = await house.define(staged("a")), await house.define(staged("b"))
    ids: dict[str, UUID] = {}
    for number in (1, 2):
        async with house.process() as process:
            ids = ids or {workflow.tasks[0].name: await process.start(workflow) for workflow in workflows}
            await house.stage.performance(2 * number)
            await process.kill()
        house.clock.advance(60)
    # Either may come first. From here on that one is what kills.
    async with house.process() as process:
        kills = (await house.stage.performance(5)).attempt.task_name
        await process.kill()
    works = "b" if kills == "a" else "a"
    assert f"{works}/3" not in house.stage.names
    house.clock.advance(60)
    async with house.process() as process:
        (await house.stage.entered(works, 3)).succeed()
        assert (await process.until(ids[works]))[-2:] == [f"{works} completed/3", "completed"]
        await house.stage.entered(kills, 4)
        await process.kill()
    house.clock.advance(60)
    async with house.process() as process:
        assert (await process.until(ids[kills]))[-2:] == [f"{kills} failed/4", "failed"]


@in_virtual_time
async def test_a_lost_attempt_is_made_again_at_once_and_a_suspect_after_a_pause() -> None:
    house = house_of()
    await killed_so_often(house, await house.define(beside("a")), 4)
    history = next(iter(house.database.histories.values()))
    lost = [event.occurred_at for event in history if event.type.value == "task_retrying"]
    begun = [event.occurred_at for event in history if event.type.value == "task_started"][1:]
    assert [(after - before).total_seconds() for before, after in zip(lost, begun, strict=True)] == [0, 11, 21]


@in_virtual_time
async def test_of_suspects_lost_together_the_one_that_had_run_for_less_time_comes_first() -> None:
    house = house_of()
    again = RetryPolicy(max_attempts=2, initial_interval_seconds=5)
    await killed_so_often(house, await house.define(beside("z"), beside("a", retry=again)), 1)
    async with house.process() as process:
        (await house.stage.entered("a", 2)).fail()
        await house.stage.entered("z", 2)
        await house.stage.entered("a", 3)
        await process.kill()
    async with house.process():
        await house.stage.entered("a", 4)
        assert "z/3" not in house.stage.names
        await house.stage.entered("z", 3)


@in_virtual_time
async def test_a_suspect_that_runs_for_long_does_not_hold_up_the_others() -> None:
    house = house_of()
    execution_id = await killed_so_often(house, await house.define(beside("a"), beside("b")), 2)
    before = len(house.stage.performances)
    async with house.process() as process:
        first = await house.stage.performance(before + 1)
        begun = house.clock.now()
        second = await house.stage.performance(before + 2)
        assert (house.clock.now() - begun).total_seconds() == 10
        first.succeed()
        second.succeed()
        assert (await process.until(execution_id))[-1] == "completed"


@in_virtual_time
async def test_the_next_suspect_starts_when_the_one_before_has_ended() -> None:
    house = house_of()
    execution_id = await killed_so_often(house, await house.define(beside("a"), beside("b"), beside("c")), 2)
    before = len(house.stage.performances)
    async with house.process() as process:
        first = await house.stage.performance(before + 1)
        begun = house.clock.now()
        first.succeed()
        (await house.stage.performance(before + 2)).succeed()
        (await house.stage.performance(before + 3)).succeed()
        assert (await process.until(execution_id))[-1] == "completed"
        assert (house.clock.now() - begun).total_seconds() < 1


@in_virtual_time
async def test_a_suspect_whose_execution_is_cancelled_gives_its_turn_to_the_next() -> None:
    house = house_of()
    first, second = await house.define(staged("a")), await house.define(staged("b"))
    ids: list[UUID] = []
    for number in (1, 2):
        async with house.process() as process:
            ids = ids or [await process.start(first), await process.start(second)]
            await house.stage.performance(2 * number)
            await process.kill()
        house.clock.advance(60)
    async with house.process() as process:
        cancelled = (await house.stage.performance(5)).attempt
        other = next(key for key in ids if key != cancelled.execution_id)
        begun = house.clock.now()
        await process.controls.cancel(CALLER, cancelled.execution_id, "enough")
        (await house.stage.performance(6)).succeed()
        assert (await process.until(other))[-1] == "completed"
        assert (house.clock.now() - begun).total_seconds() < 1
