"""Heavy executions, one for each way to be heavy: they fail with the figures, and the event loop stays free.

What is measured is the processor time of each callback of the loop, which is the same on a busy machine.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.adapters.evaluators.pool import EvaluatorPool
from app.adapters.evaluators.process import ProcessLimits
from app.contracts.contract import Contract
from app.domain.definitions import OnFailure, Task
from app.domain.errors import Invalid
from app.domain.refs import Ref
from app.engine.dry_run import DryRunner
from app.tasks.delay import DelayHandler
from app.tasks.transform import TransformHandler
from tests.support.loop_lag import loop_lag
from tests.support.memory_house import House, Process
from tests.support.stories import parallel, sync
from tests.support.tenant import CALLER, TENANT_ID

STALL = 0.1
CONSTANTS = {"items": {"anyOf": [{"const": n} for n in range(3_300)]}}
CONTAINS = " && ".join(['vars.l.all(x, !vars.t.contains("zzz"))'] * 45)
LOOPS = "${size(vars.l.map(x, vars.l.filter(y, y == x)))}"


@pytest.fixture
async def evaluator() -> AsyncIterator[EvaluatorPool]:
    # More than the default, because a test asks what the limits of steps refuse by themselves.
    pool = EvaluatorPool(2, 1_000, ProcessLimits(deadline_seconds=2.0, memory_bytes=512 << 20))
    yield pool
    await pool.close()


@pytest.fixture
def house(evaluator: EvaluatorPool) -> House:
    return House(evaluator=evaluator, handlers={"transform": TransformHandler()})


async def failure(house: House, process: Process, *tasks: Task, input: Any = None, **fields: Any) -> tuple[str, str]:
    """How an execution fails, while none of the loop's callbacks takes long."""
    workflow = await house.define(*tasks, **fields)
    with loop_lag(STALL) as lag:
        execution_id = await process.start(workflow, input=input or {})
        await process.until(execution_id)
    assert lag.stalls == []
    found = (await process.executions.get(CALLER, execution_id)).failure
    return ("", "") if found is None else (found.code, found.message)


def transform(name: str, value: Any, **fields: Any) -> Task:
    return sync(name, type="transform", config={"value": value}, **fields)


@pytest.mark.parametrize(
    ("value", "variables", "input"),
    [
        (f"${{{CONTAINS}}}", {"t": "x" * 1_000_000, "l": list(range(1_414))}, {}),
        ("${vars.t.matches('[ab]*a[ab]{900}c')}", {"t": "ab" * 130_000}, {}),
        ({f"k{n}": LOOPS for n in range(40)}, {"l": list(range(200))}, {}),
        ([LOOPS] * 1_000, {"l": list(range(60))}, {}),
    ],
    ids=["side by side", "matches", "40 in a config", "1,000 in a config"],
)
async def test_a_config_that_takes_too_many_steps_fails_its_task(house: House, value, variables, input) -> None:
    async with house.process() as process:
        code, message = await failure(house, process, transform("a", value), variables=variables, input=input)
    assert code == "expression_too_costly"
    assert "needs more than 1000000 steps, which is the limit" in message


@pytest.mark.parametrize("evaluator_deadline", [0.02])
async def test_at_the_deadline_the_task_fails_and_its_neighbour_does_not(evaluator_deadline: float) -> None:
    pool = EvaluatorPool(1, 100, ProcessLimits(evaluator_deadline, 512 << 20))
    house = House(evaluator=pool, handlers={"transform": TransformHandler()})
    async with house.process() as process:
        neighbour = await process.start(await house.define(sync("n", type="staged")))
        attempt = await house.stage.entered("n")
        variables = {"l": list(range(280))}
        code, message = await failure(house, process, transform("a", LOOPS), variables=variables)
        assert code == "expression_too_costly"
        assert "was stopped after 20 ms of processor time, the limit" in message
        attempt.succeed()
        assert (await process.until(neighbour))[-1] == "completed"
        small = {"l": list(range(60))}
        assert await failure(house, process, transform("a", LOOPS), variables=small) == ("", ""), "another process"
    await pool.close()


async def test_a_dear_condition_skips_its_task_or_lets_it_run(house: House) -> None:
    dear = "vars.l.all(x, vars.l.all(y, x + y >= 0))"
    tasks = (sync("a", when=dear), sync("b", 1, when=f"!({dear})"), sync("c", 2))
    async with house.process() as process:
        workflow = await house.define(*tasks, variables={"l": list(range(100))})
        with loop_lag(STALL) as lag:
            words = await process.until(await process.start(workflow))
    assert lag.stalls == []
    assert words[2:] == ["a started", "a completed", "b skipped", "c started", "c completed", "completed"]


async def test_a_wait_whose_config_is_dear_is_part_of_its_first_event(house: House) -> None:
    house.handlers["delay"] = DelayHandler()
    seconds = "${size(vars.l.map(x, vars.l.filter(y, y == x)))}"
    async with house.process() as process:
        workflow = await house.define(
            sync("a", type="delay", config={"seconds": seconds}), variables={"l": [*range(80)]}
        )
        execution_id = await process.start(workflow)
        words = await process.until(execution_id, "a started")
        [started] = [event for event in house.history(execution_id) if event.type == "task_started"]
        assert words[-1] == "a started"
        assert json.loads(started.data or "null")["until"]


