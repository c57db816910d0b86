"""The lease: renewed in time, or given up before anybody else may take it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from app.background.defects import Defects
from app.domain.engines import EngineLoad, EngineProfile
from app.engine.ports import StoreUnreachable
from app.engine.running.lease import Lease
from tests.support.memory.faults import Faults
from tests.support.memory.ownership import MemoryOwnership
from tests.support.memory_house import House
from tests.support.virtual_time import in_virtual_time

LEASE = 10.0
RENEW = 0.001


@dataclass
class Keeping:
    """A lease that is being kept, and what it told its engine."""

    house: House
    told: list[str] = field(default_factory=list)
    time: float = 1_000.0
    jump: float = 0.0

    def __post_init__(self) -> None:
        self.ownership = MemoryOwnership(self.house.database)
        self.lease = Lease(
            self.ownership,
            EngineProfile("engine"),
            LEASE,
            RENEW,
            lambda engine_id: self.told.append(f"acquired {engine_id}"),
            lambda: self.told.append("lost"),
            self.monotonic,
        )

    @property
    def faults(self) -> Faults:
        return self.house.faults

    def monotonic(self) -> float:
        return self.time

    async def renewed(self, times: int = 2) -> None:
        """Until so many further renewals have been answered."""
        for _ in range(times):
            gate = self.faults.hold_after("renew")
            await gate.reached()
            gate.open()


@pytest.fixture
async def keeping() -> AsyncIterator[Keeping]:
    keeping = Keeping(House())
    await keeping.lease.acquire()
    defects = Defects()
    keeping.lease.start(defects.report)
    yield keeping
    await keeping.lease.stop()
    defects.raise_first()


async def until(told: list[str], count: int) -> None:
    while len(told) < count:
        await asyncio.sleep(0)


async def test_an_acquired_lease_is_renewed(keeping: Keeping) -> None:
    assert keeping.told == ["acquired 1"]
    for _ in range(5):
        keeping.time += LEASE / 2
        keeping.house.clock.advance(LEASE / 2)
        await keeping.renewed()
    assert keeping.told == ["acquired 1"]
    assert keeping.lease.engine_id == 1


async def test_a_database_that_is_away_for_a_while_costs_nothing(keeping: Keeping) -> None:
    keeping.faults.outage = True
    keeping.time += LEASE - 1
    gate = keeping.faults.hold_before("renew")
    await gate.reached()
    keeping.faults.outage = False
    gate.open()
    await keeping.renewed()
    assert keeping.told == ["acquired 1"]


async def test_work_is_dropped_before_a_lease_that_cannot_be_renewed_ends(keeping: Keeping) -> None:
    gate = keeping.faults.hold_before("renew")
    await gate.reached()
    keeping.faults.outage = True
    keeping.time += LEASE - RENEW
    gate.open()
    await until(keeping.told, 2)
    assert keeping.told == ["acquired 1", "lost"]
    assert keeping.lease.engine_id is None
    assert 1 in keeping.house.database.leases, "on the database's clock it has not ended yet"
    keeping.faults.outage = False
    await until(keeping.told, 3)
    assert keeping.told == ["acquired 1", "lost", "acquired 2"]


@in_virtual_time
async def test_a_renewal_without_an_answer_is_not_waited_for_beyond_the_lease() -> None:
    loop, house = asyncio.get_running_loop(), House()
    lost_at: asyncio.Future[float] = loop.create_future()
    lease = Lease(
        MemoryOwnership(house.database),
        EngineProfile("engine"),
        lease_seconds=10,
        renew_seconds=2,
        on_acquired=lambda _: None,
        on_lost=lambda: lost_at.set_result(loop.time()),
        monotonic=loop.time,
    )
    await lease.acquire()
    house.faults.hold_before("renew")
    defects = Defects()
    lease.start(defects.report)
    assert await lost_at == 8.0, "as long as one more renewal would take before the end"
    await lease.stop()
    defects.raise_first()


async def test_a_lease_that_another_engine_removed_is_replaced(keeping: Keeping) -> None:
    other = MemoryOwnership(keeping.house.database)
    gate = keeping.faults.hold_before("renew")
    await gate.reached()
    keeping.house.clock.advance(LEASE + 1)
    await other.reap()
    gate.open()
    await until(keeping.told, 3)
    assert keeping.told == ["acquired 1", "lost", "acquired 2"]
    assert keeping.lease.engine_id == 2


async def test_the_leases_of_others_are_reaped(keeping: Keeping) -> None:
    dead = await keeping.ownership.register(EngineProfile("dead"), 1)
    keeping.house.clock.advance(2)
    await keeping.renewed()
    gate = keeping.faults.hold_after("reap")
    await gate.reached()
    gate.open()
    assert dead not in keeping.house.database.leases
    assert 1 in keeping.house.database.leases


async def test_a_failing_reaping_does_not_end_a_lease(keeping: Keeping) -> None:
    for _ in range(3):
        keeping.faults.fail("reap")
    await keeping.renewed(5)
    assert keeping.told == ["acquired 1"]


async def test_a_released_lease_is_gone(keeping: Keeping) -> None:
    await keeping.lease.release()
    assert keeping.house.database.leases == {}
    await keeping.lease.release()


async def test_without_a_database_there_is_no_lease() -> None:
    keeping = Keeping(House())
    keeping.faults.outage = True
    with pytest.raises(StoreUnreachable):
        await keeping.lease.acquire()
    assert keeping.told == []


async def test_a_lease_that_is_acknowledged_when_it_has_nearly_ended_is_none() -> None:
    """Nobody could renew it in time, so work begun on it would go on beside that of whoever takes it over."""
    keeping = Keeping(House())
    gate = keeping.faults.hold_after("register")
    acquiring = asyncio.create_task(keeping.lease.acquire())
    await gate.reached()
    keeping.time += LEASE - RENEW
    gate.open()
    with pytest.raises(StoreUnreachable, match="nearly ended"):
        await acquiring
    assert keeping.told == []
    assert keeping.lease.engine_id is None


@pytest.mark.parametrize(("passed", "waits"), [(0.0, 8.0), (7.5, 0.5), (8.5, 1.5), (9.6, 0.4)])
@in_virtual_time
async def test_an_answer_is_waited_for_until_the_lease_ends_and_no_longer(passed: float, waits: float) -> None:
    time = 1_000.0
    ownership = MemoryOwnership(House().database)
    lease = Lease(ownership, EngineProfile("engine"), 10.0, 2.0, lambda _: None, lambda: None, lambda: time)
    await lease.acquire()
    time += passed

    assert lease._deadline() - asyncio.get_running_loop().time() == pytest.approx(waits)


async def test_what_the_engine_does_is_stored_with_each_renewal(keeping: Keeping) -> None:
    keeping.lease.load = lambda: EngineLoad(running=3, parked=2, draining=True)
    await keeping.renewed()
    assert keeping.house.database.loads == {1: EngineLoad(running=3, parked=2, draining=True)}
