"""What a store of schedules must do, run on each of them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from app.adapters.database.definitions import PostgresDefinitionStore
from app.adapters.database.executions import PostgresExecutionStore
from app.adapters.database.leases import PostgresOwnership
from app.adapters.database.pool import Pool, open_pool
from app.adapters.database.recording import PostgresRecording
from app.adapters.database.schedules import PostgresScheduleStore
from app.adapters.database.sessions import create_engine
from app.definitions.ports import DefinitionStore
from app.domain.definitions import Workflow, WorkflowDraft
from app.domain.engines import EngineProfile
from app.domain.errors import Conflict, NotFound
from app.domain.payloads import Payload
from app.engine.identifiers import new_execution_id
from app.engine.ports import ExecutionStore, Recording, Step
from app.engine.running.ports import Ownership
from app.schedules.ports import DueSchedule, ScheduleStore
from app.schedules.schedule import Overlap, Schedule, Timing
from tests.support.acts import ANYONE
from tests.support.histories import CREATED, completed, end, opening
from tests.support.memory.database import MemoryDatabase
from tests.support.memory.definitions import MemoryDefinitionStore
from tests.support.memory.executions import MemoryExecutionStore
from tests.support.memory.ownership import MemoryOwnership
from tests.support.memory.recording import MemoryRecording
from tests.support.memory.schedules import MemoryScheduleStore
from tests.support.requests import ref_of
from tests.support.tenant import TENANT_ID
from tests.support.walls import api_url, engine_url

HOUR = 3600.0
CRON = Timing("0 0 1 1 *", "Europe/Berlin")


@dataclass
class Stores:
    schedules: ScheduleStore
    definitions: DefinitionStore
    executions: ExecutionStore
    ownership: Ownership
    recording: Recording

    async def running(self, workflow: Workflow) -> UUID:
        execution_id = new_execution_id()
        assert await self.executions.enqueue(TENANT_ID, execution_id, opening(workflow), (CREATED,))
        return execution_id

    async def finish(self, execution_id: UUID) -> None:
        engine_id = await self.ownership.register(EngineProfile("engine"), HOUR)
        await self.ownership.claim(engine_id, 10)
        step = Step(execution_id, [completed(2)], change=replace(end(2), started_at=CREATED.occurred_at))
        assert await self.recording.record(engine_id, [step]) == {execution_id}


def utc_now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
async def memory() -> Stores:
    database = MemoryDatabase(MemoryDefinitionStore(utc_now), utc_now)
    return Stores(
        MemoryScheduleStore(database),
        database.definitions,
        MemoryExecutionStore(database),
        MemoryOwnership(database),
        MemoryRecording(database),
    )


class SchedulesOfBoth(PostgresScheduleStore):
    """Callers change schedules, engines claim and save them."""

    def __init__(self, api: Pool, engine: Pool) -> None:
        super().__init__(api)
        self._of_engines = PostgresScheduleStore(engine)

    async def claim(self, limit: int, hold_seconds: float) -> Sequence[DueSchedule]:
        return await self._of_engines.claim(limit, hold_seconds)

    async def save(self, schedule: Schedule, hold_seconds: float | None = None) -> Schedule | None:
        store = super() if hold_seconds is None else self._of_engines
        return await store.save(schedule, hold_seconds)


@pytest.fixture
async def postgres(database_url: str) -> AsyncIterator[Stores]:
    engine = create_engine(api_url(database_url), pool_size=1)
    async with (
        open_pool(api_url(database_url), size=6, timeout_seconds=20) as api,
        open_pool(engine_url(database_url), size=6, timeout_seconds=20) as pool,
    ):
        yield Stores(
            SchedulesOfBoth(api, pool),
            PostgresDefinitionStore(engine, utc_now),
            PostgresExecutionStore(api),
            PostgresOwnership(pool, pool),
            PostgresRecording(pool),
        )
    await engine.dispose()


@pytest.fixture(params=["memory", pytest.param("postgres", marks=pytest.mark.server)])
def stores(request: pytest.FixtureRequest) -> Stores:
    return request.getfixturevalue(request.param)


@pytest.fixture
async def workflow(stores: Stores) -> Workflow:
    return (await stores.definitions.create(ANYONE, WorkflowDraft("w", key="w", tasks=()))).workflow


def schedule(workflow: Workflow, **fields: Any) -> Schedule:
    now = utc_now()
    values: dict[str, Any] = {
        "id": 0,
        "version": 0,
        "tenant_id": TENANT_ID,
        "workflow_id": workflow.id,
        "timing": CRON,
        "input": Payload('{"z":1,"a":1.0}'),
        "key": None,
        "overlap": Overlap.QUEUE,
        "catch_up_seconds": 60.0,
        "paused": False,
        "created_at": now,
        "updated_at": now,
        "next_fire_at": now + timedelta(days=1),
    }
    return Schedule(**values | fields)


def long_ago() -> datetime:
    return utc_now() - timedelta(hours=1)


async def due(stores: Stores, hold_seconds: float = HOUR) -> list[int]:
    return [claim.schedule.id for claim in await stores.schedules.claim(100, hold_seconds)]


async def test_what_is_stored_is_read(stores: Stores, workflow: Workflow):
    given = schedule(
        workflow,
        key="s",
        last_fire_at=long_ago(),
        last_execution_id=new_execution_id(),
        waiting_fire_at=long_ago(),
        paused=True,
    )
    stored = await stores.schedules.insert(ANYONE, given)
    assert stored == replace(given, id=stored.id, version=1)
    at = await stores.schedules.insert(ANYONE, schedule(workflow, timing=Timing(at=long_ago())))
    assert [await stores.schedules.get(ref_of(name)) for name in (stored, "s", at)] == [stored, stored, at]
    assert [await stores.schedules.get(ref_of(name)) for name in ("999", "t")] == [None, None]


async def test_workflows_are_found_by_id_and_key(stores: Stores, workflow: Workflow):
    found = [await stores.schedules.workflow_id(ref_of(name)) for name in (workflow, "w", "999", "x")]
    assert found == [workflow.id, workflow.id, None, None]


async def test_lists_are_paged_by_id(stores: Stores, workflow: Workflow):
    other = (await stores.definitions.create(ANYONE, WorkflowDraft("o", tasks=()))).workflow
    stored = [await stores.schedules.insert(ANYONE, schedule(owner)) for owner in (workflow, other, workflow, workflow)]
    assert await stores.schedules.list_schedules(TENANT_ID, None, 1, 2) == (stored[1:3], 4)
    assert await stores.schedules.list_schedules(TENANT_ID, workflow.id, 0, 2) == ([stored[0], stored[2]], 3)
    assert await stores.schedules.list_schedules(TENANT_ID, 999, 0, 2) == ([], 0)


async def test_a_change_lands_only_on_the_version_that_was_read(stores: Stores, workflow: Workflow):
    read = await stores.schedules.insert(ANYONE, schedule(workflow))
    changed = await stores.schedules.save(replace(read, paused=True))
    assert changed == replace(read, paused=True, version=2)
    assert await stores.schedules.save(replace(read, paused=False)) is None
    assert await stores.schedules.get(ref_of(read)) == changed
    assert await stores.schedules.save(replace(read, id=999)) is None


async def test_a_key_belongs_to_one(stores: Stores, workflow: Workflow):
    first = await stores.schedules.insert(ANYONE, schedule(workflow, key="a"))
    second = await stores.schedules.insert(ANYONE, schedule(workflow))
    for attempt in (
        stores.schedules.insert(ANYONE, schedule(workflow, key="a")),
        stores.schedules.save(replace(second, key="a")),
    ):
        with pytest.raises(Conflict, match="this key belongs to another schedule"):
            await attempt
    assert await stores.schedules.save(replace(first, paused=True)) is not None


async def test_keys_keep_their_case_and_differ_by_it(stores: Stores, workflow: Workflow):
    upper = await stores.schedules.insert(ANYONE, schedule(workflow, key="Nightly"))
    lower = await stores.schedules.insert(ANYONE, schedule(workflow, key="nightly"))
    assert [await stores.schedules.get(ref_of(key)) for key in ("Nightly", "nightly")] == [upper, lower]


async def test_a_schedule_needs_its_workflow_and_goes_with_it(stores: Stores, workflow: Workflow):
    stored = await stores.schedules.insert(ANYONE, schedule(workflow, next_fire_at=long_ago()))
    await stores.definitions.delete(ANYONE, ref_of("w"))
    assert await stores.schedules.get(ref_of(stored)) is None
    assert await due(stores) == []
    with pytest.raises(NotFound, match="workflow"):
        await stores.schedules.insert(ANYONE, schedule(workflow))


async def test_a_change_of_a_caller_needs_the_version_that_was_read(stores: Stores, workflow: Workflow):
    read = await stores.schedules.insert(ANYONE, schedule(workflow))
    changed = await stores.schedules.change(ANYONE, read, replace(read, paused=True))
    assert changed == replace(read, paused=True, version=2)
    assert await stores.schedules.change(ANYONE, read, replace(read, paused=False)) is None
    assert await stores.schedules.get(ref_of(read)) == changed


async def test_what_is_deleted_is_gone(stores: Stores, workflow: Workflow):
    stored = await stores.schedules.insert(ANYONE, schedule(workflow))
    assert [await stores.schedules.delete(ANYONE, stored.id) for _ in range(2)] == [stored, None]
    assert await stores.schedules.get(ref_of(stored)) is None


async def test_what_is_due_goes_to_one_caller_until_the_hold_ends(stores: Stores, workflow: Workflow):
    stored = await stores.schedules.insert(ANYONE, schedule(workflow, next_fire_at=long_ago()))
    await stores.schedules.insert(ANYONE, schedule(workflow))
    await stores.schedules.insert(ANYONE, schedule(workflow, next_fire_at=long_ago(), paused=True))
    await stores.schedules.insert(ANYONE, schedule(workflow, next_fire_at=None))
    claims = await asyncio.gather(*(due(stores) for _ in range(4)))
    assert sorted(claims) == [[], [], [], [stored.id]]
    other = await stores.schedules.insert(ANYONE, schedule(workflow, next_fire_at=long_ago()))
    at_once = 0.0
    assert [await due(stores, hold) for hold in (at_once, HOUR, HOUR)] == [[other.id], [other.id], []]


async def test_a_saved_hold_keeps_it_from_others(stores: Stores, workflow: Workflow):
    stored = await stores.schedules.insert(ANYONE, schedule(workflow))
    held = await stores.schedules.save(replace(stored, waiting_fire_at=long_ago()), HOUR)
    assert held is not None
    assert await due(stores) == []
    assert await stores.schedules.save(held) is not None
    assert await due(stores) == [stored.id]


async def test_a_claim_tells_the_time_and_whether_the_last_execution_goes_on(stores: Stores, workflow: Workflow):
    running = await stores.running(workflow)
    given = [schedule(workflow, next_fire_at=long_ago(), last_execution_id=last) for last in (running, None)]
    stored = [await stores.schedules.insert(ANYONE, one) for one in given]
    before = utc_now()
    claims = sorted(await stores.schedules.claim(10, HOUR), key=lambda claim: claim.schedule.id)
    assert [(claim.schedule, claim.previous_is_running) for claim in claims] == [(stored[0], True), (stored[1], False)]
    assert all(abs(claim.now - before) < timedelta(seconds=30) for claim in claims)


async def test_a_fire_that_waits_is_due_when_the_last_execution_has_ended(stores: Stores, workflow: Workflow):
    running = await stores.running(workflow)
    past = long_ago()
    given = schedule(workflow, next_fire_at=past, waiting_fire_at=past, last_execution_id=running)
    stored = await stores.schedules.insert(ANYONE, given)
    assert await due(stores) == []
    await stores.finish(running)
    assert await due(stores) == [stored.id]
