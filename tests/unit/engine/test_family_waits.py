"""Tasks that wait for children: on whatever engine, with elements, within limits, and from histories of before."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import orjson
import pytest

from app.domain.definitions import ExecutionType, Task
from app.domain.events import Event, EventType
from app.engine.deciding.state import fold
from app.tasks.signal import SignalHandler
from tests.support.family_stories import calling, children_of, for_each, staged, until
from tests.support.memory_house import House, Process
from tests.support.requests import payload_of
from tests.support.stories import plan_of, story, sync
from tests.support.tenant import CALLER

LEASE_SECONDS = 10


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
async def process(house: House) -> AsyncIterator[Process]:
    async with house.process() as process:
        yield process


def owner(house: House, execution_id: UUID) -> int | None:
    return house.database.executions[execution_id].owner_id


async def test_a_parent_is_parked_and_continues_where_there_is_an_engine(house: House) -> None:
    house.park_after_seconds = 0.0
    child = await house.define(staged("c"))
    parent = await house.define(calling(child), sync("after", 1))
    async with house.process() as process:
        parent_id = await process.start(parent)
        performance = await house.stage.entered("c")
        await until(lambda: owner(house, parent_id) is None)
        assert [run.id for run in process.engine._held] == children_of(house, parent_id)
        performance.succeed(7)
        assert await process.until(parent_id) == [
            "created", "started", "call started", "call progressed", "call completed", "after started",
            "after completed", "completed",
        ]  # fmt: skip


async def test_an_engine_that_dies_costs_the_task_no_attempt(house: House) -> None:
    child = await house.define(staged("c"))
    parent = await house.define(calling(child))
    async with house.process() as first:
        gate = house.faults.hold_before("count_descendants")
        parent_id = await first.start(parent)
        await gate.reached()
        await first.kill()
        gate.open()
    house.clock.advance(LEASE_SECONDS + 1)
    async with house.process(name="second") as second:
        await house.stage.entered("c")
        await second.kill()
    house.clock.advance(LEASE_SECONDS + 1)
    async with house.process(name="third") as third:
        (await house.stage.entered("c", 2)).succeed(5)
        assert await third.until(parent_id) == [
            "created", "started", "call started", "call progressed", "call completed", "completed",
        ]  # fmt: skip
    assert len(house.database.executions) == 2


async def test_children_are_prepared_as_soon_as_the_database_answers(house: House, process: Process) -> None:
    child = await house.define(sync("c"))
    parent = await house.define(calling(child))
    for _ in range(3):
        house.faults.fail("count_descendants")
    parent_id = await process.start(parent)
    assert (await process.until(parent_id))[-1] == "completed"
    assert len(children_of(house, parent_id)) == 1


async def test_the_output_of_a_child_is_checked(house: House, process: Process) -> None:
    child = await house.define(sync("c", config={"output": 5}))
    schema = {"properties": {"c": {"type": "string"}}}
    parent_id = await process.start(await house.define(calling(child, output_schema=schema)))
    await process.until(parent_id)
    failure = (await process.executions.get(CALLER, parent_id)).failure
    assert failure is not None
    assert failure.code == "output_schema"


async def test_what_cannot_be_prepared_fails_its_task_and_not_the_run(house: House, process: Process) -> None:
    child = await house.define(sync("c"))
    parent = await house.define(calling(child))
    house.faults.fail("count_descendants", RuntimeError("a defect"))
    parent_id = await process.start(parent)
    assert (await process.until(parent_id))[-2:] == ["call failed", "failed"]
    failure = (await process.executions.get(CALLER, parent_id)).failure
    assert failure is not None
    assert "RuntimeError: a defect" in failure.message
    assert children_of(house, parent_id) == []


async def test_a_signal_goes_to_a_child_by_its_own_id(house: House, process: Process) -> None:
    house.handlers["signal"] = SignalHandler()
    child = await house.define(sync("c", type="signal", config={"name": "go"}))
    parent_id = await process.start(await house.define(calling(child)))
    await until(lambda: children_of(house, parent_id))
    [child_id] = children_of(house, parent_id)
    await process.controls.signal(CALLER, child_id, "go", payload_of({"ok": True}))
    assert (await process.until(parent_id))[-1] == "completed"


# Elements


async def test_so_many_elements_have_a_child_at_the_same_time(house: House, process: Process) -> None:
    child = await house.define(staged("c"))
    parent_id = await process.start(await house.define(for_each(child, max_concurrency=2)), input={"list": [*range(5)]})
    for done in range(5):
        await until(lambda done=done: len(house.stage.performances) == min(done + 2, 5))
        assert len(children_of(house, parent_id)) == min(done + 2, 5)
        house.stage.performances[done].succeed(done)
    assert (await process.until(parent_id))[-1] == "completed"
    output = orjson.loads((await process.executions.get(CALLER, parent_id)).output or "")
    assert output == {"all": [{"c": n} for n in range(5)]}


async def test_another_engine_goes_on_with_the_elements_that_are_missing(house: House) -> None:
    child = await house.define(staged("c"))
    parent = await house.define(for_each(child, max_concurrency=1))
    async with house.process() as first:
        parent_id = await first.start(parent, input={"list": [0, 1, 2]})
        (await house.stage.entered("c")).succeed(0)
        await until(lambda: len(house.stage.performances) == 2)
        await first.kill()
    house.clock.advance(LEASE_SECONDS + 1)
    async with house.process(name="second") as second:
        (await house.stage.entered("c", 2)).succeed(1)
        await until(lambda: len(house.stage.performances) == 4)
        house.stage.performances[3].succeed(2)
        history = await second.until(parent_id)
    assert history.count("all started") == 1
    assert history.count("all item_completed") == 3
    assert len(children_of(house, parent_id)) == 3


async def test_no_element_is_no_child(house: House, process: Process) -> None:
    child = await house.define(staged("c"))
    parent_id = await process.start(await house.define(for_each(child)), input={"list": []})
    assert (await process.until(parent_id))[-2:] == ["all completed", "completed"]
    assert children_of(house, parent_id) == []


async def test_a_paused_parent_starts_no_further_children(house: House, process: Process) -> None:
    child = await house.define(staged("c"))
    parent_id = await process.start(await house.define(for_each(child, max_concurrency=1)), input={"list": [0, 1]})
    performance = await house.stage.entered("c")
    await process.controls.pause(CALLER, parent_id, "wait")
    await process.until(parent_id, "paused")
    performance.succeed()
    await process.until(parent_id, "all item_completed")
    assert len(children_of(house, parent_id)) == 1
    await process.controls.resume(CALLER, parent_id, "go on")
    await until(lambda: len(house.stage.performances) == 2)
    house.stage.performances[1].succeed()
    assert (await process.until(parent_id))[-1] == "completed"


async def test_children_that_are_prepared_when_the_pause_comes_are_started_after_it(
    house: House, process: Process
) -> None:
    child = await house.define(staged("c"))
    gate = house.faults.hold_before("count_descendants")
    parent_id = await process.start(await house.define(calling(child)))
    await gate.reached()
    await process.controls.pause(CALLER, parent_id, "wait")
    await process.until(parent_id, "paused")
    run = process.engine._held.get(parent_id)
    assert run is not None
    gate.open()
    await until(lambda: not run._family.are_starting)
    assert children_of(house, parent_id) == []
    await process.controls.resume(CALLER, parent_id, "go on")
    (await house.stage.entered("c")).succeed()
    assert (await process.until(parent_id))[-1] == "completed"


# Limits


async def test_a_family_has_so_many_members(house: House) -> None:
    house.limits["max_descendants"] = 4
    async with house.process() as process:
        child = await house.define(sync("c"))
        parent = await house.define(for_each(child, max_concurrency=2))
        within = await process.start(parent, input={"list": [*range(4)]})
        beyond = await process.start(parent, input={"list": [*range(5)]})
        assert (await process.until(within))[-1] == "completed"
        assert (await process.until(beyond))[-1] == "failed"
        failure = (await process.executions.get(CALLER, beyond)).failure
    assert failure is not None
    assert "the limit is 4 (MAX_DESCENDANTS)" in failure.message
    [failed] = [event for event in house.database.histories[beyond] if event.type is EventType.TASK_FAILED]
    assert orjson.loads(failed.data or "")["code"] == "too_many_descendants"
    assert len(children_of(house, beyond)) == 4


async def test_an_engine_holds_no_more_waiting_parents_than_it_has_places(house: House) -> None:
    house.park_after_seconds = 1_000.0
    house.handlers["signal"] = SignalHandler()
    async with house.process(max_executions=2) as process:
        child = await house.define(sync("c", type="signal", config={"name": "go"}))
        parent = await house.define(calling(child))
        parents = [await process.start(parent) for _ in range(8)]
        await until(lambda: all(children_of(house, one) for one in parents))
        await until(lambda: sum(owner(house, one) is not None for one in parents) <= 2)


# Histories of before


async def test_an_attempt_of_before_that_followed_a_child_is_a_wait_now() -> None:
    plan = plan_of(Task("call", ExecutionType.SYNC, timeout_seconds=60.0))
    first, second, third = (UUID(int=n) for n in (1, 2, 3))
    events = story(plan, "created", "started", "call started", "call progressed")
    named = _of_before(events[-1], first, "")
    state = fold(plan, [*events[:-1], named])
    task = state.tasks[0]
    assert (task.has_attempt, dict(task.children)) == (False, {None: first})
    assert task.due_at == named.occurred_at + timedelta(seconds=60)
    elements = [
        _of_before(events[-1], second, "element 4: "),
        _of_before(events[-1]._replace(sequence=5), third, "element 12: "),
    ]
    assert dict(fold(plan, [*events[:-1], *elements]).tasks[0].children) == {4: second, 12: third}


def _of_before(event: Event, child_id: UUID, element: str) -> Event:
    message = f"{element}runs as execution {child_id}"
    data = orjson.dumps({"message": message, "percent": None, "child_id": str(child_id)}).decode()
    assert event.type is EventType.TASK_PROGRESSED
    return event._replace(data=data)
