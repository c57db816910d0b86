"""What a process knows of the limits of tenants, and the starts that it lets through."""

from datetime import UTC, datetime

import pytest

from app.domain.callers import ANONYMOUS
from app.domain.errors import Invalid, NotFound, QuotaExceeded, StartsExceeded
from app.domain.tenants import TenantChange, TenantLimits
from app.identity.tenant_limits import KnownLimits, StartQuotas
from app.identity.tenants import TenantService
from tests.support.memory.identity import MemoryTenantStore

TENANT = 2


class World:
    def __init__(self) -> None:
        self.now = 100.0
        self.store = MemoryTenantStore(lambda: datetime.now(UTC))
        self.limits = KnownLimits(self.store)
        self.starts = StartQuotas(self.limits, lambda: self.now)
        self.announced = 0
        self.service = TenantService(self.store, self._announce)

    async def _announce(self) -> None:
        self.announced += 1
        await self.limits.read()

    async def limit(self, **limits: int | None) -> None:
        await self.service.change(ANONYMOUS, "sales", TenantChange(limits))

    def started(self, wanted: int) -> int:
        """How many of so many starts are let through."""
        done = 0
        for _ in range(wanted):
            try:
                self.starts.spend(TENANT)
            except StartsExceeded:
                continue
            done += 1
        return done


@pytest.fixture
async def world() -> World:
    world = World()
    await world.service.create(ANONYMOUS, "sales", "Sales")
    return world


async def test_a_tenant_without_a_limit_starts_as_many_as_it_wants(world: World):
    await world.limits.read()
    assert world.started(10_000) == 10_000
    assert world.limits.of(TENANT) == TenantLimits()


async def test_a_tenant_starts_as_many_in_a_second_as_its_limit_allows(world: World):
    await world.limit(starts_per_second=10)
    assert world.started(50) == 10
    world.now += 0.5
    assert world.started(50) == 5
    world.now += 3600
    assert world.started(50) == 10, "what was not used is not saved up"


async def test_a_refused_start_says_when_to_try_again(world: World):
    await world.limit(starts_per_second=1)
    world.starts.spend(TENANT)
    with pytest.raises(StartsExceeded, match="may start 1 executions per second and has started them") as refused:
        world.starts.spend(TENANT)
    assert (refused.value.retry_after, refused.value.code, refused.value.limit) == (
        1,
        QuotaExceeded.code,
        "starts_per_second",
    )
    world.now += refused.value.retry_after
    world.starts.spend(TENANT)


async def test_other_tenants_are_not_concerned(world: World):
    await world.limit(starts_per_second=1)
    world.started(5)
    world.starts.spend(1)
    world.starts.spend(3)


async def test_a_changed_limit_holds_at_once(world: World):
    await world.limit(starts_per_second=1)
    assert world.started(5) == 1
    await world.limit(starts_per_second=None)
    assert world.started(5) == 5
    assert world.announced == 2


@pytest.mark.parametrize(("engines", "most"), [(0, 10), (1, 10), (2, 5), (3, 4), (4, 3), (10, 1), (25, 1)])
async def test_each_engine_has_its_part_of_what_a_tenant_may_run(world: World, engines: int, most: int):
    world.store.engines = engines
    await world.limit(max_running=10)
    assert world.limits.most_running() == {TENANT: most}
    assert max(1, engines) * most < 10 + max(1, engines)


async def test_engines_are_told_when_they_may_run_more(world: World):
    told = []
    await world.limits.read()
    world.limits.subscribe(lambda: told.append(dict(world.limits.most_running())))
    await world.limit(max_running=10)
    await world.limit(starts_per_second=5)
    await world.limit(max_running=20)
    assert told == [{TENANT: 10}, {TENANT: 20}]
    assert world.limits.there_are_several


@pytest.mark.parametrize("most", [0, -1, 1_000_000_001])
async def test_a_limit_is_a_number_from_one(world: World, most: int):
    with pytest.raises(Invalid, match="max_running: must be 1 to 1000000000, or null for no limit"):
        await world.limit(max_running=most)
    assert world.announced == 0


async def test_a_tenant_that_does_not_exist_cannot_be_limited(world: World):
    with pytest.raises(NotFound, match="tenant 'missing' does not exist"):
        await world.service.change(ANONYMOUS, "missing", TenantChange({"max_running": 1}))


async def test_nobody_suspends_the_own_tenant(world: World):
    with pytest.raises(Invalid, match="you call from this tenant"):
        await world.service.change(ANONYMOUS, "default", TenantChange({}, suspended=True))
    suspended = await world.service.change(ANONYMOUS, "sales", TenantChange({}, suspended=True))
    assert suspended.suspended_at is not None
