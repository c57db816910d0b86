"""Clocks that are wrong for a while: what waits continues soon after they are right again."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from app.tasks.delay import DelayHandler
from tests.support.memory_house import House, Process, SettableClock, short
from tests.support.stories import sync
from tests.support.tenant import CALLER

HOUR = 3600.0


class TwoClocks(House):
    """The database has a clock of its own."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.database_clock = SettableClock()
        self.database.now = self.database_clock.now

    def advance(self, of_engine: float, of_database: float) -> None:
        self.clock.advance(of_engine)
        self.database_clock.advance(of_database)


@pytest.fixture
def house() -> TwoClocks:
    return TwoClocks(handlers={"delay": DelayHandler()}, park_after_seconds=5)


@pytest.fixture
async def process(house: TwoClocks) -> AsyncIterator[Process]:
    """Its lease does not end: what happens to leases is not the subject here."""
    async with house.process(lease_seconds=1e6) as process:
        yield process


async def claims(house: TwoClocks, count: int) -> None:
    """Until engines have asked for work so many times more."""
    for _ in range(count):
        gate = house.faults.hold_before("claim")
        await gate.reached()
        gate.open()


@pytest.mark.parametrize(
    ("of_engine", "of_database"), [(0, 0), (-HOUR, 0), (0, HOUR), (-HOUR, HOUR), (0, -HOUR), (-HOUR, -HOUR)]
)
async def test_a_wait_that_is_parked_while_a_clock_is_wrong_ends_in_time(
    house: TwoClocks, process: Process, of_engine: float, of_database: float
) -> None:
    stored = house.faults.hold_before("record")
    workflow = await house.define(sync("a", type="delay", config={"seconds": 8}))
    starting = asyncio.ensure_future(process.start(workflow))
    await stored.reached()
    house.advance(of_engine, of_database)
    stored.open()
    execution_id = await starting
    while house.owner(execution_id) is not None:
        await asyncio.sleep(0)
    house.advance(-of_engine, -of_database)
    await claims(house, 3)
    assert "a completed" not in await so_far(process, execution_id)

    house.advance(8.1, 8.1)

    assert (await process.until(execution_id))[-2:] == ["a completed", "completed"]


async def test_what_is_claimed_too_early_is_kept_and_looked_at_again(
    house: TwoClocks, process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parked at once, it would be claimed at once again, as long as the database's clock is ahead."""
    execution_id = await process.start(await house.define(sync("a", type="delay", config={"seconds": 8})))
    await process.idle()
    house.database_clock.advance(HOUR)
    while house.owner(execution_id) is None:
        await asyncio.sleep(0)
    await claims(house, 5)
    assert process.engine.running == 1
    await process.controls.pause(CALLER, execution_id, "a command lets it be parked")
    await process.until(execution_id, "paused")
    house.database_clock.advance(-HOUR)
    await process.controls.resume(CALLER, execution_id, "")
    monkeypatch.setattr("app.engine.running.due_times.LOOK_AGAIN_SECONDS", 0.01)
    house.advance(8.1, 8.1)
    assert (await process.until(execution_id))[-2:] == ["a completed", "completed"]


async def test_what_is_kept_is_parked_again_when_the_next_look_finds_it_too_early_still(
    house: TwoClocks, process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.engine.running.due_times.LOOK_AGAIN_SECONDS", 0.01)
    execution_id = await process.start(await house.define(sync("a", type="delay", config={"seconds": 2 * HOUR})))
    await process.idle()
    house.database.executions[execution_id].due_at = house.clock.now()
    while house.owner(execution_id) is None:
        await asyncio.sleep(0)
    await process.idle()
    assert house.database.executions[execution_id].due_at == house.clock.instant + timedelta(hours=2)


async def so_far(process: Process, execution_id: str) -> list[str]:
    page = await process.executions.updates(CALLER, execution_id, 0, 100)
    return [short(update.event, update.task_name) for update in page.updates]
