"""Children of tasks whose expressions and schemas take long to evaluate."""

from uuid import UUID

import orjson
import pytest

from app.domain.definitions import RetryPolicy
from app.domain.events import EventType
from app.engine.evaluating.ports import UNAVAILABLE, EvaluatorError
from tests.support.family_stories import calling, children_of, for_each, running, staged, until
from tests.support.gated_evaluator import GatedEvaluator
from tests.support.memory_house import House
from tests.support.stories import sync
from tests.support.tenant import CALLER

LONG = "vars.l.all(x, vars.l.all(y, x + y >= 0))"
LIST = {"l": list(range(90))}
LEASE_SECONDS = 10
LARGE = {"type": "object", "description": "x" * 10_000}
"""A schema that takes too long to compile within a step."""


@pytest.fixture
def evaluator() -> GatedEvaluator:
    return GatedEvaluator()


@pytest.fixture
def house(evaluator: GatedEvaluator) -> House:
    return House(evaluator=evaluator)


def completed_elements(house: House, execution_id: UUID) -> int:
    return [event.type for event in house.history(execution_id)].count(EventType.TASK_ITEM_COMPLETED)


@pytest.mark.parametrize(
    "options",
    [
        {"when": LONG},
        {"input": {"n": f"${{{LONG}}}"}},
        {"for_each": f"{LONG} ? [1, 2] : []"},
        {"for_each": "[1, 2]", "input": {"n": f"${{{LONG}}}"}},
    ],
    ids=["condition", "config", "elements", "config of an element"],
)
async def test_children_start_when_it_is_evaluated(house: House, evaluator: GatedEvaluator, options) -> None:
    child = await house.define(sync("c"))
    async with house.process() as process:
        parent_id = await process.start(await house.define(calling(child, **options), variables=LIST))
        await evaluator.until_begun(1)
        assert children_of(house, parent_id) == []
        evaluator.gate.set()
        assert (await process.until(parent_id))[-2:] == ["call completed", "completed"]
    assert len(children_of(house, parent_id)) == (2 if "for_each" in options else 1)


async def test_a_cancel_does_not_wait_for_it(house: House, evaluator: GatedEvaluator) -> None:
    child = await house.define(sync("c"))
    async with house.process() as process:
        task = calling(child, input={"n": f"${{{LONG}}}"})
        parent_id = await process.start(await house.define(task, variables=LIST))
        await evaluator.until_begun(1)
        await process.controls.cancel(CALLER, parent_id, "")
        assert (await process.until(parent_id))[-1] == "cancelled"
    assert evaluator.cancelled == 1
    assert children_of(house, parent_id) == []


async def test_an_attempt_without_an_evaluator_fails_and_starts_no_child(
    house: House, evaluator: GatedEvaluator
) -> None:
    evaluator.failures = [EvaluatorError(UNAVAILABLE, "too many wait")]
    evaluator.gate.set()
    child = await house.define(sync("c"))
    async with house.process() as process:
        task = calling(child, input={"n": f"${{{LONG}}}"})
        parent_id = await process.start(await house.define(task, variables=LIST))
        assert (await process.until(parent_id))[-2:] == ["call failed", "failed"]
        failure = (await process.executions.get(CALLER, parent_id)).failure
    assert failure is not None
    assert failure.code == "evaluator_unavailable"
    assert children_of(house, parent_id) == []


async def test_the_ends_of_elements_wait_until_another_engine_knows_how_many_there_are(
    house: House, evaluator: GatedEvaluator
) -> None:
    child = await house.define(staged("c"))
    task = calling(child, for_each=f"{LONG} ? [1, 2, 3] : []", max_concurrency=2)
    evaluator.gate.set()
    async with house.process() as first:
        parent_id = await first.start(await house.define(task, variables=LIST))
        await until(lambda: len(house.stage.performances) == 2)
        await first.kill()
    evaluator.gate.clear()
    house.clock.advance(LEASE_SECONDS + 1)
    async with house.process(name="second") as second:
        await until(lambda: len(house.stage.performances) == 4)
        for performance in house.stage.performances[2:]:
            performance.succeed(7)
        await until(lambda: running(house) == [parent_id])
        assert completed_elements(house, parent_id) == 0
        await second.controls.pause(CALLER, parent_id, "wait")
        await second.until(parent_id, "paused")
        evaluator.gate.set()
        await until(lambda: completed_elements(house, parent_id) == 2)
        assert len(children_of(house, parent_id)) == 2, "it is paused"
        await second.controls.resume(CALLER, parent_id, "go on")
        await until(lambda: len(house.stage.performances) == 5)
        house.stage.performances[4].succeed(8)
        assert (await second.until(parent_id))[-2:] == ["call completed", "completed"]
        output = orjson.loads((await second.executions.get(CALLER, parent_id)).output or "")
    assert output == {"call": [{"c": 7}, {"c": 7}, {"c": 8}]}


@pytest.mark.parametrize("elements", [False, True], ids=["one child", "elements"])
async def test_an_output_that_takes_long_to_check_is_checked_elsewhere(
    house: House, evaluator: GatedEvaluator, elements: bool
) -> None:
    child = await house.define(staged("c"))
    schema = {"items": LARGE} if elements else LARGE
    parent = await house.define((for_each if elements else calling)(child, output_schema=schema))
    async with house.process() as process:
        parent_id = await process.start(parent, input={"list": [0]})
        (await house.stage.entered("c")).succeed(1)
        await until(lambda: evaluator.begun or not running(house))
        evaluator.gate.set()
        assert (await process.until(parent_id))[-1] == "completed"
    assert evaluator.begun


async def test_an_output_whose_check_takes_longer_than_the_task_may_is_not_that_of_the_next_attempt(
    house: House, evaluator: GatedEvaluator
) -> None:
    child = await house.define(staged("c"))
    again = RetryPolicy(max_attempts=2, initial_interval_seconds=0)
    parent = await house.define(calling(child, output_schema=LARGE, timeout_seconds=0.3, retry=again))
    async with house.process() as process:
        parent_id = await process.start(parent)
        (await house.stage.entered("c")).succeed(1)
        await evaluator.until_begun(1)
        house.clock.advance(1)
        await until(lambda: len(house.stage.performances) == 2)
        evaluator.gate.set()
        await until(lambda: not house.database.commands)
        assert house.database.executions[parent_id].is_open
        house.stage.performances[1].succeed(2)
        assert (await process.until(parent_id))[-2:] == ["call completed/2", "completed"]
        output = orjson.loads((await process.executions.get(CALLER, parent_id)).output or "")
    assert output == {"call": {"c": 2}}
