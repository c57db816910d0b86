"""Schedules of whole engine processes on one PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from app.adapters.database.signals import PostgresSignals
from app.adapters.database_url import driver_dsn
from app.background.defects import Defects
from app.domain.executions import Execution
from app.engine.execution_filter import ExecutionFilter
from app.schedules.schedule import Overlap, Schedule, ScheduleDraft, Timing
from app.schedules.service import ScheduleService
from app.wiring.grpc_process import EngineProcess, open_engine_process
from app.wiring.parts import open_database
from app.wiring.schedules import schedule_service
from tests.support.engine_process import settings_for, store_workflow, sync, workflow
from tests.support.requests import ref_of
from tests.support.tenant import CALLER

FAST = {"engine_poll_seconds": 0.05, "engine_lease_seconds": 60.0, "engine_renew_seconds": 0.2}
HOUR = 3600.0


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


@pytest.fixture
async def session(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    session = await asyncpg.connect(driver_dsn(database_url))
    yield session
    await session.close()


@pytest.fixture
async def schedules(database_url: str, stack: AsyncExitStack) -> ScheduleService:
    """As the REST process has it, with a workflow `w` to start."""
    await store_workflow(database_url, workflow("w", [sync("a", 1)]))
    settings = settings_for(database_url)
    database = await stack.enter_async_context(open_database(settings, Defects().report))
    return schedule_service(database.pool, PostgresSignals(database.dsn, database.pool))


async def engine(database_url: str, stack: AsyncExitStack, **changes: object) -> EngineProcess:
    return await stack.enter_async_context(open_engine_process(settings_for(database_url, **FAST | changes)))


async def executions(process: EngineProcess) -> list[Execution]:
    return list((await process.executions.list_executions(CALLER, ExecutionFilter(), None, 200)).executions)


async def fired(schedules: ScheduleService, ref: str, wanted: datetime) -> Schedule:
    while True:
        schedule = await schedules.get(CALLER, ref_of(ref))
        if schedule.last_fire_at is not None and schedule.last_fire_at >= wanted:
            return schedule
        await asyncio.sleep(0.02)


async def test_every_second_fires_once_whichever_engine_looks(
    schedules: ScheduleService, database_url: str, stack: AsyncExitStack
):
    processes = [await engine(database_url, stack) for _ in range(3)]
    timing = Timing("* * * * * *")
    every_second = ScheduleDraft(ref_of("w"), timing, key="s", overlap=Overlap.QUEUE, allow_every_second=True)
    await schedules.create(CALLER, every_second)
    while len(await executions(processes[0])) < 3:
        await asyncio.sleep(0.05)
    await schedules.pause(CALLER, ref_of("s"))
    last = await schedules.get(CALLER, ref_of("s"))
    started = await executions(processes[0])
    keys = [execution.idempotency_key for execution in started]
    assert len(keys) == len(set(keys))
    assert last.last_execution_id in {execution.id for execution in started}
    for execution in started:
        instant = datetime.fromisoformat(str(execution.idempotency_key).split(":", 2)[2])
        assert execution.created_at >= instant


async def test_two_engines_fire_the_same_moment_once(
    schedules: ScheduleService, database_url: str, stack: AsyncExitStack, session: asyncpg.Connection
):
    """Twenty schedules come due in one instant, while two engines look all the time."""
    processes = [await engine(database_url, stack, engine_poll_seconds=0.001) for _ in range(2)]
    for number in range(20):
        await schedules.create(
            CALLER, ScheduleDraft(ref_of("w"), Timing("0 0 1 1 *"), key=f"s{number}", catch_up_seconds=600)
        )
    await session.execute("UPDATE schedules SET next_fire_at = x, due_at = x FROM (SELECT clock_timestamp() AS x)")
    past = datetime.now(UTC) - timedelta(minutes=1)
    for number in range(20):
        await fired(schedules, f"s{number}", past)
    assert len(await executions(processes[0])) == 20
    assert await session.fetchval("SELECT count(DISTINCT last_execution_id) FROM schedules") == 20


async def test_what_a_dead_process_has_begun_is_finished_once(
    schedules: ScheduleService, database_url: str, stack: AsyncExitStack, session: asyncpg.Connection
):
    """The row as a process leaves it that dies after the start: written down, held, not written off."""
    first = await engine(database_url, stack)
    now = datetime.now(UTC)
    tomorrow = Timing(at=now + timedelta(days=1))
    await schedules.create(CALLER, ScheduleDraft(ref_of("w"), tomorrow, key="s", catch_up_seconds=HOUR))
    await session.execute("UPDATE schedules SET at = $1, next_fire_at = $1, due_at = $1", now)
    done = await fired(schedules, "s", now)
    await session.execute(
        "UPDATE schedules SET waiting_fire_at = last_fire_at, last_fire_at = NULL, last_execution_id = NULL,"
        " version = version + 1, due_at = clock_timestamp()"
    )
    again = await fired(schedules, "s", now)
    assert again.last_execution_id == done.last_execution_id
    assert (again.waiting_fire_at, again.next_fire_at) == (None, None)
    assert len(await executions(first)) == 1


async def test_a_deleted_workflow_takes_its_schedules_along(
    schedules: ScheduleService, database_url: str, session: asyncpg.Connection
):
    await schedules.create(CALLER, ScheduleDraft(ref_of("w"), Timing("* * * * *")))
    await session.execute("DELETE FROM workflows")
    assert await session.fetchval("SELECT count(*) FROM schedules") == 0


async def test_a_schedule_of_a_newer_program_is_left_to_it_and_holds_up_no_other(
    schedules: ScheduleService, database_url: str, stack: AsyncExitStack, session: asyncpg.Connection
):
    soon = Timing(at=datetime.now(UTC) + timedelta(seconds=3))
    await schedules.create(CALLER, ScheduleDraft(ref_of("w"), soon, key="newer"))
    ordinary = await schedules.create(CALLER, ScheduleDraft(ref_of("w"), soon, key="ordinary"))
    await session.execute("ALTER TYPE overlap_policy ADD VALUE 'ask_somebody'")
    await session.execute("UPDATE schedules SET overlap = 'ask_somebody' WHERE key = 'newer'")
    process = await engine(database_url, stack)
    assert ordinary.next_fire_at is not None
    await fired(schedules, "ordinary", ordinary.next_fire_at)
    assert await session.fetchval("SELECT last_fire_at FROM schedules WHERE key = 'newer'") is None
    process.defects.raise_first()
