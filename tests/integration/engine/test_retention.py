"""Executions whose time is up go, on a real database, and nothing else does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import grpc
import pytest

from app.adapters.database.checking import DatabaseCheck
from app.adapters.database.pool import Pool, open_pool
from app.adapters.database.retention import LOCK, PostgresRetention
from app.api.grpc.generated import workflow_pb2 as pb
from app.domain.errors import NotFound
from app.engine.execution_filter import ExecutionFilter
from app.engine.identifiers import first_id_at
from app.engine.running.retention import BEGINNING, Retention
from app.wiring.grpc_process import EngineProcess, open_engine_process
from tests.support.engine_process import running_server, settings_for, store_workflow, sync, workflow
from tests.support.requests import payload_of, start_of
from tests.support.rest_service import serving
from tests.support.tenant import CALLER

SOON = 1 / 86_400_000
"""Days; less than a millisecond."""
OLD = timedelta(days=100)
FLAT = 5
"""How many times as many executions have come as there are at most."""
MOST_STARTS = 20_000


@pytest.fixture
async def process(database_url: str) -> AsyncIterator[EngineProcess]:
    await store_workflow(database_url, workflow("quick", [sync("a", 1)]))
    await store_workflow(database_url, workflow("long", [sync("a", 1, "signal", config={"name": "go"})]))
    async with open_engine_process(settings_for(database_url, engine_park_seconds=0)) as process:
        yield process


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    async with open_pool(database_url, 4, 20) as pool:
        yield pool


async def run(process: EngineProcess, key: str = "quick", **options: str) -> UUID:
    started = await process.executions.start(CALLER, start_of(key, **options))
    execution_id = started.execution.id
    return execution_id if key == "long" else (await process.executions.wait(CALLER, execution_id, 300)).id


async def run_and_forget(process: EngineProcess) -> None:
    """Its row may be gone before its end is read."""
    with suppress(NotFound):
        await run(process)


async def ids(process: EngineProcess) -> set[UUID]:
    page = await process.executions.list_executions(CALLER, ExecutionFilter(), None, 200)
    return {execution.id for execution in page.executions}


async def clean(pool: Pool) -> bool:
    return [finding async for finding in DatabaseCheck(pool).findings()] == []


async def passed() -> None:
    """A few milliseconds, by which finished executions are older than `SOON`."""
    await asyncio.sleep(0.02)


async def test_what_has_ended_goes_with_all_that_belongs_to_it(
    process: EngineProcess, pool: Pool, session: asyncpg.Connection
) -> None:
    ended, running = [await run(process) for _ in range(5)], await run(process, "long")
    again = await process.controls.rerun(CALLER, ended[0], "a")
    await process.executions.wait(CALLER, again.execution.id, 300)
    await passed()
    assert await Retention(PostgresRetention(pool, SOON)).sweep() == 6
    assert await ids(process) == {running}
    assert {row["execution_id"] for row in await session.fetch("SELECT execution_id FROM execution_events")} == {
        running
    }
    for execution_id in ended:
        with pytest.raises(NotFound):
            await process.executions.get(CALLER, execution_id)
        with pytest.raises(NotFound):
            await process.executions.watch(CALLER, execution_id, 0)
    assert await clean(pool)


async def test_a_repetition_outlives_its_origin(
    process: EngineProcess, pool: Pool, session: asyncpg.Connection
) -> None:
    origin = await run(process)
    again = await process.controls.rerun(CALLER, origin, "a")
    await process.executions.wait(CALLER, again.execution.id, 300)
    await session.execute("UPDATE executions SET finished_at = $2 WHERE id = $1", origin, datetime.now(UTC) - OLD)
    retention = PostgresRetention(pool, 90)
    # The origin was created just now: only its end lies back. So the sweep has to look at it all the same.
    removal = await retention.remove(BEGINNING, first_id_at(datetime.now(UTC) + OLD), 100)
    assert removal is not None
    assert (removal.looked_at, removal.removed) == (2, 1)
    assert (await process.executions.get(CALLER, again.execution.id)).origin_id is not None
    assert (await process.executions.tasks(CALLER, again.execution.id))[0].status == "completed"
    assert await clean(pool)


async def test_a_parent_stays_while_its_child_runs(
    process: EngineProcess, pool: Pool, session: asyncpg.Connection
) -> None:
    """The child may start children of its own; that needs its ancestors."""
    parent = await run(process)
    child = await run(process, "long")
    await session.execute(
        "UPDATE executions SET parent_id = $1, root_id = $1, parent_task_id = 1, depth = 1 WHERE id = $2", parent, child
    )
    await passed()
    assert await Retention(PostgresRetention(pool, SOON)).sweep() == 0
    await process.controls.signal(CALLER, child, "go", payload_of(None))
    await process.executions.wait(CALLER, child, 20)
    await passed()
    assert await Retention(PostgresRetention(pool, SOON)).sweep() == 2
    assert await clean(pool)


async def test_a_workflow_may_keep_its_own_longer_or_shorter(
    process: EngineProcess, pool: Pool, session: asyncpg.Connection
) -> None:
    quick = await run(process)
    await passed()
    await session.execute("UPDATE workflows SET retention_days = 30 WHERE key = 'quick'")
    assert await Retention(PostgresRetention(pool, SOON)).sweep() == 0
    await session.execute("UPDATE workflows SET retention_days = 0 WHERE key = 'quick'")
    assert await Retention(PostgresRetention(pool, SOON)).sweep() == 0
    assert await Retention(PostgresRetention(pool, 0)).sweep() == 0
    assert await ids(process) == {quick}
    await session.execute("UPDATE workflows SET retention_days = $1 WHERE key = 'quick'", SOON)
    assert await Retention(PostgresRetention(pool, 0)).sweep() == 1


async def test_what_a_deleted_workflow_left_goes_by_the_general_rule(
    process: EngineProcess, pool: Pool, session: asyncpg.Connection
) -> None:
    await run(process)
    await session.execute("DELETE FROM workflows WHERE key = 'quick'")
    await passed()
    assert await Retention(PostgresRetention(pool, 90)).sweep() == 0
    assert await Retention(PostgresRetention(pool, SOON)).sweep() == 1


async def test_one_process_removes_at_a_time(process: EngineProcess, pool: Pool, session: asyncpg.Connection) -> None:
    await run(process)
    await passed()
    async with session.transaction():
        await session.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
        assert await Retention(PostgresRetention(pool, SOON)).sweep() == 0
    assert await Retention(PostgresRetention(pool, SOON)).sweep() == 1


async def test_a_removed_execution_is_not_found_over_either_api(database_url: str, pool: Pool, redis_url: str) -> None:
    await store_workflow(database_url, workflow("quick", [sync("a", 1)]))
    async with running_server(settings_for(database_url)) as server, serving(settings_for(database_url)) as rest:
        found = [await run(server.process) for _ in range(5)]
        first = (await rest.get("/executions", params={"limit": 2})).json()
        await passed()
        await Retention(PostgresRetention(pool, SOON)).sweep()
        newest = await run(server.process)
        second = await rest.get("/executions", params={"limit": 2, "cursor": first["next_cursor"]})
        assert (second.status_code, second.json()) == (200, {"items": [], "next_cursor": None})
        assert [item["id"] for item in (await rest.get("/executions")).json()["items"]] == [str(newest)]
        for path in ("", "/events", "/tasks"):
            gone = await rest.get(f"/executions/{found[0]}{path}")
            assert (gone.status_code, gone.json()["code"]) == (404, "execution_not_found")
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await server.stub.WatchExecution(pb.WatchExecutionRequest(execution_id=str(found[0]))).read()
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND


async def test_a_watcher_whose_history_is_removed_is_told(process: EngineProcess, pool: Pool) -> None:
    """It has read the first page of a long history when the rest is removed."""
    execution_id = await run(process)
    batches = await process.executions.watch(CALLER, execution_id, 10)
    await passed()
    assert await Retention(PostgresRetention(pool, SOON)).sweep() == 1
    with pytest.raises(NotFound):
        await anext(batches)


async def test_under_a_steady_load_the_number_of_executions_stays_flat(
    process: EngineProcess, pool: Pool, session: asyncpg.Connection
) -> None:
    retention = Retention(PostgresRetention(pool, 0.2 / 86_400), sweep_seconds=0.05)
    retention.start(process.defects.report)
    most, started = 1, 0
    while started < FLAT * most:
        assert started < MOST_STARTS, f"{most} of {started} were there at once"
        await asyncio.gather(*(run_and_forget(process) for _ in range(5)))
        started += 5
        most = max(most, await session.fetchval("SELECT count(*) FROM executions"))
    await retention.stop()
    process.defects.raise_first()
    assert await clean(pool)


async def test_a_sweep_removes_in_bounded_batches(process: EngineProcess, pool: Pool) -> None:
    for _ in range(12):
        await run(process)
    await passed()
    sizes = []

    class Counted(PostgresRetention):
        async def remove(self, *arguments):
            removal = await super().remove(*arguments)
            sizes.append(removal.removed)
            return removal

    assert await Retention(Counted(pool, SOON), at_once=5).sweep() == 12
    assert sizes == [5, 5, 2]
