"""A task that runs once per element: side by side, in order, and none again that has completed."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import orjson
import pytest

from app.domain.definitions import RetryPolicy
from app.domain.handlers import TaskError, Wait
from app.domain.json_values import MAX_DEPTH
from app.engine.planning.data_flow import elements_of
from app.expressions.errors import EvaluationError
from app.expressions.limits import Meter
from app.expressions.template import compile_condition
from tests.support.memory_house import House, Process
from tests.support.stories import sync
from tests.support.tenant import CALLER

SOON = RetryPolicy(max_attempts=3, initial_interval_seconds=0)


class Waits:
    def wait(self, config):
        return Wait(seconds=config.get("seconds"), output=config.get("seconds"), signal=config.get("signal"))


@pytest.fixture
def house() -> House:
    return House(handlers={"waits": Waits()})


@pytest.fixture
async def process(house: House) -> AsyncIterator[Process]:
    async with house.process() as process:
        yield process


def each(type: str | None = "staged", **options):
    options = {"config": {"output": "${item}"}, "for_each": "${input.list}", "max_concurrency": 2, **options}
    return sync("a", type=type, **options)


async def output_of(process: Process, execution_id: UUID):
    return orjson.loads((await process.executions.get(CALLER, execution_id)).output or "null")


def running(house: House) -> dict[int, object]:
    """The attempts that have not ended, by element."""
    return {p.attempt.element: p for p in house.stage.performances if not p.ending.done()}


async def beginning(house: House, *elements: int) -> None:
    while set(running(house)) != set(elements):
        await asyncio.sleep(0)


async def test_so_many_run_side_by_side_and_the_outputs_keep_their_order(house: House, process: Process) -> None:
    workflow = await house.define(each())
    execution_id = await process.start(workflow, input={"list": ["x", "y", "z"]})
    await beginning(house, 0, 1)
    second = running(house)[1]
    assert second.attempt.config == {"output": "y"}
    assert second.attempt.task_key.endswith("/1[1]")
    second.succeed("Y")
    await beginning(house, 0, 2)
    running(house)[2].succeed()
    await beginning(house, 0)
    running(house)[0].succeed({"n": 1})
    seen = await process.until(execution_id)
    assert seen[2:] == ["a started", *["a item_completed"] * 3, "a completed", "completed"]
    assert await output_of(process, execution_id) == {"a": [{"n": 1}, "Y", None]}
    assert [event.progress_percent for event in house.history(execution_id)][2:] == [0, 33, 66, 100, 100, 100]


@pytest.mark.parametrize("count", [0, 1, 1000])
async def test_any_number_of_elements(house: House, process: Process, count: int) -> None:
    workflow = await house.define(each("instant", config={"output": "${item * 2 + index}"}, max_concurrency=50))
    execution_id = await process.start(workflow, input={"list": list(range(count))})
    seen = await process.until(execution_id)
    assert seen.count("a item_completed") == count
    assert await output_of(process, execution_id) == {"a": [n * 3 for n in range(count)]}


async def test_the_next_attempt_goes_on_where_the_one_before_ended(house: House, process: Process) -> None:
    workflow = await house.define(each(retry=SOON, max_concurrency=1))
    execution_id = await process.start(workflow, input={"list": [1, 2, 3]})
    await beginning(house, 0)
    running(house)[0].succeed("one")
    await beginning(house, 1)
    running(house)[1].fail(TaskError("broken", "it broke"))
    await process.until(execution_id, "a retrying")
    await beginning(house, 1)
    running(house)[1].succeed("two")
    await beginning(house, 2)
    running(house)[2].succeed("three")
    seen = await process.until(execution_id)
    assert seen.count("a item_completed") + seen.count("a item_completed/2") == 3
    assert await output_of(process, execution_id) == {"a": ["one", "two", "three"]}
    assert [p.attempt.element for p in house.stage.performances] == [0, 1, 1, 2]


async def test_the_next_engine_does_not_run_an_element_again(house: House) -> None:
    async with house.process() as first:
        workflow = await house.define(each(max_concurrency=1))
        execution_id = await first.start(workflow, input={"list": [1, 2]})
        await beginning(house, 0)
        running(house)[0].succeed("one")
        await beginning(house, 1)
        await first.until(execution_id, "a item_completed")
        await first.kill()
    house.clock.advance(60)
    house.stage.performances.clear()
    async with house.process() as second:
        await beginning(house, 1)
        running(house)[1].succeed("two")
        await second.until(execution_id)
        assert await output_of(second, execution_id) == {"a": ["one", "two"]}


async def test_an_element_that_fails_fails_the_task_and_stops_the_others(house: House, process: Process) -> None:
    workflow = await house.define(each())
    execution_id = await process.start(workflow, input={"list": [1, 2, 3]})
    await beginning(house, 0, 1)
    other = running(house)[0]
    running(house)[1].fail(TaskError("broken", "it broke", retryable=False))
    assert (await process.until(execution_id))[2:] == ["a started", "a failed", "failed"]
    assert other.cancelled
    failure = (await process.executions.get(CALLER, execution_id)).failure
    assert failure is not None
    assert failure.message == "task 'a' failed: element 1: it broke"


async def test_a_cancel_stops_all_of_them(house: House, process: Process) -> None:
    execution_id = await process.start(await house.define(each()), input={"list": [1, 2, 3]})
    await beginning(house, 0, 1)
    both = list(running(house).values())
    await process.controls.cancel(CALLER, execution_id, "")
    assert (await process.until(execution_id))[-2:] == ["a cancelled", "cancelled"]
    assert all(performance.cancelled for performance in both)


async def test_a_report_of_an_element_is_not_one_of_the_whole(house: House, process: Process) -> None:
    execution_id = await process.start(await house.define(each()), input={"list": [1]})
    await beginning(house, 0)
    running(house)[0].attempt.report(90, "nearly")
    await process.until(execution_id, "a progressed")
    assert house.history(execution_id)[-1].data == '{"message":"element 0: nearly","percent":null}'
    assert house.history(execution_id)[-1].progress_percent == 0


async def test_what_is_no_list_fails_the_task(house: House, process: Process) -> None:
    execution_id = await process.start(await house.define(each(None)), input={"list": "abc"})
    assert (await process.until(execution_id))[2:] == ["a started", "a failed", "failed"]
    failure = (await process.executions.get(CALLER, execution_id)).failure
    assert failure is not None
    assert "${input.list}: is not a list" in failure.message


def test_a_list_has_a_limit() -> None:
    expression = compile_condition("input")
    assert len(elements_of(expression, {"input": list(range(10_000))}, Meter())) == 10_000
    with pytest.raises(EvaluationError, match="has 10001 elements; the limit is 10000"):
        elements_of(expression, {"input": list(range(10_001))}, Meter())


async def test_waits_wait_side_by_side_and_signals_cannot(house: House, process: Process) -> None:
    workflow = await house.define(each("waits", config={"seconds": "${item}"}))
    execution_id = await process.start(workflow, input={"list": [0, 0.001]})
    await process.until(execution_id)
    assert await output_of(process, execution_id) == {"a": [0, 0.001]}
    workflow = await house.define(each("waits", config={"signal": "go"}))
    execution_id = await process.start(workflow, input={"list": [1]})
    assert (await process.until(execution_id))[-2:] == ["a failed", "failed"]


async def test_an_element_may_be_nested_one_level_less_than_the_list_of_all(house: House, process: Process) -> None:
    workflow = await house.define(each(max_concurrency=1))
    execution_id = await process.start(workflow, input={"list": ["x", "y"]})
    await beginning(house, 0)
    running(house)[0].succeed(orjson.loads("[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1)))
    await beginning(house, 1)
    running(house)[1].succeed(orjson.loads("[" * MAX_DEPTH + "]" * MAX_DEPTH))
    assert (await process.until(execution_id))[-1] == "failed"
    failure = (await process.executions.get(CALLER, execution_id)).failure
    assert failure is not None
    assert failure.code == "bad_output"
    assert "element 1: the task's output[0]" in failure.message
