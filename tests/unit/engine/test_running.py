"""Executions on an engine in memory: the order of groups, failures, retries, timeouts, cancels, progress."""

import asyncio
import gc
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import UUID

import orjson
import pytest

from app.domain.definitions import RetryPolicy
from app.domain.errors import Invalid, NotFound, WrongState
from app.domain.events import EventType
from app.domain.executions import Failure
from app.domain.handlers import Attempt, TaskError
from app.domain.states import ExecutionStatus, TaskStatus
from app.engine.deciding.state import ExecutionState
from app.engine.ports import ControlCommand
from app.engine.running.due_times import DueTimes
from app.engine.running.effects import Effects
from app.engine.running.preparing import Preparation
from app.engine.running.progress import ProgressReports
from app.engine.running.run import Run
from app.engine.running.running_attempts import RunningAttempts
from tests.support.memory_house import House, Process
from tests.support.stories import parallel, sync
from tests.support.tenant import CALLER, TENANT_ID
from tests.support.virtual_time import in_virtual_time

SOON = RetryPolicy(max_attempts=3, initial_interval_seconds=0)
PARTS = (Run, ExecutionState, Preparation, Effects, DueTimes, RunningAttempts, ProgressReports)
LATER = RetryPolicy(max_attempts=3, initial_interval_seconds=3600, max_interval_seconds=3600)


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
async def process(house: House) -> AsyncIterator[Process]:
    async with house.process() as process:
        yield process


def staged(name: str, sequence: int = 0, **options):
    return sync(name, sequence, type="staged", **options)


def beside(name: str, sequence: int = 0, **options):
    return parallel(name, sequence, type="staged", **options)


# Order


async def test_groups_run_one_after_another(house: House, process: Process) -> None:
    workflow = await house.define(
        staged("a"), staged("b"), beside("c"), beside("d"), beside("e", 1), staged("f", 1), staged("g", 2)
    )
    execution_id = await process.start(workflow)
    entered = house.stage.entered
    (await entered("a")).succeed()
    (await entered("b")).succeed()
    c, d = await entered("c"), await entered("d")
    d.succeed()
    await process.until(execution_id, "d completed")
    assert house.stage.names == ["a/1", "b/1", "c/1", "d/1"]
    c.succeed()
    (await entered("f")).succeed()
    (await entered("e")).succeed()
    (await entered("g")).succeed()
    seen = await process.until(execution_id)
    assert seen[:2] == ["created", "started"]
    assert seen[-1] == "completed"
    assert house.stage.names == ["a/1", "b/1", "c/1", "d/1", "f/1", "e/1", "g/1"]
    assert [event.sequence for event in house.history(execution_id)] == list(range(1, len(seen) + 1))


async def test_dependencies_replace_the_rule_of_the_group(house: House, process: Process) -> None:
    workflow = await house.define(staged("a"), staged("b", 1, depends_on=()), staged("c", 1, depends_on=("b",)))
    execution_id = await process.start(workflow)
    (await house.stage.entered("b")).succeed()
    (await house.stage.entered("c")).succeed()
    (await house.stage.entered("a")).succeed()
    assert (await process.until(execution_id))[-1] == "completed"


async def test_a_workflow_without_tasks(house: House, process: Process) -> None:
    execution_id = await process.start(await house.define())
    assert await process.until(execution_id) == ["created", "started", "completed"]
    execution = await process.executions.get(CALLER, execution_id)
    assert (execution.status, execution.output) == (ExecutionStatus.COMPLETED, None)
    assert process.engine.running == 0


async def test_instant_tasks_need_no_stage(house: House, process: Process) -> None:
    workflow = await house.define(sync("a", config={"output": 1}), parallel("b"), parallel("c", config={"output": [2]}))
    execution_id = await process.start(workflow)
    await process.until(execution_id)
    execution = await process.executions.get(CALLER, execution_id)
    assert execution.output == '{"c":[2]}'


async def test_tasks_know_what_came_before_them(house: House, process: Process) -> None:
    execution_id = await process.start(await house.define(staged("a"), staged("b")), input={"x": [1]})
    first = (await house.stage.entered("a")).attempt
    (await house.stage.entered("a")).succeed({"n": 1})
    second = (await house.stage.entered("b")).attempt
    assert (first.input, dict(first.upstream)) == ({"x": [1]}, {})
    assert dict(second.upstream) == {"a": {"n": 1}}
    assert second.task_key == f"{execution_id}/{second.task_id}"
    assert second.attempt_key == f"{second.task_key}/1"


# Failures