async def test_configs_of_elements_are_made_when_these_start(house: House, evaluator: EvaluatorPool) -> None:
    task = sync(
        "a", type="staged", for_each="vars.e", max_concurrency=2, config={"n": "${size(vars.l.map(x, x + item))}"}
    )
    async with house.process() as process:
        workflow = await house.define(task, variables={"l": [*range(3_000)], "e": [*range(2_000)]})
        with loop_lag(STALL) as lag:
            execution_id = await process.start(workflow)
            first = await house.stage.entered("a")
            while len(house.stage.performances) < 2:
                await asyncio.sleep(0)
        assert lag.stalls == []
        assert [p.attempt.config for p in house.stage.performances] == [{"n": 3_000}] * 2, "of 2,000"
        await process.controls.cancel(CALLER, execution_id, "")
        await process.until(execution_id)
        assert first.cancelled


async def test_two_thousand_elements_leave_the_loop_free(house: House) -> None:
    task = sync("a", for_each="vars.e", config={"output": "${size(vars.l.map(x, x + item)) * 0 + item}"})
    async with house.process() as process:
        fields = {"variables": {"l": [*range(700)], "e": [*range(2_000)]}}
        assert await failure(house, process, task, **fields) == ("", "")


async def test_four_hundred_tasks_side_by_side_leave_the_loop_free(house: House) -> None:
    tasks = [parallel(f"t{n}", config={"output": "${size(vars.l.map(x, x * 2))}"}) for n in range(400)]
    async with house.process() as process:
        assert await failure(house, process, *tasks, variables={"l": [*range(1_000)]}) == ("", "")


async def test_a_dear_input_is_refused_without_a_stall(evaluator: EvaluatorPool) -> None:
    evaluator._limits = ProcessLimits(deadline_seconds=0.2, memory_bytes=512 << 20)
    house = House(evaluator=evaluator)
    async with house.process() as process:
        schema = {"properties": {"l": CONSTANTS}}
        workflow = await house.define(sync("a"), input_schema=schema)
        with loop_lag(STALL) as lag, pytest.raises(Invalid) as refused:
            await process.start(workflow, input={"l": [-1] * 100})
        with loop_lag(STALL) as second, pytest.raises(Invalid) as late:
            await process.start(workflow, input={"l": [3_299] * 19_000})
        fits = await process.start(workflow, input={"l": [0] * 100})
        assert (await process.until(fits))[-1] == "completed"
    assert [problem.path for problem in refused.value.problems] == ["input.l[0]"]
    assert "takes too long to check: the evaluation was stopped after 200 ms" in late.value.problems[0].message
    assert lag.stalls + second.stalls == []


async def test_a_dear_output_is_checked_without_a_stall(house: House) -> None:
    async with house.process() as process:
        task = transform("a", "${input.l}", output_schema=CONSTANTS)
        found = await failure(house, process, task, input={"l": [0] * 1_000 + [-1]})
        assert found[0] == "output_schema"
        assert "output[1000]: -1 is not valid under any of the schemas" in found[1]
        assert await failure(house, process, task, input={"l": [0] * 1_000}) == ("", "")


async def test_large_outputs_are_read_elsewhere(house: House) -> None:
    many = [parallel(f"p{n}", config={"output": [0.5] * 2_400}) for n in range(300)]
    sums = {
        f"k{n}": "${" + " + ".join(f"size(tasks.p{m}.output)" for m in range(n * 60, n * 60 + 60)) + "}"
        for n in range(5)
    }
    async with house.process() as process:
        assert await failure(house, process, *many, sync("z", 1, type="transform", config={"value": sums})) == ("", "")


async def test_a_dry_run_leaves_the_loop_free(house: House, evaluator: EvaluatorPool) -> None:
    each = sync("e", 1, for_each="vars.e", config={"output": "${size(vars.l.map(x, x + item))}"})
    async with house.process() as process:
        variables = {"l": [*range(900)], "e": [*range(500)]}
        workflow = await house.define(
            transform("a", "${" + CONTAINS + "}", on_failure=OnFailure.CONTINUE),
            each,
            variables=variables | {"t": "x" * 500_000},
        )
        starter = process.executions._starter
        runner = DryRunner(starter._plans, house, starter._evaluations, house.clock, 1_000_000)
        with loop_lag(STALL) as lag:
            run = await runner.run(CALLER, Ref(tenant_id=TENANT_ID, id=workflow.id), {}, {})
    assert lag.stalls == []
    assert [(step.task, step.status) for step in run.steps] == [("a", "failed"), ("e", "completed")]
    assert run.steps[0].failure is not None
    assert run.steps[0].failure.code == "expression_too_costly"
    assert len(run.steps[1].config) == 500


def test_a_dear_schema_is_compiled_only_where_it_is_checked() -> None:
    contract = Contract(CONSTANTS)
    assert not contract.is_small
    assert contract.cost("[1]") > 0
    assert "_validator" not in vars(contract)
