"""What becomes of executions when engines are lost, leases end, and the database answers late or not at all."""

import asyncio
from uuid import UUID

import orjson
import pytest
from structlog.testing import capture_logs

from app.domain.definitions import RetryPolicy
from app.domain.shares import Group
from app.domain.states import ExecutionStatus
from app.engine.ports import ControlCommand, StoreUnreachable
from app.engine.running.claiming import ORPHAN_PAUSE_SECONDS
from tests.support.histories import CREATED, at, note, opening
from tests.support.memory.signals import MemorySignals
from tests.support.memory_house import House, Process
from tests.support.stories import sync
from tests.support.tenant import CALLER, TENANT_ID
from tests.support.virtual_time import in_virtual_time

LATER = RetryPolicy(max_attempts=3, initial_interval_seconds=3600, max_interval_seconds=3600)
LEASE = 10.0


@pytest.fixture
def house() -> House:
    return House()


def staged(name: str, sequence: int = 0, **options):
    return sync(name, sequence, type="staged", **options)


async def enqueue(house: House, *tasks) -> UUID:
    """An execution that waits for any engine."""
    workflow = await house.define(*tasks)
    execution_id = UUID(int=at(0).microsecond + len(house.database.executions))
    assert await house.store.enqueue(TENANT_ID, execution_id, opening(workflow, created_at=at(0)), (CREATED,))
    return execution_id


async def passed(house: House, call: str) -> None:
    """Until one more such call of some engine has been answered."""
    gate = house.faults.hold_after(call)
    await gate.reached()
    gate.open()
    await asyncio.sleep(0)


async def left_for_later(house: House, execution_id: UUID) -> None:
    """Until the execution has been given back for a while; then let that while pass."""
    row = house.database.executions[execution_id]
    while row.owner_id is not None or row.due_at <= house.clock.now():
        await asyncio.sleep(0)
    assert row.owner_id is None
    house.clock.advance(ORPHAN_PAUSE_SECONDS)


# Another engine takes over


async def test_what_waits_for_any_engine_is_begun(house: House) -> None:
    execution_id = await enqueue(house, sync("a"))
    async with house.process() as process:
        seen = await process.until(execution_id)
    assert seen == ["created", "started", "a started", "a completed", "completed"]


async def test_recorded_tasks_are_not_run_again(house: House) -> None:
    workflow = await house.define(staged("a"), staged("b"), staged("c"))
    first = house.build()
    await first.engine.start(first.defects.report)
    execution_id = await first.start(workflow)
    (await house.stage.entered("a")).succeed({"n": 1})
    lost = await house.stage.entered("b")
    await first.kill()
    await asyncio.sleep(0)
    assert lost.cancelled
    assert house.owner(execution_id) == 1

    house.clock.advance(LEASE + 1)
    async with house.process() as second:
        (again := await house.stage.entered("b", 2)).succeed()
        (await house.stage.entered("c")).succeed()
        seen = await second.until(execution_id)
    assert house.stage.names == ["a/1", "b/1", "b/2", "c/1"]
    assert dict(again.attempt.upstream) == {"a": {"n": 1}}
    assert again.attempt.first_started_at == lost.attempt.first_started_at
    assert seen[4:] == [
        "b started",
        "b retrying",
        "b started/2",
        "b completed/2",
        "c started",
        "c completed",
        "completed",
    ]
    assert orjson.loads(house.history(execution_id)[5].data or "")["code"] == "engine_lost"


async def test_an_engine_that_comes_back_late_writes_nothing(house: House) -> None:
    """Its lease ended on the database's clock while it was at work and did not notice."""
    renewing = house.faults.hold_before("renew")
    async with house.process() as slow:
        await renewing.reached()
        execution_id = await slow.start(await house.define(staged("a")))
        a = await house.stage.entered("a")
        house.clock.advance(LEASE + 1)
        async with house.process() as second:
            again = await house.stage.entered("a", 2)
            a.succeed("late")
            await slow.idle()
            again.succeed("in time")
            await second.until(execution_id)
    assert [event.data for event in house.history(execution_id)][-2] == '"in time"'
    assert (await second.executions.get(CALLER, execution_id)).output == '{"a":"in time"}'