async def test_a_failure_cancels_running_siblings_and_starts_nothing(house: House, process: Process) -> None:
    workflow = await house.define(beside("a"), beside("b"), beside("c", retry=LATER), staged("d", 1))
    execution_id = await process.start(workflow)
    (await house.stage.entered("c")).fail()
    await process.until(execution_id, "c retrying")
    b = await house.stage.entered("b")
    (await house.stage.entered("a")).fail(TaskError("broken", "it broke"))
    seen = await process.until(execution_id)
    assert b.cancelled
    assert seen[-5:-1] == ["c retrying", "a failed", "c cancelled", "b cancelled"]
    assert seen[-1] == "failed"
    execution = await process.executions.get(CALLER, execution_id)
    assert execution.failure == Failure("broken", "task 'a' failed: it broke")
    tasks = {task.name: task.status for task in await process.executions.tasks(CALLER, execution_id)}
    assert tasks == {
        "a": TaskStatus.FAILED,
        "b": TaskStatus.CANCELLED,
        "c": TaskStatus.CANCELLED,
        "d": TaskStatus.PENDING,
    }


async def test_an_attempt_that_has_not_begun_is_stopped_too(house: House, process: Process) -> None:
    """Its start and its stop are committed together, so it is cancelled before its first step."""
    execution_id = await process.start(await house.define(staged("a"), beside("b", 1), beside("c", 1)))
    a = await house.stage.entered("a")
    gate = house.faults.hold_before("record")
    other = asyncio.create_task(process.start(await house.define()))
    await gate.reached()
    a.succeed()
    await process.queued(1)
    await process.controls.cancel(CALLER, execution_id, "enough")
    await process.queued(2)
    gate.open()
    await other
    seen = await process.until(execution_id)
    assert seen[4:] == ["b started", "c started", "cancel_requested", "b cancelled", "c cancelled", "cancelled"]
    assert house.stage.names == ["a/1"]


async def test_an_attempt_is_told_to_stop_once(house: House, process: Process) -> None:
    """A second cancellation would break off what the first made it clean up."""
    house.stage.cleaning = asyncio.Event()
    execution_id = await process.start(await house.define(*(beside(name) for name in "abc")))
    a, b, c = [await house.stage.entered(name) for name in "abc"]
    a.fail()
    await process.until(execution_id, "a failed")
    await process.controls.cancel(CALLER, execution_id, "and cancelled on top of it")
    await process.until(execution_id, "cancel_requested")
    assert [b.cancelled, c.cancelled] == [False, False]
    house.stage.cleaning.set()
    seen = await process.until(execution_id)
    assert b.cancelled
    assert c.cancelled
    assert seen[-1] == "cancelled"


async def test_a_sibling_may_end_by_itself_when_it_is_told_to_stop(house: House, process: Process) -> None:
    class Stubborn:
        async def run(self, attempt: Attempt) -> str:
            try:
                return await asyncio.get_running_loop().create_future()
            except asyncio.CancelledError:
                return "saved"

    house.handlers["stubborn"] = Stubborn()
    execution_id = await process.start(await house.define(beside("a"), parallel("b", type="stubborn")))
    (await house.stage.entered("a")).fail()
    seen = await process.until(execution_id)
    assert seen[-3:] == ["a failed", "b completed", "failed"]


@pytest.mark.parametrize(
    "error", [asyncio.CancelledError(), SystemExit(1), TaskError(None, ValueError("x"), retry_after_seconds=1e300)]
)
async def test_whatever_a_handler_lets_out_the_execution_ends(house: House, process: Process, error: Any) -> None:
    class Odd:
        async def run(self, attempt: Attempt) -> None:
            raise error

    house.handlers["odd"] = Odd()
    execution_id = await process.start(await house.define(sync("a", type="odd")))
    assert (await process.until(execution_id))[-2:] == ["a failed", "failed"]


async def test_an_unknown_type_fails_its_task(house: House, process: Process) -> None:
    execution_id = await process.start(await house.define(sync("a", type="unknown", retry=SOON)))
    assert (await process.until(execution_id))[-2:] == ["a failed", "failed"]


async def test_an_output_that_cannot_be_stored_fails_its_task_for_good(house: House, process: Process) -> None:
    execution_id = await process.start(await house.define(staged("a", retry=SOON)))
    (await house.stage.entered("a")).succeed(float("nan"))
    assert (await process.until(execution_id))[-2:] == ["a failed", "failed"]
    execution = await process.executions.get(CALLER, execution_id)
    assert execution.failure is not None
    assert execution.failure.code == "bad_output"


# Timeouts and retries


