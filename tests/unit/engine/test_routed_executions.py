"""Executions that follow conditions, on whole engines: loops, lost engines, what tasks see, what callers may ask."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import orjson
import pytest

from app.checking.history import HistoryCheck
from app.checking.task_order import task_order
from app.domain.definitions import RetryPolicy, Task, Workflow
from app.domain.errors import RevisionMismatch, WrongState
from app.domain.events import EventType
from app.domain.executions import Failure
from app.domain.handlers import Wait
from app.domain.states import ExecutionStatus, TaskStatus
from tests.support.memory_house import House, Process
from tests.support.requests import payload_of, start_of
from tests.support.routed import conditions
from tests.support.stories import sync
from tests.support.tenant import CALLER

LEASE = 10.0


class Waits:
    def wait(self, config):
        return Wait(signal=config["signal"])


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
async def process(house: House) -> AsyncIterator[Process]:
    async with house.process() as process:
        yield process


def staged(name: str, **options: Any) -> Task:
    return sync(name, type="staged", **options)


async def flow(house: House, *tasks: Task, by: tuple[str, ...], **fields: Any) -> Workflow:
    return await house.define(*tasks, start_task=tasks[0].name, conditions=conditions(*by), **fields)


def check(house: House, workflow: Workflow, execution_id: UUID) -> None:
    history = HistoryCheck(execution_id, task_order(workflow))
    for event in house.history(execution_id):
        history.take(event)
    assert history.found == []


async def test_a_failure_leads_back_until_it_works(house: House, process: Process) -> None:
    workflow = await flow(house, staged("try"), staged("mend"), by=("try failure mend end", "mend any try end"))
    execution_id = await process.start(workflow)
    (await house.stage.entered("try")).fail()
    (await house.stage.entered("mend")).succeed("mended")
    again = await house.stage.entered("try", 2)
    assert dict(again.attempt.upstream) == {"try": None, "mend": "mended"}
    again.succeed({"fine": True})
    assert await process.until(execution_id) == [
        "created",
        "started",
        "try started",
        "try failed",
        "mend started",
        "mend completed",
        "try started/2",
        "try completed/2",
        "completed",
    ]
    execution = await process.executions.get(CALLER, execution_id)
    assert (execution.status, execution.output) == (ExecutionStatus.COMPLETED, '{"fine":true}')
    check(house, workflow, execution_id)


async def test_each_visit_has_a_key_of_its_own_and_its_attempts_share_it(house: House, process: Process) -> None:
    soon = RetryPolicy(max_attempts=2, initial_interval_seconds=0)
    workflow = await flow(house, staged("a", retry=soon), by=("a success a end",), max_visits=2)
    execution_id = await process.start(workflow)
    (first := await house.stage.entered("a")).fail()
    (repeated := await house.stage.entered("a", 2)).succeed(1)
    visit = await house.stage.entered("a", 3)
    assert (dict(first.attempt.upstream), dict(visit.attempt.upstream)) == ({}, {"a": 1})
    visit.fail()
    (last := await house.stage.entered("a", 4)).succeed(2)
    seen = await process.until(execution_id)
    keys = [each.attempt.task_key for each in (first, repeated, visit, last)]
    assert keys[0] == keys[1] == f"{execution_id}/{first.attempt.task_id}"
    assert keys[2] == keys[3] == f"{keys[0]}@2"
    assert seen[-1] == "failed"
    failure = (await process.executions.get(CALLER, execution_id)).failure
    assert failure == Failure("too_many_visits", "task 'a' has run 2 times, which is the limit (max_visits)")
    check(house, workflow, execution_id)


async def test_a_loop_without_an_end_is_bounded(house: House, process: Process) -> None:
    workflow = await flow(house, sync("a"), sync("b"), by=("a any b end", "b any a end"))
    execution_id = await process.start(workflow)
    seen = await process.until(execution_id)
    assert [word for word in seen if "completed" in word][-1] == "b completed/100"
    execution = await process.executions.get(CALLER, execution_id)
    assert (execution.status, execution.failure and execution.failure.code) == (
        ExecutionStatus.FAILED,
        "too_many_visits",
    )
    check(house, workflow, execution_id)


async def test_another_engine_goes_on_in_the_middle_of_a_loop(house: House) -> None:
    by = ("a success b end", "b failure a end")
    workflow = await flow(house, staged("a"), staged("b"), by=by, max_visits=2)
    first = house.build()
    await first.engine.start(first.defects.report)
    execution_id = await first.start(workflow)
    (await house.stage.entered("a")).succeed(1)
    (await house.stage.entered("b")).fail()
    lost = await house.stage.entered("a", 2)
    await first.kill()
    house.clock.advance(LEASE + 1)
    async with house.process() as second:
        again = await house.stage.entered("a", 3)
        assert (again.attempt.task_key, dict(again.attempt.upstream)) == (lost.attempt.task_key, {"a": 1, "b": None})
        again.succeed(3)
        (await house.stage.entered("b", 2)).fail()
        seen = await second.until(execution_id)
    assert seen[6:] == [
        "a started/2",
        "a retrying/2",
        "a started/3",
        "a completed/3",
        "b started/2",
        "b failed/2",
        "failed",
    ]
    assert house.stage.names == ["a/1", "b/1", "a/2", "a/3", "b/2"]
    check(house, workflow, execution_id)


async def test_expressions_see_what_has_run_and_what_has_not(house: House, process: Process) -> None:
    config = {
        "seen": "${[tasks.a.output, tasks.b.output, tasks.c.output]}",
        "is": "${tasks.a.status} ${tasks.b.status}",
    }
    workflow = await flow(
        house, staged("a", config=config), staged("b"), sync("c"), by=("a success b c", "b failure a c")
    )
    execution_id = await process.start(workflow)
    (first := await house.stage.entered("a")).succeed(1)
    (await house.stage.entered("b")).fail()
    (second := await house.stage.entered("a", 2)).fail()
    assert first.attempt.config == {"seen": [None, None, None], "is": "pending pending"}
    assert second.attempt.config == {"seen": [1, None, None], "is": "completed failed"}
    assert (await process.until(execution_id))[-1] == "completed"


async def test_a_condition_of_the_task_itself_is_judged_at_each_visit(house: House, process: Process) -> None:
    workflow = await flow(
        house,
        staged("a", when="tasks.b.status == 'pending'"),
        sync("b", config={"output": {"n": "${tasks.a.status}"}}),
        by=("a success b end", "b success a end"),
        max_visits=2,
    )
    execution_id = await process.start(workflow)
    (await house.stage.entered("a")).succeed()
    seen = await process.until(execution_id)
    assert seen[4:] == ["b started", "b completed", "a skipped", "b started/2", "b completed/2", "failed"]
    check(house, workflow, execution_id)


async def test_what_ran_is_shown_as_it_last_ended(house: House, process: Process) -> None:
    workflow = await flow(house, sync("a"), staged("b"), sync("c"), by=("a any b end", "b failure a c"))
    execution_id = await process.start(workflow)
    (await house.stage.entered("b")).fail()
    (await house.stage.entered("b", 2)).succeed()
    await process.until(execution_id)
    shown = {task.name: (task.status, task.attempt) for task in await process.executions.tasks(CALLER, execution_id)}
    assert shown == {
        "a": (TaskStatus.COMPLETED, 2),
        "b": (TaskStatus.COMPLETED, 2),
        "c": (TaskStatus.COMPLETED, 1),
    }


async def test_only_the_task_whose_turn_it_is_can_be_skipped(house: House, process: Process) -> None:
    workflow = await flow(house, staged("a"), staged("b"), by=("a success b end",))
    execution_id = await process.start(workflow)
    await house.stage.entered("a")
    with pytest.raises(WrongState, match=r"task 'b' of .* cannot be skipped now: it is not its turn"):
        await process.controls.skip(CALLER, execution_id, "b", "not needed")
    await process.controls.skip(CALLER, execution_id, "a", "not needed")
    (await house.stage.entered("b")).succeed("done")
    seen = await process.until(execution_id)
    assert seen == ["created", "started", "a started", "a skipped", "b started", "b completed", "completed"]
    check(house, workflow, execution_id)


async def test_a_skip_of_what_is_skipped_is_harmless(house: House, process: Process) -> None:
    workflow = await flow(house, staged("a"), staged("b"), by=("a success b end",))
    execution_id = await process.start(workflow)
    await house.stage.entered("a")
    await process.controls.skip(CALLER, execution_id, "a", "")
    b = await house.stage.entered("b")
    await process.controls.skip(CALLER, execution_id, "a", "")
    b.succeed()
    assert (await process.until(execution_id)).count("a skipped") == 1


@pytest.mark.parametrize("how", ["retry", "rerun"])
async def test_it_cannot_be_repeated(house: House, process: Process, how: str) -> None:
    workflow = await flow(house, staged("a"), by=())
    execution_id = await process.start(workflow)
    (await house.stage.entered("a")).fail()
    await process.until(execution_id)
    with pytest.raises(WrongState, match="follows conditions and cannot be repeated; start a new one"):
        await (
            process.controls.retry(CALLER, execution_id)
            if how == "retry"
            else process.controls.rerun(CALLER, execution_id, "a")
        )


async def test_a_start_of_another_revision_than_the_current_one_is_refused(house: House, process: Process) -> None:
    workflow = await flow(house, sync("a"), by=())
    with pytest.raises(RevisionMismatch):
        await process.executions.start(CALLER, start_of(workflow, revision=2))
    started = await process.executions.start(CALLER, start_of(workflow, revision=1))
    assert started.execution.revision == 1


async def test_a_cancel_ends_a_loop(house: House, process: Process) -> None:
    workflow = await flow(house, staged("a"), by=("a any a end",))
    execution_id = await process.start(workflow)
    (await house.stage.entered("a")).succeed()
    await house.stage.entered("a", 2)
    await process.controls.cancel(CALLER, execution_id, "enough")
    assert (await process.until(execution_id))[-2:] == ["a cancelled/2", "cancelled"]
    check(house, workflow, execution_id)


async def test_a_history_reads_like_any_other(house: House, process: Process) -> None:
    workflow = await flow(house, sync("a", config={"output": {"n": 1}}), by=())
    execution_id = await process.start(workflow)
    await process.until(execution_id)
    assert orjson.loads((await process.executions.get(CALLER, execution_id)).output or "") == {"n": 1}


async def test_each_visit_runs_for_each_element_again(house: House, process: Process) -> None:
    each = sync("a", for_each="input.list", config={"output": "${item * 10}"})
    workflow = await flow(house, each, by=("a any a end",), max_visits=2)
    execution_id = await process.start(workflow, input={"list": [1, 2]})
    seen = await process.until(execution_id)
    once = ["a started", "a item_completed", "a item_completed", "a completed"]
    assert seen == ["created", "started", *once, *(f"{word}/2" for word in once), "failed"]
    outputs = [event.data for event in house.history(execution_id) if event.type is EventType.TASK_COMPLETED]
    assert outputs == ["[10,20]", "[10,20]"]
    check(house, workflow, execution_id)


async def test_each_visit_waits_for_a_signal_of_its_own() -> None:
    house = House(handlers={"waits": Waits()})
    async with house.process() as process:
        waiting = sync("a", type="waits", config={"signal": "go"})
        workflow = await flow(house, waiting, staged("b"), by=("a any b end", "b failure a end"))
        execution_id = await process.start(workflow)
        await process.controls.signal(CALLER, execution_id, "go", payload_of(1))
        (await house.stage.entered("b")).fail()
        await process.until(execution_id, "a started/2")
        await process.controls.signal(CALLER, execution_id, "go", payload_of(2))
        second = await house.stage.entered("b", 2)
        assert dict(second.attempt.upstream) == {"a": 2, "b": None}
        second.succeed()
        seen = await process.until(execution_id)
    assert [word for word in seen if word.startswith(("a ", "signal"))] == [
        "a started",
        "signal_received",
        "a completed",
        "a started/2",
        "signal_received",
        "a completed/2",
    ]
    check(house, workflow, execution_id)