async def test_two_engines_share_what_there_is(house: House) -> None:
    ids = [await enqueue(house, staged(f"t{number}")) for number in range(10)]
    async with house.process(max_executions=5) as first, house.process(max_executions=5) as second:
        performances = [await house.stage.entered(f"t{number}") for number in range(10)]
        assert (first.engine.running, second.engine.running) == (5, 5)
        for performance in performances:
            performance.succeed()
        for execution_id in ids:
            assert (await first.until(execution_id))[-1] == "completed"


async def test_an_engine_takes_no_more_than_it_has_room_for(house: House) -> None:
    ids = [await enqueue(house, staged(f"t{number}")) for number in range(3)]
    async with house.process(max_executions=2) as process:
        first, second = await house.stage.entered("t0"), await house.stage.entered("t1")
        await passed(house, "commands")
        assert (process.engine.running, process.engine.has_room(Group(1, 1))) == (2, False)
        assert house.owner(ids[2]) is None
        first.succeed()
        (await house.stage.entered("t2")).succeed()
        second.succeed()
        for execution_id in ids:
            await process.until(execution_id)


async def test_a_claim_that_is_on_its_way_leaves_room_for_starts(house: House) -> None:
    async with house.process(max_executions=2) as process:
        gate = house.faults.hold_before("claim")
        await gate.reached()
        first, second = await house.define(staged("a")), await house.define(staged("b"))
        started = [await process.start(workflow) for workflow in (first, second)]
        assert [house.owner(one) is not None for one in started] == [True, False]
        gate.open()
        for name in ("a", "b"):
            (await house.stage.entered(name)).succeed()
        for execution_id in started:
            await process.until(execution_id)


async def test_what_is_being_claimed_takes_room_already(house: House) -> None:
    async with house.process(max_executions=1) as process:
        gate = house.faults.hold_before("claim")
        await gate.reached()
        waiting = await enqueue(house, staged("a"))
        started = await process.start(await house.define(staged("b")))
        assert house.owner(started) is None
        gate.open()
        (await house.stage.entered("a")).succeed()
        (await house.stage.entered("b")).succeed()
        for execution_id in (waiting, started):
            assert (await process.until(execution_id))[-1] == "completed"


async def test_retries_of_a_lost_engine_keep_their_time(house: House) -> None:
    first = house.build()
    await first.engine.start(first.defects.report)
    execution_id = await first.start(await house.define(staged("a", retry=LATER)))
    (await house.stage.entered("a")).fail()
    await first.until(execution_id, "a retrying")
    await first.kill()
    house.clock.advance(LEASE + 1)
    async with house.process() as second:
        while house.owner(execution_id) != 2:
            await passed(house, "claim")
        await second.controls.cancel(CALLER, execution_id, "enough")
        seen = await second.until(execution_id)
    assert seen[2:] == ["a started", "a retrying", "cancel_requested", "a cancelled", "cancelled"]


async def test_a_retry_that_came_due_without_an_engine_is_made_at_once(house: House) -> None:
    first = house.build()
    await first.engine.start(first.defects.report)
    execution_id = await first.start(await house.define(staged("a", retry=LATER)))
    (await house.stage.entered("a")).fail()
    await first.until(execution_id, "a retrying")
    await first.kill()
    house.clock.advance(7200)
    async with house.process() as second:
        (await house.stage.entered("a", 2)).succeed()
        assert (await second.until(execution_id))[-1] == "completed"


async def test_a_command_for_a_lost_engine_is_applied_by_the_next(house: House) -> None:
    first = house.build()
    await first.engine.start(first.defects.report)
    execution_id = await first.start(await house.define(staged("a"), staged("b")))
    await house.stage.entered("a")
    await first.kill()
    await first.controls.cancel(CALLER, execution_id, "enough")
    house.clock.advance(LEASE + 1)
    async with house.process() as second:
        seen = await second.until(execution_id)
    assert seen[2:] == ["a started", "cancel_requested", "a cancelled", "cancelled"]
    assert house.database.commands == {}