@in_virtual_time
async def test_an_attempt_that_takes_too_long_is_repeated() -> None:
    house = House()
    async with house.process() as process:
        execution_id = await process.start(await house.define(staged("a", timeout_seconds=5, retry=SOON)))
        first = await house.stage.entered("a")
        assert first.attempt.timeout_seconds == 5
        (await house.stage.entered("a", 2)).succeed()
        seen = await process.until(execution_id)
    assert first.cancelled
    assert seen[2:] == ["a started", "a retrying", "a started/2", "a completed/2", "completed"]
    assert orjson.loads(house.history(execution_id)[3].data or "")["code"] == "timeout"


async def test_a_task_that_fails_as_often_as_it_may_fails(house: House, process: Process) -> None:
    execution_id = await process.start(await house.define(staged("a", retry=SOON)))
    for number in (1, 2, 3):
        (await house.stage.entered("a", number)).fail()
    seen = await process.until(execution_id)
    assert seen[2:] == [
        "a started",
        "a retrying",
        "a started/2",
        "a retrying/2",
        "a started/3",
        "a failed/3",
        "failed",
    ]
    first, *later = [performance.attempt for performance in house.stage.performances]
    assert {attempt.first_started_at for attempt in later} == {first.first_started_at}


async def test_a_retry_has_its_time(house: House) -> None:
    async with house.process(chance=lambda: 1.0) as process:
        execution_id = await process.start(await house.define(staged("a", retry=LATER)))
        (await house.stage.entered("a")).fail()
        await process.until(execution_id, "a retrying")
    retrying = house.history(execution_id)[-1]
    assert orjson.loads(retrying.data or "")["retry_at"] == "2026-01-02T12:54:00.123456Z", "an hour less the jitter"


# Cancelling


async def test_a_running_execution_is_cancelled(house: House, process: Process) -> None:
    execution_id = await process.start(await house.define(beside("a"), beside("b")))
    a, b = await house.stage.entered("a"), await house.stage.entered("b")
    await process.controls.cancel(CALLER, execution_id, "enough")
    seen = await process.until(execution_id)
    assert seen[-4:-1] == ["cancel_requested", "a cancelled", "b cancelled"]
    assert a.cancelled
    assert b.cancelled
    execution = await process.controls.cancel(CALLER, execution_id, "again")
    assert (execution.status, execution.failure) == (ExecutionStatus.CANCELLED, Failure("cancelled", "enough"))
    assert house.database.commands == {}


async def test_an_execution_that_waits_for_a_retry_is_cancelled(house: House, process: Process) -> None:
    execution_id = await process.start(await house.define(staged("a", retry=LATER)))
    (await house.stage.entered("a")).fail()
    await process.until(execution_id, "a retrying")
    run = next(iter(process.engine._held))
    await process.controls.cancel(CALLER, execution_id, "")
    seen = await process.until(execution_id)
    assert seen[-3:] == ["cancel_requested", "a cancelled", "cancelled"]
    assert run._due_times._timers._handles == {}, "a timer would keep the execution in memory until the retry was due"


async def test_an_execution_that_nobody_has_begun_is_cancelled(house: House) -> None:
    async with house.process(max_executions=0) as full:
        execution_id = await full.start(await house.define(staged("a")))
        assert (await full.executions.get(CALLER, execution_id)).status is ExecutionStatus.PENDING
        await full.controls.cancel(CALLER, execution_id, "enough")
        async with house.process() as process:
            assert await process.until(execution_id) == ["created", "cancel_requested", "cancelled"]
        execution = await full.executions.get(CALLER, execution_id)
        assert (execution.status, execution.started_at) == (ExecutionStatus.CANCELLED, None)
    assert house.stage.names == []


async def test_many_cancels_are_one(house: House, process: Process) -> None:
    house.stage.cleaning = asyncio.Event()
    execution_id = await process.start(await house.define(staged("a")))
    await house.stage.entered("a")
    for reason in ("first", "second"):
        await process.controls.cancel(CALLER, execution_id, reason)
        await process.until(execution_id, "cancel_requested")
    house.stage.cleaning.set()
    assert (await process.until(execution_id)).count("cancel_requested") == 1


async def test_a_cancel_that_comes_with_the_end_changes_nothing(house: House, process: Process) -> None:
    """The command is read when the last event is on its way: it is swept away later."""
    execution_id = await process.start(await house.define(staged("a")))
    a = await house.stage.entered("a")
    gate = house.faults.hold_before("record")
    a.succeed()
    await gate.reached()
    await process.controls.cancel(CALLER, execution_id, "too late")
    await process.queued(1)
    gate.open()
    assert (await process.until(execution_id))[-1] == "completed"
    await process.idle()
    while house.database.commands:
        await asyncio.sleep(0)
    with pytest.raises(WrongState):
        await process.controls.cancel(CALLER, execution_id, "later still")


