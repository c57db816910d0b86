"""Starting executions, and following what one has started."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from uuid import UUID

import pytest

from app.definitions import edits
from app.domain.definitions import WorkflowDraft
from app.domain.errors import IdempotencyMismatch, Invalid, NotFound, Unavailable
from app.domain.states import ExecutionStatus
from app.engine.execution_filter import ExecutionFilter
from app.engine.ports import StoreUnreachable
from app.engine.starting import StartRequest
from app.engine.watching import held_batches
from tests.support.acts import ANYONE
from tests.support.memory_house import House, Process, short
from tests.support.requests import payload_of, ref_of, start_of
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


# Starting


async def test_a_start_is_durable_when_it_answers(house: House, process: Process) -> None:
    workflow = await house.define(staged("a"))
    gate = house.faults.hold_after("record")
    starting = asyncio.create_task(process.executions.start(CALLER, start_of(workflow, {"n": 1})))
    await gate.reached()
    await asyncio.sleep(0)
    assert not starting.done()
    gate.open()
    started = await starting
    assert (started.already_started, started.execution.status) == (False, ExecutionStatus.RUNNING)
    stored = await process.executions.get(CALLER, started.execution.id)
    assert (stored.input.text, stored.revision, stored.created_at) == ('{"n":1}', 1, house.clock.now())
    assert house.owner(stored.id) == 1


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        (start_of("999"), NotFound),
        (start_of("no-such-key"), NotFound),
        (start_of("1", idempotency_key=""), Invalid),
        (start_of("1", idempotency_key=" "), Invalid),
        (start_of("1", idempotency_key="k" * 201), Invalid),
        (start_of("1", idempotency_key="a\x00"), Invalid),
    ],
)
async def test_wrong_requests(house: House, process: Process, request_: StartRequest, error: type[Exception]) -> None:
    await house.define(staged("a"))
    with pytest.raises(error):
        await process.executions.start(CALLER, request_)
    assert house.database.executions == {}


async def test_one_key_starts_one_execution(house: House, process: Process) -> None:
    workflow, other = await house.define(staged("a")), await house.define(staged("a"))
    request = start_of(workflow, idempotency_key="key")
    first, again = (
        await process.executions.start(CALLER, request),
        await process.executions.start(CALLER, request),
    )
    assert (first.already_started, again.already_started) == (False, True)
    assert again.execution.id == first.execution.id
    elsewhere = await process.executions.start(CALLER, start_of(other, idempotency_key="key"))
    assert elsewhere.execution.id != first.execution.id


async def test_a_key_with_another_input_is_refused(house: House, process: Process) -> None:
    workflow = await house.define(staged("a"))
    first = await process.executions.start(CALLER, start_of(workflow, {"a": 1, "b": [True]}, "key"))
    same = await process.executions.start(CALLER, start_of(workflow, {"b": [True], "a": 1}, "key"))
    assert same.execution.id == first.execution.id
    for other in ({"a": 1, "b": [1]}, {"a": 1}, {}):
        with pytest.raises(IdempotencyMismatch, match=f"has started execution {first.execution.id} with another input"):
            await process.executions.start(CALLER, start_of(workflow, other, "key"))
    assert list(house.database.executions) == [first.execution.id]


@pytest.mark.parametrize("prefix", ["schedule:", "retry:", "child:", "kafka:", "entity:"])
async def test_keys_of_the_service_are_for_the_service(house: House, process: Process, prefix: str) -> None:
    workflow = await house.define(staged("a"))
    with pytest.raises(Invalid, match=f"must not begin with '{prefix}'"):
        await process.executions.start(CALLER, start_of(workflow, idempotency_key=f"{prefix}1"))
    await process.executions.start(CALLER, start_of(workflow, idempotency_key=f"my {prefix}1"))
    internal = StartRequest(ref_of(workflow), payload_of({"n": 1}), f"{prefix}1", is_internal=True)
    first = await process.executions.start(CALLER, internal)
    # The input of a schedule may have been changed before an engine repeats a start that it found under way.
    again = await process.executions.start(CALLER, replace(internal, input=payload_of({"n": 2})))
    assert (again.execution.id, again.already_started) == (first.execution.id, True)


async def test_a_key_that_is_taken_at_the_last_moment(house: House, process: Process) -> None:
    """Both have found it free before one of them writes."""
    workflow = await house.define(staged("a"))
    gate = house.faults.hold_before("record")
    request = start_of(workflow, idempotency_key="key")
    calls = [asyncio.create_task(process.executions.start(CALLER, request)) for _ in range(10)]
    await gate.reached()
    gate.open()
    started = await asyncio.gather(*calls)
    assert len({one.execution.id for one in started}) == 1
    assert sorted(one.already_started for one in started) == [False] + [True] * 9
    assert process.engine.running == 1


async def test_an_edit_at_the_last_moment_starts_the_new_revision(house: House, process: Process) -> None:
    workflow = await house.define(staged("a"))
    gate = house.faults.hold_before("record")
    starting = asyncio.create_task(process.executions.start(CALLER, start_of(workflow)))
    await gate.reached()
    await house.database.definitions.change(
        ANYONE, ref_of(workflow), lambda now: edits.merged(now, {"name": "changed"})
    )
    gate.open()
    assert (await starting).execution.revision == 2
    assert len(house.database.executions) == process.engine.running == 1


async def test_a_deletion_at_the_last_moment(house: House, process: Process) -> None:
    workflow = await house.define(staged("a"))
    gate = house.faults.hold_before("record")
    starting = asyncio.create_task(process.executions.start(CALLER, start_of(workflow)))
    await gate.reached()
    await house.database.definitions.delete(ANYONE, ref_of(workflow))
    gate.open()
    with pytest.raises(NotFound):
        await starting
    assert process.engine.running == 0


async def test_a_workflow_that_never_holds_still(house: House, process: Process, monkeypatch) -> None:
    workflow = await house.define(staged("a"))

    async def taken(*_: object) -> None:
        return None

    monkeypatch.setattr(process.engine, "open", taken)
    with pytest.raises(Unavailable, match="keeps changing"):
        await process.executions.start(CALLER, start_of(workflow))


async def test_a_caller_that_goes_away_changes_nothing(house: House, process: Process) -> None:
    workflow = await house.define(sync("a"))
    gate = house.faults.hold_before("record")
    starting = asyncio.create_task(process.executions.start(CALLER, start_of(workflow)))
    await gate.reached()
    starting.cancel()
    await asyncio.gather(starting, return_exceptions=True)
    gate.open()
    await process.recorder.drain()
    (execution_id,) = house.database.executions
    assert (await process.until(execution_id))[-1] == "completed"


async def test_without_a_database_nothing_starts(house: House, process: Process) -> None:
    workflow = await house.define(sync("a"))
    house.faults.outage = True
    with pytest.raises(StoreUnreachable):
        await process.executions.start(CALLER, start_of(workflow))
    house.faults.outage = False
    assert process.engine.running == 0


async def test_an_engine_without_room_leaves_the_start_to_others(house: House) -> None:
    async with house.process(max_executions=1) as process:
        first = await process.start(await house.define(staged("a")))
        second = await process.start(await house.define(staged("b")))
        assert (house.owner(first), house.owner(second)) == (1, None)
        (await house.stage.entered("a")).succeed()
        (await house.stage.entered("b")).succeed()
        assert (await process.until(second))[-1] == "completed"


# Following what was started


async def follow(process: Process, request: StartRequest) -> list[str]:
    _, updates = await process.executions.execute(CALLER, request)
    return [short(update.event, update.task_name) async for batch in updates for update in batch]


async def test_what_is_started_is_followed_without_reading(house: House, process: Process) -> None:
    workflow = await house.define(sync("a"), sync("b"))
    house.faults.fail("read_history")
    seen = await follow(process, start_of(workflow))
    assert seen == ["created", "started", "a started", "a completed", "b started", "b completed", "completed"]
    assert process.hub.watchers == 0


async def test_an_opening_larger_than_a_watcher_holds(house: House, process: Process, monkeypatch) -> None:
    monkeypatch.setattr(held_batches, "HELD_EVENTS", 5)
    workflow = await house.define(*(parallel(f"t{number}", type="staged") for number in range(20)))
    _, updates = await process.executions.execute(CALLER, start_of(workflow))
    reads = house.faults.hold_after("read_history")
    first = asyncio.create_task(anext(updates))
    await reads.reached()
    reads.open()
    assert [update.event.sequence for update in await first] == list(range(1, 23))
    await updates.aclose()
    assert process.hub.watchers == 0


async def test_a_second_start_with_the_key_follows_the_first(house: House, process: Process) -> None:
    workflow = await house.define(sync("a"))
    request = start_of(workflow, idempotency_key="key")
    assert await follow(process, request) == await follow(process, request)
    assert process.hub.watchers == 0


async def test_what_others_run_is_followed_too(house: House) -> None:
    async with house.process(max_executions=0) as here, house.process():
        workflow = await house.define(sync("a"))
        assert (await follow(here, start_of(workflow)))[-1] == "completed"
        assert here.hub.watchers == 0


async def test_a_start_that_fails_leaves_no_watcher(house: House, process: Process) -> None:
    with pytest.raises(NotFound):
        await process.executions.execute(CALLER, start_of("999"))
    assert process.hub.watchers == 0


async def test_a_caller_that_goes_away_in_the_middle_leaves_no_watcher(house: House, process: Process) -> None:
    workflow = await house.define(sync("a"))
    gate = house.faults.hold_before("record")
    calling = asyncio.create_task(process.executions.execute(CALLER, start_of(workflow)))
    await gate.reached()
    calling.cancel()
    await asyncio.gather(calling, return_exceptions=True)
    assert process.hub.watchers == 0
    gate.open()


async def test_a_reader_that_goes_away_leaves_no_watcher(house: House, process: Process) -> None:
    execution_id = await process.start(await house.define(staged("a")))
    async with aclosing(await process.executions.watch(CALLER, execution_id, 0)) as updates:
        await anext(updates)
        assert process.hub.watchers == 1
    assert process.hub.watchers == 0
    waiting = asyncio.create_task(process.until(execution_id))
    while not process.hub.watchers:
        await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert process.hub.watchers == 0


async def test_a_watch_whose_plan_cannot_be_read_leaves_no_watcher(house: House) -> None:
    async with house.process() as process:
        execution_id = await process.start(await house.define(sync("a")))
        await process.until(execution_id)
    reader = house.build()
    house.faults.fail("revision")
    with pytest.raises(StoreUnreachable):
        await reader.until(execution_id)
    assert reader.hub.watchers == 0
    assert (await reader.until(execution_id))[-1] == "completed"


@pytest.mark.parametrize("after", [0, 1, 4, 5, 2**40])
async def test_a_watch_from_any_number(house: House, process: Process, after: int) -> None:
    execution_id = await process.start(await house.define(sync("a")))
    whole = await process.until(execution_id)
    updates = await process.executions.watch(CALLER, execution_id, after)
    rest = [short(update.event, update.task_name) async for batch in updates for update in batch]
    assert rest == whole[after:]


@pytest.mark.parametrize(
    ("after", "error"),
    [
        (0, NotFound),
        (-1, Invalid),
    ],
)
async def test_wrong_watches(process: Process, after: int, error: type[Exception]) -> None:
    with pytest.raises(error):
        await process.executions.watch(CALLER, UUID("0192f0c1-2345-7abc-8def-000000000000"), after)


@pytest.mark.parametrize(("after", "reads"), [(0, 1), (2, 1), (3, 0), (4, 0)])
async def test_a_watch_of_what_runs_here_reads_only_what_its_caller_has_not_seen(
    house: House, process: Process, after: int, reads: int
) -> None:
    execution_id = await process.start(await house.define(staged("a"), sync("b")))
    a = await house.stage.entered("a")
    house.faults.fail("get")
    gates = [house.faults.hold_before("read_history") for _ in range(2)]
    for gate in gates[:reads]:
        gate.open()
    updates = await process.executions.watch(CALLER, execution_id, after)
    a.succeed()
    rest = [short(update.event, update.task_name) async for batch in updates for update in batch]
    assert rest == ["created", "started", "a started", "a completed", "b started", "b completed", "completed"][after:]


async def test_a_watch_of_what_has_not_begun_here_asks_the_database(house: House, process: Process) -> None:
    gate = house.faults.hold_before("record")
    process.executions._starter.new_id = lambda: UUID(int=9)
    starting = asyncio.create_task(process.start(await house.define(sync("a"))))
    await gate.reached()
    with pytest.raises(NotFound):
        await process.executions.watch(CALLER, UUID(int=9), 0)
    gate.open()
    await starting


# Reading


async def test_waiting_for_the_end(house: House, process: Process) -> None:
    execution_id = await process.start(await house.define(staged("a")))
    a = await house.stage.entered("a")
    execution = await process.executions.wait(CALLER, execution_id, 0.01)
    assert execution.status is ExecutionStatus.RUNNING
    waiting = asyncio.create_task(process.executions.wait(CALLER, execution_id, 60))
    await asyncio.sleep(0)
    a.succeed()
    assert (await waiting).status is ExecutionStatus.COMPLETED
    assert (await process.executions.wait(CALLER, execution_id, 60)).status is ExecutionStatus.COMPLETED
    assert process.hub.watchers == 0


async def test_waiting_ends_when_the_process_stops(house: House, process: Process) -> None:
    execution_id = await process.start(await house.define(staged("a")))
    waiting = asyncio.create_task(process.executions.wait(CALLER, execution_id, 60))
    while not process.hub.watchers:
        await asyncio.sleep(0)
    process.hub.close()
    assert (await waiting).status is ExecutionStatus.RUNNING


async def test_executions_are_listed_by_pages(house: House, process: Process) -> None:
    workflow = await house.define(sync("a"))
    ids = [await process.start(workflow) for _ in range(5)]
    for execution_id in ids:
        await process.until(execution_id)
    seen, cursor = [], None
    for size in (2, 2, 1):
        page = await process.executions.list_executions(CALLER, ExecutionFilter(workflow.id), cursor, 2)
        assert len(page.executions) == size
        seen += [execution.id for execution in page.executions]
        cursor = page.next_cursor
    assert cursor is None
    assert sorted(seen) == sorted(ids)


async def test_the_newest_update_and_pages_of_updates(house: House, process: Process) -> None:
    execution_id = await process.start(await house.define(sync("a")))
    await process.until(execution_id)
    execution = await process.executions.get(CALLER, execution_id)
    last = await process.executions.last_update(CALLER, execution)
    assert last is not None
    assert (last.message, last.event.sequence, last.workflow_id) == ("Execution completed", 5, execution.workflow_id)
    page = await process.executions.updates(CALLER, execution_id, 2, 2)
    assert [update.message for update in page.updates] == ["Task 'a' started", "Task 'a' completed"]
    assert not page.ended
    assert (await process.executions.updates(CALLER, execution_id, 4, 2)).ended


async def test_a_workflow_is_known_by_id_and_key(house: House, process: Process) -> None:
    workflow = await house.define(sync("a"))
    await house.database.definitions.change(ANYONE, ref_of(workflow), lambda now: edits.merged(now, {"key": "slug"}))
    assert await process.executions.workflow_id(CALLER, ref_of("slug")) == workflow.id
    assert await process.executions.workflow_id(CALLER, ref_of(workflow)) == workflow.id
    assert await process.executions.workflow_id(CALLER, ref_of("999")) == 999, "executions outlive their workflow"
    with pytest.raises(NotFound):
        await process.executions.workflow_id(CALLER, ref_of("unknown"))


# What a process remembers of revisions is a guess


async def test_a_second_start_does_not_ask_for_the_revision(house: House, process: Process) -> None:
    workflow = await house.define(sync("a"))
    await process.start(workflow)
    house.faults.fail("current")
    assert (await process.until(await process.start(workflow)))[-1] == "completed"


async def test_a_start_after_a_change_runs_the_new_revision(house: House, process: Process) -> None:
    workflow = await house.define(sync("a"))
    await process.start(workflow)
    await house.database.definitions.change(
        ANYONE, ref_of(workflow), lambda now: edits.merged(now, {"name": "changed"})
    )
    started = await process.executions.start(CALLER, start_of(workflow))
    assert started.execution.revision == 2


async def test_a_start_after_a_deletion_starts_nothing(house: House, process: Process) -> None:
    workflow = await house.define(sync("a"))
    await process.start(workflow)
    await house.database.definitions.delete(ANYONE, ref_of(workflow))
    with pytest.raises(NotFound):
        await process.start(workflow)
    assert len(house.database.executions) == 1


async def test_an_input_is_held_to_the_schema_of_the_revision_that_runs(house: House, process: Process) -> None:
    workflow = await house.define(sync("a"), input_schema={"required": ["old"]})
    await process.start(workflow, input={"old": 1})
    draft = WorkflowDraft("w", tasks=None, input_schema={"required": ["new"]})
    await house.database.definitions.change(ANYONE, ref_of(workflow), lambda current: edits.replaced(current, draft))
    with pytest.raises(Invalid, match='"new" is a required property'):
        await process.start(workflow, input={"old": 1})
    assert (await process.until(await process.start(workflow, input={"new": 1})))[-1] == "completed"
