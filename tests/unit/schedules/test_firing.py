"""What schedules start, and when, on a clock that the test moves: `*/10 * * * *`, from noon on."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from app.background.defects import Defects
from app.definitions import edits
from app.domain.errors import Invalid
from app.domain.payloads import Payload
from app.domain.states import ExecutionStatus
from app.schedules.firing import HOLD_SECONDS
from app.schedules.schedule import Overlap, ScheduleDraft, Timing
from tests.support.acts import ANYONE
from tests.support.histories import NOON
from tests.support.requests import ref_of
from tests.support.schedule_house import ScheduleHouse, schedule_house
from tests.support.tenant import CALLER


@pytest.fixture
async def house() -> AsyncIterator[ScheduleHouse]:
    async with schedule_house() as house:
        yield house


async def test_a_fire_starts_one_execution_and_moves_on(house: ScheduleHouse):
    created = await house.create(input=Payload('{"day":"monday"}'))
    assert (await house.fire(after_minutes=9)).last_fire_at is None
    fired = await house.fire(after_minutes=1)
    await house.fire()
    assert house.fired == ["12:10:00"]
    [execution] = house.executions
    assert execution.input.text == '{"day":"monday"}'
    assert (fired.last_fire_at, fired.last_execution_id) == (created.next_fire_at, execution.id)
    assert fired.next_fire_at == created.next_fire_at + timedelta(minutes=10)


async def test_engines_that_look_together_start_one(house: ScheduleHouse):
    await house.create()
    house.house.clock.advance(600)
    await asyncio.gather(*(house.scheduler().fire_due() for _ in range(5)))
    assert house.fired == ["12:10:00"]


async def test_skip_drops_fires_while_the_last_execution_goes_on(house: ScheduleHouse):
    await house.create()
    await house.fire(after_minutes=10)
    assert (await house.fire(after_minutes=10)).waiting_fire_at is None
    await house.end(0)
    await house.fire()
    assert house.fired == ["12:10:00"]
    await house.fire(after_minutes=10)
    assert house.fired == ["12:10:00", "12:30:00"]


async def test_queue_lets_one_fire_wait_and_no_more(house: ScheduleHouse):
    await house.create(overlap=Overlap.QUEUE)
    first = await house.fire(after_minutes=10)
    waiting = await house.fire(after_minutes=10)
    assert waiting.waiting_fire_at == first.next_fire_at
    assert (await house.fire(after_minutes=10)).waiting_fire_at == first.next_fire_at
    assert house.fired == ["12:10:00"]
    await house.end(0)
    after = await house.fire()
    assert house.fired == ["12:10:00", "12:20:00"]
    assert after.next_fire_at is not None
    assert (after.waiting_fire_at, after.next_fire_at.minute) == (None, 40)
    await house.end(1)
    await house.fire()
    assert house.fired == ["12:10:00", "12:20:00"]


async def test_cancel_previous_starts_when_the_cancelled_one_has_ended(house: ScheduleHouse):
    await house.create(overlap=Overlap.CANCEL_PREVIOUS)
    house.house.stage.cleaning = asyncio.Event()
    await house.fire(after_minutes=10)
    await house.house.stage.entered("a")
    await house.fire(after_minutes=10)
    await house.fire()
    assert house.fired == ["12:10:00"]
    house.house.stage.cleaning.set()
    await house.process.until(house.executions[0].id)
    await house.fire()
    assert house.fired == ["12:10:00", "12:20:00"]
    assert house.executions[0].status is ExecutionStatus.CANCELLED


async def test_of_many_missed_fires_the_latest_is_made_up(house: ScheduleHouse):
    await house.create(catch_up_seconds=300)
    fired = await house.fire(after_minutes=123)
    assert house.fired == ["14:00:00"]
    assert fired.next_fire_at is not None
    assert (fired.next_fire_at.hour, fired.next_fire_at.minute) == (14, 10)


async def test_what_was_missed_for_too_long_is_left_out(house: ScheduleHouse):
    await house.create(catch_up_seconds=120)
    missed = await house.fire(after_minutes=123)
    assert (house.fired, missed.last_fire_at) == ([], None)
    await house.fire(after_minutes=7)
    assert house.fired == ["14:10:00"]


async def test_an_instant_fires_once_and_is_over(house: ScheduleHouse):
    await house.create(at=NOON + timedelta(minutes=1))
    assert house.fired == []
    over = await house.fire(after_minutes=1)
    assert (len(house.executions), over.next_fire_at, over.last_fire_at) == (1, None, NOON + timedelta(minutes=1))
    await house.end(0)
    await house.fire(after_minutes=1000)
    assert len(house.executions) == 1


async def test_nothing_is_fired_while_paused_nor_made_up_after(house: ScheduleHouse):
    await house.create()
    await house.service.pause(CALLER, ref_of(1))
    await house.fire(after_minutes=25)
    resumed = await house.service.resume(CALLER, ref_of(1))
    assert resumed.next_fire_at is not None
    assert (house.fired, resumed.next_fire_at.minute) == ([], 30)
    await house.fire()
    assert house.fired == []
    await house.fire(after_minutes=5)
    assert house.fired == ["12:30:00"]


async def test_a_pause_drops_the_fire_that_waits(house: ScheduleHouse):
    await house.create(overlap=Overlap.QUEUE)
    await house.fire(after_minutes=10)
    await house.fire(after_minutes=10)
    assert (await house.service.pause(CALLER, ref_of(1))).waiting_fire_at is None
    await house.service.resume(CALLER, ref_of(1))
    await house.end(0)
    await house.fire()
    assert house.fired == ["12:10:00"]


async def test_an_instant_that_passes_during_a_pause_is_made_up_while_it_can_be(house: ScheduleHouse):
    await house.create(at=NOON + timedelta(minutes=1), catch_up_seconds=600)
    await house.service.pause(CALLER, ref_of(1))
    await house.fire(after_minutes=5)
    await house.service.resume(CALLER, ref_of(1))
    await house.fire()
    assert len(house.executions) == 1


async def test_a_start_that_failed_is_made_later_under_the_same_instant(house: ScheduleHouse):
    await house.create()
    await house.process.engine.stop(0)
    house.house.faults.fail("enqueue")
    await house.fire(after_minutes=10)
    assert house.fired == []
    await house.after_a_crash()
    assert house.fired == ["12:10:00"]


async def test_a_start_whose_answer_was_lost_is_found(house: ScheduleHouse):
    await house.create()
    await house.process.engine.stop(0)
    house.house.faults.lose_answer("enqueue")
    await house.fire(after_minutes=10)
    assert (await house.after_a_crash()).last_execution_id == house.executions[0].id
    assert house.fired == ["12:10:00"]


async def test_a_crash_after_the_start_finds_the_execution_again(house: ScheduleHouse):
    """The fire is written down, its execution started, and then the database is lost: nothing is written off."""
    await house.create()
    written_down = house.house.faults.hold_after("save_schedule")
    house.house.clock.advance(600)
    firing = asyncio.create_task(house.scheduler().fire_due())
    await written_down.reached()
    house.house.faults.fail("save_schedule")
    written_down.open()
    await firing
    lost = await house.service.get(CALLER, ref_of(1))
    assert (house.fired, lost.last_execution_id) == (["12:10:00"], None)
    assert lost.waiting_fire_at is not None
    found = await house.after_a_crash()
    assert house.fired == ["12:10:00"]
    assert (found.last_execution_id, found.waiting_fire_at) == (house.executions[0].id, None)


async def test_a_crash_before_the_start_loses_nothing_even_when_the_next_fire_is_due(house: ScheduleHouse):
    await house.create()
    written_down = house.house.faults.hold_after("save_schedule")
    house.house.clock.advance(600)
    firing = asyncio.create_task(house.scheduler().fire_due())
    await written_down.reached()
    firing.cancel()
    await asyncio.gather(firing, return_exceptions=True)
    assert house.fired == []
    await house.fire(after_minutes=15)
    assert house.fired == ["12:10:00"]


async def test_nobody_else_fires_what_is_being_fired(house: ScheduleHouse):
    await house.create()
    starting = house.house.faults.hold_after("save_schedule")
    house.house.clock.advance(600)
    firing = asyncio.create_task(house.scheduler().fire_due())
    await starting.reached()
    house.house.clock.advance(HOLD_SECONDS - 1)
    assert await house.scheduler().fire_due() == 0
    starting.open()
    assert await firing == 1
    assert house.fired == ["12:10:00"]


async def test_new_times_that_come_while_a_fire_is_started_stay(house: ScheduleHouse):
    created = await house.create()
    starting = house.house.faults.hold_after("save_schedule")
    house.house.clock.advance(600)
    firing = asyncio.create_task(house.scheduler().fire_due())
    await starting.reached()
    await house.service.pause(CALLER, ref_of(1))
    starting.open()
    await firing
    paused = await house.service.get(CALLER, ref_of(1))
    assert paused.paused
    assert (paused.last_fire_at, paused.waiting_fire_at) == (created.next_fire_at, None)


async def test_a_schedule_goes_with_its_workflow(house: ScheduleHouse):
    await house.create()
    await house.house.database.definitions.delete(ANYONE, ref_of(house.workflow))
    house.house.clock.advance(600)
    assert await house.scheduler().fire_due() == 0
    assert (await house.service.list_schedules(CALLER, None, 0, 10))[1] == 0


async def test_a_workflow_that_goes_while_it_is_started_is_no_failure(house: ScheduleHouse):
    await house.create()
    starting = house.house.faults.hold_after("save_schedule")
    house.house.clock.advance(600)
    firing = asyncio.create_task(house.scheduler().fire_due())
    await starting.reached()
    await house.house.database.definitions.delete(ANYONE, ref_of(house.workflow))
    starting.open()
    assert await firing == 1
    assert house.fired == []


async def test_what_can_never_start_is_dropped(house: ScheduleHouse):
    """The workflow has come to want an input that the schedule does not have."""
    await house.create()
    change = {"input_schema": {"required": ["day"]}}
    await house.house.database.definitions.change(ANYONE, ref_of(house.workflow), lambda now: edits.merged(now, change))
    dropped = await house.fire(after_minutes=10)
    assert (house.fired, dropped.waiting_fire_at, dropped.last_fire_at) == ([], None, None)
    assert dropped.next_fire_at is not None
    assert dropped.next_fire_at.minute == 20


@pytest.mark.parametrize(
    "refused",
    [
        Timing("*/10 * * * *", "localtime"),
        Timing("*/10 * * * *", "right/Europe/Berlin"),
        Timing("*/10 * * * *", "Europe/Atlantis"),
        Timing("0 0 L/2 * *"),
        Timing("0 0 30 2 *"),
    ],
)
async def test_a_stored_schedule_that_is_refused_today_is_left_alone_and_others_fire(
    house: ScheduleHouse, refused: Timing
):
    """It was accepted by an older release, or by a process with other time zones."""
    good = await house.create()
    bad = await house.store.insert(ANYONE, replace(good, timing=refused))
    await house.fire(after_minutes=10)
    assert house.fired == ["12:10:00"]
    assert await house.scheduler().fire_due() == 0
    stored = await house.service.get(CALLER, ref_of(bad))
    assert (stored.next_fire_at, stored.last_fire_at, stored.paused) == (bad.next_fire_at, None, False)
    assert stored.timing.problem == str(Invalid(refused.problems()))


async def test_a_refused_schedule_is_looked_at_again_and_fires_when_it_is_mended(house: ScheduleHouse):
    good = await house.create()
    bad = await house.store.insert(ANYONE, replace(good, timing=Timing("*/10 * * * *", "localtime")))
    await house.service.delete(CALLER, ref_of(good))
    house.house.clock.advance(600)
    looks = [await house.scheduler().fire_due()]
    for minutes in (59, 2):
        house.house.clock.advance(minutes * 60)
        looks.append(await house.scheduler().fire_due())
    assert looks == [1, 0, 1]
    mended = ScheduleDraft(ref_of(house.workflow), Timing("*/10 * * * *"))
    assert (await house.service.replace(CALLER, ref_of(bad), mended)).timing.problem is None
    house.house.clock.advance(600)
    await house.scheduler().fire_due()
    assert house.fired == ["13:20:00"]


async def test_a_refused_schedule_can_be_paused_and_not_resumed(house: ScheduleHouse):
    good = await house.create()
    bad = ref_of(await house.store.insert(ANYONE, replace(good, timing=Timing("*/10 * * * *", "localtime"))))
    assert (await house.service.pause(CALLER, bad)).paused
    for refused in (house.service.resume(CALLER, bad), house.service.preview(CALLER, bad, 5)):
        with pytest.raises(Invalid, match="time_zone: 'localtime' is no time zone"):
            await refused


async def test_a_fire_that_was_decided_on_is_carried_out_though_its_times_are_refused_today(house: ScheduleHouse):
    good = await house.create()
    waiting = replace(good, timing=Timing("*/10 * * * *", "localtime"), waiting_fire_at=good.next_fire_at)
    await house.store.insert(ANYONE, waiting)
    await house.service.delete(CALLER, ref_of(good))
    house.house.clock.advance(600)
    await house.scheduler().fire_due()
    carried_out = await house.service.get(CALLER, ref_of(2))
    assert house.fired == ["12:10:00"]
    assert (carried_out.waiting_fire_at, carried_out.last_fire_at) == (None, good.next_fire_at)


async def test_an_input_that_was_accepted_is_not_judged_by_its_size_again(house: ScheduleHouse):
    text = '{"a":"' + "x" * 200_000 + '"}'
    await house.create(input=Payload(text))
    await house.fire(after_minutes=10)
    assert [execution.input.text for execution in house.executions] == [text]


async def test_a_store_that_does_not_answer_does_not_end_the_loop(house: ScheduleHouse):
    await house.create()
    defects = Defects()
    scheduler = house.scheduler(poll_seconds=0.001)
    house.house.faults.fail("claim_schedules")
    house.house.clock.advance(600)
    scheduler.start(defects.report)
    while not house.fired:
        await asyncio.sleep(0.001)
    await scheduler.stop()
    await scheduler.stop()
    assert house.fired == ["12:10:00"]
    defects.raise_first()


async def test_a_defect_ends_the_loop_and_is_reported(house: ScheduleHouse):
    await house.create()
    reported: asyncio.Queue[Exception] = asyncio.Queue()
    scheduler = house.scheduler()
    house.house.faults.fail("claim_schedules", RuntimeError("a defect"))
    house.house.clock.advance(600)
    scheduler.start(reported.put_nowait)
    assert str(await reported.get()) == "a defect"
    await scheduler.stop()
    assert house.fired == []


async def test_a_schedule_that_cannot_be_fired_holds_up_no_other(house: ScheduleHouse):
    """Also where the reason is a defect: it is logged, and tried again when the hold has ended."""
    await house.create()
    await house.create()
    house.house.faults.fail("save_schedule", RuntimeError("a defect"))
    house.house.clock.advance(600)
    with capture_logs() as logs:
        assert await house.scheduler().fire_due() == 2
    assert house.fired == ["12:10:00"]
    assert [log["event"] for log in logs if log["log_level"] == "error"] == ["schedule_failed"]
    await house.after_a_crash()
    assert house.fired == ["12:10:00", "12:10:00"]


async def test_stopping_lets_what_is_being_fired_be_fired(house: ScheduleHouse):
    await house.create()
    scheduler = house.scheduler()
    starting = house.house.faults.hold_after("save_schedule")
    house.house.clock.advance(600)
    scheduler.start(Defects().report)
    await starting.reached()
    stopping = asyncio.create_task(scheduler.stop())
    await asyncio.sleep(0)
    assert not stopping.done()
    starting.open()
    await stopping
    assert house.fired == ["12:10:00"]