async def test_commands_of_another_kind_are_left_for_a_newer_engine(house: House, process: Process) -> None:
    execution_id = await process.start(await house.define(staged("a")))
    a = await house.stage.entered("a")
    run = next(iter(process.engine._held))
    await house.store.send_command(TENANT_ID, ControlCommand(0, run.id, "rewind", "a break"))
    gate = house.faults.hold_after("commands")
    await gate.reached()
    gate.open()
    assert [command.type for command in house.database.commands.values()] == ["rewind"]
    a.succeed()
    assert (await process.until(execution_id))[-1] == "completed"


@pytest.mark.parametrize(("reason", "error"), [("x" * 1_001, Invalid), ("\x00", Invalid)])
async def test_reasons_are_checked(house: House, process: Process, reason: str, error: type[Exception]) -> None:
    execution_id = await process.start(await house.define(staged("a")))
    with pytest.raises(error):
        await process.controls.cancel(CALLER, execution_id, reason)


async def test_what_does_not_exist_cannot_be_cancelled(process: Process) -> None:
    with pytest.raises(NotFound):
        await process.controls.cancel(CALLER, UUID("0192f0c1-2345-7abc-8def-000000000000"), "")


# What is left behind


@pytest.fixture
def _without_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def in_memory() -> Counter[str]:
    """How many of each class that a running execution consists of."""
    return Counter(type(thing).__name__ for thing in gc.get_objects() if isinstance(thing, PARTS))


@pytest.mark.usefixtures("_without_collector")
@pytest.mark.parametrize("ends", ["completed", "cancelled", "lost"])
async def test_an_execution_that_is_gone_leaves_nothing_to_the_collector(
    house: House, process: Process, ends: str
) -> None:
    before = in_memory()
    workflow = await house.define(staged("a"), sync("b", sequence=1), timeout_seconds=3600)
    execution_id = await process.start(workflow)
    a = await house.stage.entered("a")
    a.attempt.report(50, "half-way")
    await process.until(execution_id, "a progressed")
    assert in_memory() - before == Counter(part.__name__ for part in PARTS)
    if ends == "completed":
        a.succeed()
    elif ends == "cancelled":
        await process.controls.cancel(CALLER, execution_id, "")
    else:
        process.engine._held.drop_all()
    await process.idle()
    while not (a.ending.done() or a.cancelled):
        await asyncio.sleep(0)
    house.stage.performances.clear()
    del a
    for _ in range(3):
        await asyncio.sleep(0)  # until the event loop has let go of the attempt's task and its callbacks
    assert in_memory() == before


# Progress


async def test_progress_reaches_the_history(house: House, process: Process) -> None:
    execution_id = await process.start(await house.define(staged("a"), staged("b")))
    a = await house.stage.entered("a")
    await asyncio.to_thread(a.attempt.report, 50, "half-way")
    await process.until(execution_id, "a progressed")
    progressed = house.history(execution_id)[-1]
    assert (progressed.type, progressed.progress_percent) == (EventType.TASK_PROGRESSED, 25)
    a.succeed()
    (await house.stage.entered("b")).succeed()
    await process.until(execution_id)
    assert [event.progress_percent for event in house.history(execution_id)] == [0, 0, 0, 25, 50, 50, 100, 100]


async def test_a_chatty_handler_is_merged_and_its_last_words_are_kept(house: House, process: Process) -> None:
    execution_id = await process.start(await house.define(staged("a")))
    a = await house.stage.entered("a")
    gate = house.faults.hold_before("record")
    for percent in range(100):
        a.attempt.report(percent, f"{percent} of 100")
    a.succeed()
    await gate.reached()
    await process.queued(1)
    gate.open()
    a.attempt.report(100, "after the end")
    seen = await process.until(execution_id)
    assert seen[3:] == ["a progressed", "a progressed", "a completed", "completed"]
    assert "99 of 100" in (house.history(execution_id)[4].data or "")


async def test_an_instant_handler_may_report_too(house: House, process: Process) -> None:
    class Reporting:
        def run_now(self, attempt: Attempt) -> None:
            attempt.report(10, "begun")
            attempt.report(20, "nearly done")

    house.handlers["reporting"] = Reporting()
    execution_id = await process.start(await house.define(sync("a", type="reporting")))
    seen = await process.until(execution_id)
    assert seen[3:] == ["a progressed", "a progressed", "a completed", "completed"]


async def test_a_report_after_the_end_is_no_event(house: House, process: Process) -> None:
    execution_id = await process.start(await house.define(staged("a"), staged("b")))
    a = await house.stage.entered("a")
    a.succeed()
    b = await house.stage.entered("b")
    a.attempt.report(10, "late")
    b.succeed()
    assert "a progressed" not in await process.until(execution_id)
