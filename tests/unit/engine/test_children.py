"""Tasks that run other workflows: one child per task, found again, cancelled with its parent, never too deep."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import orjson
import pytest

from app.domain.definitions import RetryPolicy
from app.domain.handlers import Attempt
from app.domain.states import ExecutionStatus
from app.engine.deciding.event_data import child_of as child_of_event
from app.engine.execution_filter import ExecutionFilter
from tests.support.memory_house import House, Process
from tests.support.stories import sync
from tests.support.tenant import CALLER

SOON = RetryPolicy(max_attempts=3, initial_interval_seconds=0)


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
async def process(house: House) -> AsyncIterator[Process]:
    async with house.process() as process:
        yield process


def calling(workflow, name: str = "call", **options):
    config = {"workflow": str(workflow.id), "input": {"n": "${input.n}"}}
    return sync(name, type="workflow", config=config, **options)


def staged(name: str, sequence: int = 0, **options):
    return sync(name, sequence, type="staged", **options)


def child_of(house: House, parent_id: UUID) -> UUID:
    [child] = [
        row.execution.id
        for row in house.database.executions.values()
        if row.execution.parent is not None and row.execution.parent.execution_id == parent_id
    ]
    return child


async def test_the_childs_output_is_the_tasks(house: House, process: Process) -> None:
    child = await house.define(sync("double", config={"output": "${input.n * 2}"}))
    parent = await house.define(calling(child), sync("use", config={"output": "${tasks.call.output.double + 1}"}))
    parent_id = await process.start(parent, input={"n": 21})
    assert (await process.until(parent_id))[-1] == "completed"
    assert orjson.loads((await process.executions.get(CALLER, parent_id)).output or "") == {"use": 43}


async def test_a_childs_failure_is_the_attempts_and_a_retry_starts_another(house: House, process: Process) -> None:
    child = await house.define(staged("c"))
    parent_id = await process.start(await house.define(calling(child, retry=SOON)), input={"n": 1})
    (await house.stage.entered("c")).fail()
    await process.until(parent_id, "call retrying")
    while len(house.stage.performances) < 2:
        await asyncio.sleep(0)
    house.stage.performances[1].succeed("fine")
    assert (await process.until(parent_id))[-2:] == ["call completed/2", "completed"]
    statuses = sorted(str(row.execution.status) for row in house.database.executions.values())
    assert statuses == ["completed", "completed", "failed"]
    retrying = next(event for event in house.history(parent_id) if event.type == "task_retrying")
    assert "child_failed" in (retrying.data or "")
    assert "task 'c' failed: it broke" in (retrying.data or "")


async def test_a_child_is_cancelled_with_its_parent(house: House, process: Process) -> None:
    child = await house.define(staged("c"))
    parent_id = await process.start(await house.define(calling(child)), input={"n": 1})
    await house.stage.entered("c")
    await process.controls.cancel(CALLER, parent_id, "enough")
    assert (await process.until(parent_id))[-1] == "cancelled"
    child_id = child_of(house, parent_id)
    assert (await process.until(child_id))[-1] == "cancelled"
    failure = (await process.executions.get(CALLER, child_id)).failure
    assert failure is not None
    assert failure.message == "task 'call' of its parent no longer waits for it"


async def test_an_engine_that_stops_leaves_the_child_and_the_next_one_finds_it(house: House) -> None:
    child = await house.define(staged("c"))
    async with house.process() as first:
        parent_id = await first.start(await house.define(calling(child)), input={"n": 1})
        await house.stage.entered("c")
        await first.engine.stop(0)
    async with house.process() as second:
        (await house.stage.entered("c", 2)).succeed(5)
        assert (await second.until(parent_id))[-1] == "completed"
    assert (await second.executions.get(CALLER, child_of(house, parent_id))).status is ExecutionStatus.COMPLETED


async def test_parents_leave_their_places_to_their_children(house: House) -> None:
    async with house.process(max_executions=1) as process:
        child = await house.define(sync("c"))
        middle = await house.define(calling(child))
        parent_id = await process.start(await house.define(calling(middle)), input={"n": 1})
        assert (await process.until(parent_id))[-1] == "completed"
        await process.idle()
        assert process.engine._held.places.waiting.used == 0


async def test_a_workflow_that_calls_itself_comes_to_an_end(house: House, process: Process) -> None:
    workflow = await house.define(sync("call", type="workflow", config={"workflow": "1"}))
    assert workflow.id == 1
    parent_id = await process.start(workflow)
    assert (await process.until(parent_id))[-1] == "failed"
    assert len(house.database.executions) == 11
    assert sorted(row.execution.depth for row in house.database.executions.values()) == list(range(11))
    assert {row.execution.root_id for row in house.database.executions.values()} == {parent_id}
    messages = [row.execution.failure.message for row in house.database.executions.values() if row.execution.failure]
    assert any("has 10 parents above it, and the limit is 10 (MAX_DEPTH)" in message for message in messages)


@pytest.mark.parametrize(
    ("config", "code"),
    [
        ({"workflow": "999"}, "child_not_started"),
        ({"workflow": "no key"}, "child_not_started"),
        ({"workflow": 5}, "invalid_config"),
    ],
)
async def test_a_child_that_cannot_be_started_fails_the_task(house: House, process: Process, config, code) -> None:
    parent_id = await process.start(await house.define(sync("call", type="workflow", config=config)))
    assert (await process.until(parent_id))[-2:] == ["call failed", "failed"]
    failure = (await process.executions.get(CALLER, parent_id)).failure
    assert failure is not None
    assert failure.code == code


class Spoiler:
    """Returns its input, and spoils it."""

    def run_now(self, attempt: Attempt) -> Any:
        seen = dict(attempt.input)
        attempt.input["spoilt"] = True
        return seen


async def test_what_a_child_does_to_its_input_reaches_no_other_child() -> None:
    """The config of the parent is the same object for all its attempts, in all its executions."""
    house = House(handlers={"spoil": Spoiler()})
    async with house.process() as process:
        child = await house.define(sync("c", type="spoil"))
        parent = await house.define(
            sync("call", type="workflow", config={"workflow": str(child.id), "input": {"n": 1}})
        )
        for _ in range(2):
            parent_id = await process.start(parent)
            await process.until(parent_id)
            output = (await process.executions.get(CALLER, parent_id)).output
            assert orjson.loads(output or "") == {"call": {"c": {"n": 1}}}


async def test_a_child_runs_for_each_element(house: House, process: Process) -> None:
    child = await house.define(sync("square", config={"output": "${input.n * input.n}"}))
    config = {"workflow": str(child.id), "input": {"n": "${item}"}}
    parent = await house.define(sync("all", type="workflow", config=config, for_each="input.list"))
    parent_id = await process.start(parent, input={"list": [1, 2, 3]})
    await process.until(parent_id)
    output = orjson.loads((await process.executions.get(CALLER, parent_id)).output or "")
    assert output == {"all": [{"square": 1}, {"square": 4}, {"square": 9}]}


def named_children(house: House, execution_id: UUID) -> list[UUID]:
    return [child for event in house.history(execution_id) if (child := child_of_event(event)) is not None]


async def test_the_histories_of_parent_and_child_name_each_other(house: House, process: Process) -> None:
    child = await house.define(sync("c"))
    parent_id = await process.start(await house.define(calling(child)), input={"n": 1})
    assert await process.until(parent_id) == [
        "created", "started", "call started", "call progressed", "call completed", "completed",
    ]  # fmt: skip
    child_id = child_of(house, parent_id)
    assert named_children(house, parent_id) == [child_id]
    first = house.history(child_id)[0]
    assert orjson.loads(first.data or "") == {"parent_id": str(parent_id), "parent_task": "call"}
    assert house.history(parent_id)[0].data is None
    [update, *_] = (await process.executions.updates(CALLER, child_id, 0, 1)).updates
    assert update.message == f"Execution accepted: it is a child of execution {parent_id}, task 'call'"
    [started] = (await process.executions.updates(CALLER, parent_id, 3, 1)).updates
    assert started.message == f"runs as execution {child_id}"


async def test_a_child_that_another_engine_takes_up_names_its_parent_too(house: House) -> None:
    async with house.process(max_executions=0) as full, house.process(name="second") as second:
        child = await house.define(sync("c"))
        parent_id = await full.start(await house.define(calling(child)), input={"n": 1})
        assert (await second.until(parent_id))[-1] == "completed"
    first = house.history(child_of(house, parent_id))[0]
    assert orjson.loads(first.data or "")["parent_id"] == str(parent_id)


async def test_each_attempt_names_the_child_that_it_waits_for(house: House, process: Process) -> None:
    child = await house.define(staged("c"))
    parent_id = await process.start(await house.define(calling(child, retry=SOON)), input={"n": 1})
    (await house.stage.entered("c")).fail()
    await process.until(parent_id, "call retrying")
    while len(house.stage.performances) < 2:
        await asyncio.sleep(0)
    house.stage.performances[1].succeed("fine")
    await process.until(parent_id)
    failed, completed = named_children(house, parent_id)
    assert failed != completed
    [task] = await process.executions.tasks(CALLER, parent_id)
    assert (task.child_id, task.attempt) == (completed, 2)


async def test_every_child_of_a_list_is_named_also_when_all_start_at_once(house: House, process: Process) -> None:
    child = await house.define(sync("c"))
    config = {"workflow": str(child.id)}
    parent = await house.define(
        sync("all", type="workflow", config=config, for_each="input.list", max_concurrency=50), sync("other", 1)
    )
    parent_id = await process.start(parent, input={"list": list(range(50))})
    assert (await process.until(parent_id))[-1] == "completed"
    children = await process.executions.list_executions(CALLER, ExecutionFilter(parent_id=parent_id), None, 100)
    ids = {execution.id for execution in children.executions}
    assert len(ids) == 50
    assert set(named_children(house, parent_id)) == ids
    called, other = await process.executions.tasks(CALLER, parent_id)
    assert (called.child_id in ids, other.child_id) == (True, None)


async def test_a_report_that_looks_like_a_child_is_none(house: House, process: Process) -> None:
    execution_id = await process.start(await house.define(staged("a")))
    performance = await house.stage.entered("a")
    performance.attempt.report(1, '"child_id": "no id"')
    performance.succeed()
    await process.until(execution_id)
    assert named_children(house, execution_id) == []
