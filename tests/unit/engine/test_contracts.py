"""Schemas of inputs and outputs, held where they are stated."""

import pytest

from app.contracts.contract import Contract
from app.domain.definitions import RetryPolicy
from app.domain.errors import Invalid, Problem
from app.domain.handlers import Wait
from tests.support.memory_house import House
from tests.support.stories import sync
from tests.support.tenant import CALLER

SCHEMA = {
    "type": "object",
    "required": ["rows"],
    "properties": {"rows": {"type": "array", "items": {"type": "integer", "minimum": 0}}},
}


class Waits:
    def wait(self, config):
        return Wait(seconds=config.get("seconds"), signal=config.get("signal"), output=config.get("output"))


def test_the_first_problem_has_its_path() -> None:
    contract = Contract(SCHEMA)
    assert contract.problems({"rows": [1, 2]}, "output") == []
    assert contract.problems({"rows": [1, -2, "x"]}, "output") == [
        Problem("output.rows[1]", "-2 is less than the minimum of 0"),
    ]
    assert contract.problems({}, "output") == [Problem("output", '"rows" is a required property')]


async def test_an_input_that_breaks_the_schema_starts_nothing() -> None:
    house = House()
    async with house.process() as process:
        workflow = await house.define(sync("a"), input_schema=SCHEMA)
        with pytest.raises(Invalid) as refused:
            await process.start(workflow, input={"rows": [-1]})
        assert refused.value.problems == (Problem("input.rows[0]", "-1 is less than the minimum of 0"),)
        assert house.database.executions == {}
        assert (await process.until(await process.start(workflow, input={"rows": []})))[-1] == "completed"


@pytest.mark.parametrize(("output", "end"), [({"rows": [1]}, "a completed"), ({"rows": [-1]}, "a failed")])
async def test_an_output_that_breaks_the_schema_fails_the_task_for_good(output, end: str) -> None:
    house = House()
    async with house.process() as process:
        soon = RetryPolicy(max_attempts=3, initial_interval_seconds=0)
        workflow = await house.define(sync("a", config={"output": output}, output_schema=SCHEMA, retry=soon))
        execution_id = await process.start(workflow)
        assert (await process.until(execution_id))[3] == end
        failure = (await process.executions.get(CALLER, execution_id)).failure
        if end == "a failed":
            assert failure is not None
            assert failure.code == "output_schema"
            assert "output.rows[0]: -1 is less than the minimum of 0" in failure.message


async def test_what_a_wait_gives_is_held_to_the_schema_too() -> None:
    house = House(handlers={"waits": Waits()})
    async with house.process() as process:
        config = {"seconds": 0, "output": {"rows": 1}}
        execution_id = await process.start(
            await house.define(sync("a", type="waits", config=config, output_schema=SCHEMA))
        )
        assert (await process.until(execution_id))[-2:] == ["a failed", "failed"]
        assert "output.rows" in house.history(execution_id)[-1].data
