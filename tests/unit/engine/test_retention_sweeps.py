"""Sweeps over a database in memory, whose clock the test moves."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from app.background.backoff import Backoff
from app.domain.errors import NotFound
from app.engine.identifiers import first_id_at, new_execution_id
from app.engine.ports import Removal
from app.engine.running.retention import Retention
from tests.support.memory.retention import MemoryRetention
from tests.support.memory_house import House, Process
from tests.support.stories import sync
from tests.support.tenant import CALLER

DAY = 86_400.0


@pytest.fixture
async def house() -> House:
    house = House()
    house.clock.instant = datetime.now(UTC)  # ids are made from the machine's clock
    return house


async def ended(house: House, process: Process, count: int) -> list[UUID]:
    workflow = await house.define(sync("a"))
    ids = [await process.start(workflow) for _ in range(count)]
    for execution_id in ids:
        await process.until(execution_id)
    return ids


async def test_what_has_ended_for_long_enough_goes(house: House):
    async with house.process() as process:
        ids = await ended(house, process, 3)
        retention = Retention(MemoryRetention(house.database, 90))
        house.clock.advance(89 * DAY)
        assert await retention.sweep() == 0
        house.clock.advance(2 * DAY)
        assert await retention.sweep() == 3
        with pytest.raises(NotFound):
            await process.executions.get(CALLER, ids[0])
    assert house.database.histories == {}


async def test_a_watcher_whose_history_goes_is_told(house: House):
    async with house.process() as process:
        [execution_id] = await ended(house, process, 1)
        batches = await process.executions.watch(CALLER, execution_id, 100)
        house.clock.advance(2 * DAY)
        await Retention(MemoryRetention(house.database, 1)).sweep()
        with pytest.raises(NotFound):
            await anext(batches)


async def test_what_has_not_ended_stays(house: House):
    async with house.process() as process:
        workflow = await house.define(sync("a", type="staged"))
        execution_id = await process.start(workflow)
        await house.stage.entered("a")
        house.clock.advance(1_000 * DAY)
        assert await Retention(MemoryRetention(house.database, 1)).sweep() == 0
        assert (await process.executions.get(CALLER, execution_id)).id == execution_id


async def test_zero_is_for_ever(house: House):
    async with house.process() as process:
        await ended(house, process, 1)
        house.clock.advance(10_000 * DAY)
        assert await Retention(MemoryRetention(house.database, 0)).sweep() == 0
        assert await Retention(MemoryRetention(house.database, 1, {1: 0})).sweep() == 0
        assert await Retention(MemoryRetention(house.database, 0, {1: 1})).sweep() == 1


async def test_kept_ones_in_between_do_not_stop_a_sweep(house: House):
    async with house.process() as process:
        for _ in range(4):
            await ended(house, process, 2)  # workflows 1, 2, 3 and 4
        house.clock.advance(10 * DAY)
        retention = Retention(MemoryRetention(house.database, 5, {2: 0, 3: 100}), at_once=1)
        assert await retention.sweep() == 4
    assert sorted(row.execution.workflow_id for row in house.database.executions.values()) == [2, 2, 3, 3]


class Slow(MemoryRetention):
    """Never finishes a batch of more than two in time."""

    def __init__(self, house: House) -> None:
        super().__init__(house.database, 1)
        self.asked: list[int] = []
        self.house = house

    async def remove(self, after, before, limit) -> Removal | None:
        self.asked.append(limit)
        if limit > 2:
            self.house.faults.fail("remove")
        return await super().remove(after, before, limit)


async def test_batches_that_the_database_cannot_finish_get_smaller(house: House):
    async with house.process() as process:
        await ended(house, process, 5)
        house.clock.advance(2 * DAY)
        slow = Slow(house)
        retention = Retention(slow, at_once=100, backoff=Backoff(0.0, 0.0))
        retention.start(process.defects.report)
        while house.database.executions:
            await asyncio.sleep(0.001)
        await retention.stop()
        await retention.stop()
    assert slow.asked[:4] == [100, 25, 6, 1]


async def test_a_defect_ends_the_loop_and_is_reported(house: House):
    reported: asyncio.Queue[Exception] = asyncio.Queue()
    async with house.process() as process:
        await ended(house, process, 1)
        house.clock.advance(2 * DAY)
        house.faults.fail("remove", RuntimeError("a defect"))
        retention = Retention(MemoryRetention(house.database, 1), sweep_seconds=0)
        retention.start(reported.put_nowait)
        assert str(await reported.get()) == "a defect"
        await retention.stop()
    assert house.database.executions != {}


def test_the_first_id_of_an_instant_lies_between_the_ids_before_and_after():
    before = new_execution_id()
    now = datetime.now(UTC)
    assert first_id_at(now - timedelta(seconds=1)) < before
    assert before < first_id_at(now + timedelta(seconds=1))
    assert first_id_at(datetime(1, 1, 1, tzinfo=UTC)).int == 0
