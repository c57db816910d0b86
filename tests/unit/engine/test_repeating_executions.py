"""Retry and rerun on an engine in memory: new executions that take over what an ended one has completed."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from app.definitions import edits
from app.domain.definitions import OnFailure, Workflow
from app.domain.errors import Conflict, Invalid, NotFound, Unavailable, WrongState
from app.domain.events import EventType
from app.domain.payloads import Payload
from app.domain.states import ExecutionStatus, TaskStatus
from app.engine.ports import StoreUnreachable
from app.engine.repetitions import parse_wanted_revision
from tests.support.acts import ANYONE
from tests.support.memory_house import House, Process, short
from tests.support.requests import ref_of, start_of
from tests.support.stories import parallel, sync
from tests.support.tenant import CALLER


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
async def process(house: House) -> AsyncIterator[Process]:
    async with house.process() as process:
        yield process


def staged(name: str, sequence: int = 0, **options):
    return sync(name, sequence, type="staged", **options)


def instant(name: str, output: object, sequence: int = 0, **options):
    return sync(name, sequence, config={"output": output}, **options)


async def failed(house: House, process: Process, *tasks, **options) -> tuple[Workflow, UUID]:
    """An execution that ended because its staged task `b` failed."""
    workflow = await house.define(*(tasks or (instant("a", 1.0), staged("b"), staged("c"))))
    execution_id = await process.start(workflow, **options)
    (await house.stage.entered("b")).fail()
    await process.until(execution_id)
    return workflow, execution_id


async def finish(house: House, process: Process, execution_id: UUID, *names: str) -> list[str]:
    """End the staged tasks as they begin, and answer the whole history in short."""
    for name in names:
        while not (waiting := [p for p in house.stage.performances if _is_open(p, execution_id, name)]):
            await asyncio.sleep(0)
        waiting[0].succeed(name)
    return await process.until(execution_id)


def _is_open(performance, execution_id: UUID, name: str) -> bool:
    attempt = performance.attempt
    return (attempt.task_name, attempt.execution_id) == (name, execution_id) and not performance.ending.done()


async def test_a_retry_runs_what_is_missing_and_nothing_else(house: House, process: Process) -> None:
    workflow, origin_id = await failed(house, process, input={"n": 1})

    started = await process.controls.retry(CALLER, origin_id)
    history = await finish(house, process, started.execution.id, "b", "c")

    assert (started.already_started, started.execution.status) == (False, ExecutionStatus.PENDING)
    assert history == [
        "created",
        "a reused",
        "started",
        "b started",
        "b completed",
        "c started",
        "c completed",
        "completed",
    ]
    execution = await process.executions.get(CALLER, started.execution.id)
    assert (execution.workflow_id, execution.revision, execution.input.text) == (workflow.id, 1, '{"n":1}')
    assert (execution.origin_id, execution.output) == (origin_id, '{"c":"c"}')
    last = house.stage.performances[-1].attempt
    assert dict(last.upstream) == {"a": 1.0, "b": "b"}


async def test_the_origin_stays_as_it_is(house: House, process: Process) -> None:
    _, origin_id = await failed(house, process)
    before = await process.executions.get(CALLER, origin_id), list(house.history(origin_id))

    await process.controls.retry(CALLER, origin_id)

    assert (await process.executions.get(CALLER, origin_id), list(house.history(origin_id))) == before


async def test_the_input_is_the_same_byte_for_byte(house: House, process: Process) -> None:
    _, origin_id = await failed(house, process)
    row = house.database.executions[origin_id]
    text = '{ "n": 1.0,  "big": 12345678901234567890 }'
    object.__setattr__(row.execution, "input", Payload(text))

    assert (await process.controls.retry(CALLER, origin_id)).execution.input.text == text


async def test_a_second_retry_answers_the_first_one_s_execution(house: House, process: Process) -> None:
    _, origin_id = await failed(house, process)

    answers = await asyncio.gather(*(process.controls.retry(CALLER, origin_id) for _ in range(5)))
    first = answers[0].execution.id
    await finish(house, process, first, "b", "c")
    late = await process.controls.retry(CALLER, origin_id)

    assert {answer.execution.id for answer in answers} == {first}
    assert sorted(answer.already_started for answer in answers) == [False, True, True, True, True]
    assert (late.already_started, late.execution.id) == (True, first)
    assert late.execution.status is ExecutionStatus.COMPLETED


async def test_two_retries_that_both_see_no_other_start_one(house: House, process: Process) -> None:
    _, origin_id = await failed(house, process)
    gate = house.faults.hold_before("enqueue")
    slow = asyncio.create_task(process.controls.retry(CALLER, origin_id))
    await gate.reached()
    fast = await process.controls.retry(CALLER, origin_id)
    gate.open()
    beaten = await slow

    assert (fast.already_started, beaten.already_started) == (False, True)
    assert beaten.execution.id == fast.execution.id


@pytest.mark.parametrize("change", ["changed", "deleted"])
async def test_a_retry_runs_the_origin_s_revision_whatever_has_become_of_the_workflow(
    house: House, process: Process, change: str
) -> None:
    workflow, origin_id = await failed(house, process)
    definitions = house.database.definitions
    if change == "deleted":
        await definitions.delete(ANYONE, ref_of(workflow))
    else:
        await definitions.change(ANYONE, ref_of(workflow), lambda current: edits.merged(current, {"tasks": ()}))

    started = await process.controls.retry(CALLER, origin_id)
    history = await finish(house, process, started.execution.id, "b", "c")

    assert started.execution.revision == 1
    assert history[-1] == "completed"


async def test_a_retry_of_a_retry_takes_over_what_both_completed(house: House, process: Process) -> None:
    _, origin_id = await failed(house, process)
    second = (await process.controls.retry(CALLER, origin_id)).execution.id
    while not (waiting := [p for p in house.stage.performances if _is_open(p, second, "b")]):
        await asyncio.sleep(0)
    waiting[0].succeed("b")
    while not (waiting := [p for p in house.stage.performances if _is_open(p, second, "c")]):
        await asyncio.sleep(0)
    waiting[0].fail()
    await process.until(second)

    third = (await process.controls.retry(CALLER, second)).execution.id

    assert (await finish(house, process, third, "c"))[:4] == ["created", "a reused", "b reused", "started"]
    assert (await process.executions.get(CALLER, third)).origin_id == second


async def test_a_retry_of_a_cancelled_execution(house: House, process: Process) -> None:
    workflow = await house.define(instant("a", 1), staged("b"))
    origin_id = await process.start(workflow)
    await house.stage.entered("b")
    await process.controls.cancel(CALLER, origin_id, "enough")
    await process.until(origin_id)

    started = await process.controls.retry(CALLER, origin_id)

    assert (await finish(house, process, started.execution.id, "b"))[-1] == "completed"


async def test_a_rerun_repeats_a_task_and_all_behind_it(house: House, process: Process) -> None:
    workflow = await house.define(
        instant("a", 1), parallel("b", 1), parallel("c", 1, config={"output": 3}), sync("d", 2)
    )
    origin_id = await process.start(workflow)
    await process.until(origin_id)

    started = await process.controls.rerun(CALLER, origin_id, "b")
    history = await process.until(started.execution.id)

    assert history == [
        "created",
        "a reused",
        "c reused",
        "started",
        "b started",
        "b completed",
        "d started",
        "d completed",
        "completed",
    ]
    tasks = await process.executions.tasks(CALLER, started.execution.id)
    assert [(task.name, task.status, task.attempt, task.output) for task in tasks] == [
        ("a", TaskStatus.COMPLETED, 0, "1"),
        ("b", TaskStatus.COMPLETED, 1, None),
        ("c", TaskStatus.COMPLETED, 0, "3"),
        ("d", TaskStatus.COMPLETED, 1, None),
    ]


async def test_reruns_are_as_many_as_are_asked_for_unless_a_key_says_otherwise(house: House, process: Process) -> None:
    _, origin_id = await failed(house, process)
    rerun = process.controls.rerun

    free = [await rerun(CALLER, origin_id, "b") for _ in range(2)]
    keyed = [await rerun(CALLER, origin_id, "b", "again") for _ in range(2)]

    assert len({answer.execution.id for answer in (*free, *keyed)}) == 3
    assert [answer.already_started for answer in (*free, *keyed)] == [False, False, False, True]


async def test_a_key_of_something_else_is_a_conflict(house: House, process: Process) -> None:
    workflow, origin_id = await failed(house, process)
    await process.start(workflow, idempotency_key="mine")

    with pytest.raises(Conflict, match="does not repeat execution"):
        await process.controls.rerun(CALLER, origin_id, "b", "mine")


async def test_what_was_skipped_stays_skipped_in_a_retry(house: House, process: Process) -> None:
    workflow = await house.define(staged("a"), staged("b"))
    origin_id = await process.start(workflow)
    await house.stage.entered("a")
    await process.controls.skip(CALLER, origin_id, "a", "not today")
    (await house.stage.entered("b")).fail()
    await process.until(origin_id)

    started = await process.controls.retry(CALLER, origin_id)
    history = await finish(house, process, started.execution.id, "b")

    assert history == ["created", "a skipped", "started", "b started", "b completed", "completed"]


async def test_a_tolerated_failure_is_not_repeated(house: House, process: Process) -> None:
    workflow = await house.define(staged("a", on_failure=OnFailure.CONTINUE), staged("b"))
    origin_id = await process.start(workflow)
    (await house.stage.entered("a")).fail()
    (await house.stage.entered("b")).fail()
    await process.until(origin_id)

    started = await process.controls.retry(CALLER, origin_id)
    updates = (await process.executions.updates(CALLER, started.execution.id, 0, 2)).updates

    assert updates[0].message == f"Execution accepted: it repeats execution {origin_id}"
    assert updates[1].message == f"Task 'a' skipped: failed in execution {origin_id}, which went on without it"


async def test_a_rerun_says_from_where(house: House, process: Process) -> None:
    _, origin_id = await failed(house, process)
    started = await process.controls.rerun(CALLER, origin_id, "b")

    page = await process.executions.updates(CALLER, started.execution.id, 0, 2)

    assert [update.message for update in page.updates] == [
        f"Execution accepted: it repeats execution {origin_id} from task 'b' on",
        "Task 'a' completed: its result is reused from the execution that this one repeats",
    ]
    assert (page.updates[1].output, page.updates[1].task_status) == ("1.0", TaskStatus.COMPLETED)


async def test_an_execution_whose_tasks_are_all_taken_over_ends_at_once(house: House, process: Process) -> None:
    workflow = await house.define(instant("a", 1), staged("b"))
    origin_id = await process.start(workflow)
    await house.stage.entered("b")
    await process.controls.skip(CALLER, origin_id, "b", "")
    await process.until(origin_id, "b skipped")
    await process.until(origin_id)
    execution = await process.executions.get(CALLER, origin_id)
    assert execution.status is ExecutionStatus.COMPLETED

    started = await process.controls.rerun(CALLER, origin_id, "b")

    assert (await finish(house, process, started.execution.id, "b"))[:3] == ["created", "a reused", "started"]


async def test_what_cannot_be_repeated(house: House, process: Process) -> None:
    workflow = await house.define(staged("a", compensate=("undo",)), sync("undo"))
    running = await process.start(workflow)
    performance = await house.stage.entered("a")
    controls = process.controls
    for asked in (controls.retry(CALLER, running), controls.rerun(CALLER, running, "a")):
        with pytest.raises(WrongState, match=f"execution {running} has not ended: it is running"):
            await asked
    performance.succeed()
    await process.until(running)
    with pytest.raises(WrongState, match="is completed; rerun it from a task instead"):
        await controls.retry(CALLER, running)
    for task, message in (("b", "no task of the execution's revision 1 is named 'b'"), ("undo", "'undo' undoes 'a'")):
        with pytest.raises(Invalid, match=f"from_task: {message}"):
            await controls.rerun(CALLER, running, task)
    for key in ("", " ", "k" * 201):
        with pytest.raises(Invalid, match="idempotency_key"):
            await controls.rerun(CALLER, running, "a", key)
    unknown = UUID("0192f0c1-2345-7abc-8def-000000000000")
    for asked in (
        controls.retry(CALLER, unknown),
        controls.rerun(CALLER, unknown, "a"),
        controls.skip(CALLER, unknown, "a", ""),
    ):
        with pytest.raises(NotFound):
            await asked
    assert len(house.database.executions) == 1


async def test_a_retry_whose_answer_was_lost_is_found_again(house: House, process: Process) -> None:
    _, origin_id = await failed(house, process)
    house.faults.lose_answer("enqueue")
    with pytest.raises(StoreUnreachable):
        await process.controls.retry(CALLER, origin_id)

    again = await process.controls.retry(CALLER, origin_id)

    assert again.already_started
    assert len(house.database.executions) == 2


async def test_a_repetition_that_cannot_be_stored_is_no_success(house: House, process: Process) -> None:
    workflow, origin_id = await failed(house, process)
    await process.executions.start(CALLER, start_of(workflow))
    taken = next(iter(house.database.executions))
    process.controls._repetitions._new_id = lambda: taken

    with pytest.raises(Unavailable, match="ask for it again"):
        await process.controls.rerun(CALLER, origin_id, "b")


async def test_the_events_of_a_repetition_carry_its_progress(house: House, process: Process) -> None:
    _, origin_id = await failed(house, process, instant("a", 1), instant("x", 2), staged("b"), staged("c"))
    started = await process.controls.retry(CALLER, origin_id)
    await finish(house, process, started.execution.id, "b", "c")

    history = house.history(started.execution.id)

    assert [short(event, None) for event in history][:3] == ["created", "reused", "reused"]
    assert [event.progress_percent for event in history][:3] == [0, 25, 50]
    assert [event.progress_percent for event in history if event.type is EventType.TASK_COMPLETED] == [75, 100]


async def change(house: House, workflow: Workflow, **changes) -> None:
    await house.database.definitions.change(ANYONE, ref_of(workflow), lambda now: edits.merged(now, changes))


async def test_a_retry_on_the_latest_revision_runs_the_fixed_task(house: House, process: Process) -> None:
    workflow, origin_id = await failed(house, process)
    await change(house, workflow, tasks=(instant("a", 1.0), instant("b", 2), instant("c", 3)))

    started = await process.controls.retry(CALLER, origin_id, "latest")

    assert (started.execution.revision, started.latest_revision, started.already_started) == (2, 2, False)
    assert (await process.until(started.execution.id))[:3] == ["created", "a reused", "started"]
    again = await process.controls.retry(CALLER, origin_id, 2)
    assert (again.execution.id, again.already_started) == (started.execution.id, True)


async def test_one_retry_per_revision(house: House, process: Process) -> None:
    workflow, origin_id = await failed(house, process)
    same = await process.controls.retry(CALLER, origin_id, "latest")
    await change(house, workflow, description="newer")

    plain, newer = (
        await process.controls.retry(CALLER, origin_id),
        await process.controls.retry(CALLER, origin_id, "latest"),
    )
    own = await process.controls.retry(CALLER, origin_id, 1)

    assert plain.execution.id == same.execution.id == own.execution.id != newer.execution.id
    assert (plain.execution.revision, plain.latest_revision) == (1, 2)
    assert (newer.execution.revision, newer.already_started) == (2, False)


async def test_a_rerun_with_a_key_stays_with_its_revision(house: House, process: Process) -> None:
    workflow, origin_id = await failed(house, process)
    first = await process.controls.rerun(CALLER, origin_id, "b", "key", "latest")
    await change(house, workflow, tasks=())

    again = await process.controls.rerun(CALLER, origin_id, "b", "key", "latest")

    assert (again.execution.id, again.already_started, again.latest_revision) == (first.execution.id, True, 2)
    with pytest.raises(Invalid, match="no task of the execution's revision 2 is named 'b'"):
        await process.controls.rerun(CALLER, origin_id, "b", "another key", "latest")


async def test_a_repetition_on_another_revision_is_refused_and_nothing_is_stored(
    house: House, process: Process
) -> None:
    workflow, origin_id = await failed(house, process, input={"n": 1})
    await change(house, workflow, tasks=(instant("a", 2.0), staged("b")), input_schema={"required": ["m"]})
    before = set(house.database.executions)

    with pytest.raises(Invalid) as refused:
        await process.controls.retry(CALLER, origin_id, "latest")
    assert [problem.path for problem in refused.value.problems] == ["input"]
    await change(house, workflow, input_schema=None)
    with pytest.raises(Invalid, match=r"the result of task 'a' cannot be reused: in revision 3 its config\.output"):
        await process.controls.retry(CALLER, origin_id, "latest")
    with pytest.raises(Invalid, match=f"revision: workflow {workflow.id} has no revision 4"):
        await process.controls.retry(CALLER, origin_id, 4)
    await house.database.definitions.delete(ANYONE, ref_of(workflow))
    with pytest.raises(WrongState, match="was deleted, so it has no latest revision"):
        await process.controls.retry(CALLER, origin_id, "latest")

    assert set(house.database.executions) == before
    rerun = await process.controls.rerun(CALLER, origin_id, "a", None, 3)
    assert (rerun.execution.revision, rerun.latest_revision) == (3, None)


async def test_neither_revision_may_follow_conditions(house: House, process: Process) -> None:
    workflow, origin_id = await failed(house, process, instant("a", 1.0), staged("b"))
    await change(house, workflow, tasks=(instant("a", 1.0),), start_task="a")

    with pytest.raises(WrongState, match="follows conditions"):
        await process.controls.retry(CALLER, origin_id, "latest")


@pytest.mark.parametrize("text", ["0", "-1", "1.0", "last", "LATEST", " 1", "²", "9" * 5000, str(2**31)])
def test_what_names_no_revision_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="must be 'latest' or the number of a revision"):
        parse_wanted_revision(text)


def test_a_revision_is_a_number_or_the_latest() -> None:
    assert [parse_wanted_revision(text) for text in ("", "latest", "1", str(2**31 - 1))] == [
        None,
        "latest",
        1,
        2**31 - 1,
    ]
