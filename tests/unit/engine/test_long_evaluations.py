"""What an execution does while something of it is evaluated elsewhere."""

import pytest

from app.domain.definitions import RetryPolicy
from app.engine.evaluating.ports import UNAVAILABLE, EvaluatorError
from tests.support.gated_evaluator import GatedEvaluator
from tests.support.loop_lag import loop_lag
from tests.support.memory_house import House
from tests.support.stories import parallel, sync
from tests.support.tenant import CALLER

LONG = "vars.l.all(x, vars.l.all(y, x + y >= 0))"
LIST = {"l": list(range(90))}
SOON = RetryPolicy(max_attempts=3, initial_interval_seconds=0)


@pytest.fixture
def evaluator() -> GatedEvaluator:
    return GatedEvaluator()


@pytest.fixture
def house(evaluator: GatedEvaluator) -> House:
    return House(evaluator=evaluator)


async def test_the_rest_of_the_execution_continues(house: House, evaluator: GatedEvaluator) -> None:
    tasks = (parallel("long", type="staged", when=LONG), parallel("short", type="staged"), sync("last", 1))
    async with house.process() as process:
        execution_id = await process.start(await house.define(*tasks, variables=LIST))
        (await house.stage.entered("short")).succeed()
        assert await process.until(execution_id, "short completed") == [
            "created",
            "started",
            "short started",
            "short completed",
        ]
        evaluator.gate.set()
        (await house.stage.entered("long")).succeed()
        assert (await process.until(execution_id))[-3:] == ["last started", "last completed", "completed"]


@pytest.mark.parametrize(
    "fields", [{"when": LONG}, {"config": {"output": f"${{{LONG}}}"}}], ids=["condition", "config"]
)
async def test_a_cancel_does_not_wait_for_it(house: House, evaluator: GatedEvaluator, fields) -> None:
    async with house.process() as process:
        execution_id = await process.start(await house.define(sync("a", **fields), variables=LIST))
        await evaluator.until_begun(1)
        await process.controls.cancel(CALLER, execution_id, "")
        assert (await process.until(execution_id))[-1] == "cancelled"
        await process.idle()
    assert evaluator.cancelled == 1


@pytest.mark.parametrize(
    "fields", [{"when": LONG}, {"config": {"output": f"${{{LONG}}}"}}], ids=["condition", "config"]
)
async def test_after_a_crash_it_is_made_again(house: House, evaluator: GatedEvaluator, fields) -> None:
    async with house.process(lease_seconds=0.2) as process:
        execution_id = await process.start(await house.define(sync("a", **fields), variables=LIST))
        await evaluator.until_begun(1)
        await process.kill()
        house.clock.advance(60)
        evaluator.gate.set()
        async with house.process(name="second") as second:
            *_, completed, last = await second.until(execution_id)
    assert (completed.partition("/")[0], last) == ("a completed", "completed")


async def test_an_attempt_without_an_evaluator_is_made_again(house: House, evaluator: GatedEvaluator) -> None:
    evaluator.failures = [EvaluatorError(UNAVAILABLE, "no evaluator process can be started")]
    evaluator.gate.set()
    task = sync("a", config={"output": f"${{{LONG}}}"}, retry=SOON)
    async with house.process() as process:
        execution_id = await process.start(await house.define(task, variables=LIST))
        words = await process.until(execution_id)
    assert words[2:] == ["a started", "a retrying", "a started/2", "a completed/2", "completed"]
    [retrying] = [event for event in house.history(execution_id) if event.type == "task_retrying"]
    assert "evaluator_unavailable" in str(retrying.data)


@pytest.mark.parametrize(("condition", "end"), [(LONG, "a completed"), (f"!({LONG})", "a skipped")])
async def test_a_condition_without_an_evaluator_waits_for_one(
    house: House, evaluator: GatedEvaluator, monkeypatch: pytest.MonkeyPatch, condition: str, end: str
) -> None:
    monkeypatch.setattr("app.engine.running.preparing.START_PAUSE_SECONDS", 0)
    evaluator.failures = [EvaluatorError(UNAVAILABLE, "too many wait")] * 3
    evaluator.gate.set()
    async with house.process() as process:
        execution_id = await process.start(await house.define(sync("a", when=condition), variables=LIST))
        assert (await process.until(execution_id))[-2:] == [end, "completed"]


async def test_a_condition_that_turns_out_false_too_late_runs_nothing(
    house: House, evaluator: GatedEvaluator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.engine.running.preparing.START_PAUSE_SECONDS", 0)
    evaluator.failures = [EvaluatorError(UNAVAILABLE, "too many wait")] * 10
    evaluator.gate.set()
    async with house.process() as process:
        task = sync("a", type="staged", when=f"!({LONG})")
        execution_id = await process.start(await house.define(task, variables=LIST))
        assert (await process.until(execution_id))[-1] == "failed"
        failure = (await process.executions.get(CALLER, execution_id)).failure
    assert failure is not None
    assert failure.code == "expression_failed"
    assert "is false, which was not known when the task started" in failure.message
    assert house.stage.performances == []


async def test_many_small_outputs_are_checked_in_several_turns(house: House) -> None:
    schema = {"properties": {f"p{n}": {"type": "string", "maxLength": n + 1} for n in range(80)}}
    tasks = [parallel(f"t{n}", config={"output": {"p0": "x"}}, output_schema=schema) for n in range(200)]
    async with house.process() as process:
        workflow = await house.define(*tasks)
        with loop_lag() as lag:
            assert (await process.until(await process.start(workflow)))[-1] == "completed"
    assert lag.stalls == []


async def test_the_wait_counts_towards_the_timeout(house: House, evaluator: GatedEvaluator) -> None:
    task = sync("a", config={"output": f"${{{LONG}}}"}, timeout_seconds=0.01)
    async with house.process() as process:
        execution_id = await process.start(await house.define(task, variables=LIST))
        assert (await process.until(execution_id))[-1] == "failed"
        failure = (await process.executions.get(CALLER, execution_id)).failure
    assert failure is not None
    assert failure.code == "timeout"
    assert evaluator.cancelled == 1


async def test_a_pause_while_a_condition_is_evaluated_starts_nothing(house: House, evaluator: GatedEvaluator) -> None:
    async with house.process() as process:
        execution_id = await process.start(await house.define(sync("a", when=LONG), variables=LIST))
        await evaluator.until_begun(1)
        await process.controls.pause(CALLER, execution_id, "")
        await process.until(execution_id, "paused")
        evaluator.gate.set()
        await process.controls.resume(CALLER, execution_id, "")
        words = await process.until(execution_id)
    assert words[2:] == ["paused", "resumed", "a started", "a completed", "completed"]


async def test_an_output_that_is_checked_elsewhere_ends_its_task_once(house: House, evaluator: GatedEvaluator) -> None:
    schema = {"items": {"anyOf": [{"const": n} for n in range(3_000)]}}
    task = sync("a", config={"output": [1, 2]}, output_schema=schema)
    async with house.process() as process:
        execution_id = await process.start(await house.define(task))
        await evaluator.until_begun(1)
        assert await process.until(execution_id, "a started") == ["created", "started", "a started"]
        evaluator.gate.set()
        assert (await process.until(execution_id))[3:] == ["a completed", "completed"]
    assert evaluator.begun == 1