# The lease


async def lose_lease(house: House, process: Process) -> None:
    """Another engine removes it; this one learns of it with its next renewal."""
    gate = house.faults.hold_before("renew")
    await gate.reached()
    house.clock.advance(LEASE + 1)
    assert await house.ownership.reap() >= 0
    gate.open()
    await asyncio.sleep(0)


async def test_an_engine_that_lost_its_lease_goes_on_under_a_new_one(house: House) -> None:
    async with house.process() as process:
        execution_id = await process.start(await house.define(staged("a")))
        a = await house.stage.entered("a")
        await lose_lease(house, process)
        (await house.stage.entered("a", 2)).succeed()
        await process.until(execution_id)
        assert a.cancelled
        assert process.engine.running == 0


async def test_a_run_that_was_dropped_does_not_take_its_successor_with_it(house: House) -> None:
    """Its last step is answered only after the same engine has claimed the execution again."""
    async with house.process() as process:
        execution_id = await process.start(await house.define(staged("a"), staged("b")))
        a = await house.stage.entered("a")
        gate = house.faults.hold_after("record")
        a.succeed()
        await gate.reached()
        await lose_lease(house, process)
        while not process.engine.running:
            await asyncio.sleep(0)
        gate.open()
        again = await house.stage.entered("b", 2)
        assert process.engine.running == 1
        again.succeed()
        assert (await process.until(execution_id))[-1] == "completed"


@in_virtual_time
async def test_callers_get_an_answer_when_the_lease_is_lost_during_an_outage(house: House) -> None:
    async with house.process(lease_seconds=1, renew_seconds=0.125) as process:
        gate = house.faults.hold_before("record")
        starting = asyncio.create_task(process.start(await house.define(staged("a"))))
        await gate.reached()
        house.faults.outage = True
        gate.open()
        with pytest.raises(StoreUnreachable):
            await starting
        assert process.engine.running == 0
        house.faults.outage = False


async def test_a_start_that_was_stored_without_an_answer_is_found(house: House) -> None:
    """The lease is lost between the write and its acknowledgement."""
    async with house.process() as process:
        workflow = await house.define(staged("a"))
        gate = house.faults.hold_after("record")
        starting = asyncio.create_task(process.start(workflow, idempotency_key="key"))
        await gate.reached()
        process.engine._held.drop_all()
        gate.open()
        execution_id = await starting
        assert list(house.database.executions) == [execution_id]
        await left_for_later(house, execution_id)
        (await house.stage.entered("a", 2)).succeed()
        assert (await process.until(execution_id))[-1] == "completed"


# Executions that are this engine's in the database only


async def test_a_claim_without_an_answer_is_given_back_and_claimed_again(house: House) -> None:
    execution_id = await enqueue(house, sync("a"))
    house.faults.lose_answer("claim")
    async with house.process() as process:
        await left_for_later(house, execution_id)
        assert (await process.until(execution_id))[-1] == "completed"


async def test_claims_whose_commands_cannot_be_read_are_not_forgotten(house: House) -> None:
    execution_id = await enqueue(house, sync("a"))
    house.faults.fail("commands")
    async with house.process() as process:
        await left_for_later(house, execution_id)
        assert (await process.until(execution_id))[-1] == "completed"


async def test_claims_whose_plan_cannot_be_read_are_not_forgotten(house: House) -> None:
    ids = [await enqueue(house, sync("a")), await enqueue(house, sync("b"))]
    house.faults.fail("revision")
    async with house.process() as process:
        await left_for_later(house, ids[0])
        for execution_id in ids:
            assert (await process.until(execution_id))[-1] == "completed"


@pytest.mark.parametrize("damage", ["no revision", "odd history", "odd revision"])
async def test_what_cannot_be_continued_is_left_for_later_and_disturbs_nobody(
    house: House, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, sound = await enqueue(house, sync("a")), await enqueue(house, sync("b"))
    workflow_id = house.database.executions[broken].execution.workflow_id
    if damage == "odd history":
        house.database.histories[broken].append(note(9))
    else:
        documents = house.database.definitions._snapshots
        kept, documents[workflow_id] = documents[workflow_id], [] if damage == "no revision" else [b"{}"]
    async with house.process() as process:
        assert (await process.until(sound))[-1] == "completed"
        row = house.database.executions[broken]
        while row.owner_id is not None or row.due_at <= house.clock.now():
            await asyncio.sleep(0)
        process.defects.raise_first()
        if damage == "odd history":
            house.database.histories[broken].pop()
        else:
            documents[workflow_id] = kept
        await left_for_later(house, broken)
        assert (await process.until(broken))[-1] == "completed"


async def test_an_execution_whose_step_is_refused_is_continued_from_what_is_stored(house: House) -> None:
    async with house.process() as process:
        execution_id = await process.start(await house.define(staged("a"), staged("b")))
        a = await house.stage.entered("a")
        house.faults.fail("record", ValueError("refused"))
        a.succeed()
        await left_for_later(house, execution_id)
        assert process.engine.running == 0
        (await house.stage.entered("a", 2)).succeed()
        (await house.stage.entered("b")).succeed()
        assert (await process.until(execution_id))[-1] == "completed"


async def test_an_execution_that_meets_a_defect_is_continued_from_what_is_stored(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house.process() as process:
        execution_id = await process.start(await house.define(staged("a")))
        a = await house.stage.entered("a")
        with monkeypatch.context() as patched:
            patched.setattr("app.engine.running.run.draft_of_outcome", lambda *_: 1 / 0)
            a.succeed()
            await left_for_later(house, execution_id)
        process.defects.raise_first()
        (await house.stage.entered("a", 2)).succeed()
        assert (await process.until(execution_id))[-1] == "completed"


@pytest.mark.parametrize("at", ["drafts_of_resuming", "drafts_of_control", "row_change"])
async def test_a_claim_that_meets_a_defect_is_dropped_whole(
    house: House, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    """Also when a part of it is on its way into the history already."""
    execution_id = await enqueue(house, staged("a"))
    await house.store.send_command(TENANT_ID, ControlCommand(0, execution_id, "signal", name="s", payload="1"))
    async with house.process() as process:
        with monkeypatch.context() as patched:
            patched.setattr(f"app.engine.running.run.{at}", lambda *_: 1 / 0)
            await left_for_later(house, execution_id)
        assert process.engine.running == 0
        assert len(house.history(execution_id)) == 1
        (await house.stage.entered("a")).succeed()
        assert (await process.until(execution_id))[-1] == "completed"


async def test_what_is_being_opened_is_never_given_back(house: House) -> None:
    """Orphans are looked for while an opening is on its way into the database."""
    async with house.process() as process:
        workflow = await house.define(staged("a"))
        owned = house.faults.hold_after("owned")
        process.engine._claiming.expect_orphans()
        await owned.reached()
        execution_id = await process.start(workflow)
        process.engine._claiming.expect_orphans()
        owned.open()
        await passed(house, "owned")
        (await house.stage.entered("a")).succeed()
        assert (await process.until(execution_id))[-1] == "completed"
        assert house.stage.names == ["a/1"]


async def test_what_ends_while_orphans_are_looked_for_is_not_given_back(house: House) -> None:
    async with house.process() as process:
        execution_id = await process.start(await house.define(staged("a")))
        a = await house.stage.entered("a")
        owned = house.faults.hold_after("owned")
        process.engine._claiming.expect_orphans()
        await owned.reached()
        a.succeed()
        assert (await process.until(execution_id))[-1] == "completed"
        await process.idle()
        with capture_logs() as logs:
            owned.open()
            await passed(house, "claim")
    assert "orphans_given_back" not in [line["event"] for line in logs]


async def test_what_is_lost_while_orphans_are_looked_for_is_given_back_soon(house: House) -> None:
    async with house.process() as process:
        execution_id = await process.start(await house.define(staged("a")))
        await house.stage.entered("a")
        owned = house.faults.hold_after("owned")
        process.engine._claiming.expect_orphans()
        await owned.reached()
        process.engine._held.drop_all()
        owned.open()
        await left_for_later(house, execution_id)
        (await house.stage.entered("a", 2)).succeed()
        assert (await process.until(execution_id))[-1] == "completed"


# Wake-ups and watchers


async def test_lost_hints_cost_only_time(house: House) -> None:
    house.signals = MemorySignals()
    async with house.process() as first:
        house.signals = MemorySignals()
        async with house.process(max_executions=0) as second:
            execution_id = await second.start(await house.define(staged("a"), staged("b")))
            following = asyncio.create_task(second.until(execution_id))
            (await house.stage.entered("a")).succeed()
            await house.stage.entered("b")
            await second.controls.cancel(CALLER, execution_id, "enough")
            assert (await following)[-1] == "cancelled"
            assert await first.until(execution_id) == await following


async def test_wake_ups_that_cannot_be_sent_disturb_nothing(house: House) -> None:
    async with house.process() as process:
        for _ in range(5):
            house.faults.fail("announce")
        execution_id = await process.start(await house.define(sync("a")))
        assert (await process.until(execution_id))[-1] == "completed"
        process.defects.raise_first()


async def test_a_watcher_stays_through_a_change_of_engines(house: House) -> None:
    """The execution leaves this process, and comes back; the watcher misses nothing."""
    async with house.process() as here:
        execution_id = await here.start(await house.define(staged("a"), staged("b"), staged("c")))
        following = asyncio.create_task(here.until(execution_id))
        (await house.stage.entered("a")).succeed()
        await house.stage.entered("b")
        there = house.build()
        gate = house.faults.hold_before("claim")
        await gate.reached()
        await lose_lease(house, here)
        await there.engine.start(there.defects.report)
        (await house.stage.entered("b", 2)).succeed()
        await house.stage.entered("c")
        assert (here.engine.running, there.engine.running) == (0, 1)
        await there.kill()
        gate.open()
        house.clock.advance(LEASE + 1)
        (await house.stage.entered("c", 2)).succeed()
        seen = await following
        assert here.hub.watchers == 0
    assert seen[-1] == "completed"
    assert [event.sequence for event in house.history(execution_id)] == list(range(1, len(seen) + 1))


async def test_a_database_away_for_a_while_loses_nothing(house: House) -> None:
    async with house.process() as process:
        execution_id = await process.start(await house.define(staged("a"), staged("b")))
        a = await house.stage.entered("a")
        gate = house.faults.hold_before("record")
        a.succeed("kept")
        await gate.reached()
        house.faults.outage = True
        gate.open()
        await asyncio.sleep(0)
        house.faults.outage = False
        (await house.stage.entered("b")).succeed()
        assert (await process.until(execution_id))[-1] == "completed"
        execution = await process.executions.get(CALLER, execution_id)
        assert execution.status is ExecutionStatus.COMPLETED
        assert house.stage.names == ["a/1", "b/1"]


async def test_a_loop_that_dies_of_a_defect_is_noticed(house: House) -> None:
    async with house.process(has_defect=True) as process:
        house.faults.fail("commands", ValueError("a defect"))
        await process.start(await house.define(staged("a")))
        assert str(await process.first_defect()) == "a defect"


async def test_a_writer_that_dies_of_a_defect_is_noticed(house: House) -> None:
    async with house.process(has_defect=True) as process:
        house.faults.fail("record", ValueError("refused"))
        house.faults.fail("stored", ValueError("a defect"))
        starting = asyncio.create_task(process.start(await house.define(staged("a"))))
        assert str(await process.first_defect()) == "a defect"
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
