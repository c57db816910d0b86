"""No list and no sweep reads all that is stored: plans of the statements that find rows, at 100,000 executions."""

from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import cast

import asyncpg
import pytest
from sqlalchemy import event

from app.adapters.database.definitions import PostgresDefinitionStore
from app.adapters.database.executions import PostgresDefinitionReader, PostgresExecutionStore
from app.adapters.database.fleet import PostgresFleet
from app.adapters.database.leases import PostgresOwnership
from app.adapters.database.overview import PostgresOverviews
from app.adapters.database.pool import Pool
from app.adapters.database.retention import PostgresRetention
from app.adapters.database.schedules import PostgresScheduleStore
from app.adapters.database.sessions import create_engine
from app.adapters.database.suggestion_runs import PostgresHistories
from app.adapters.database.walls.rules import API
from app.adapters.database_url import driver_dsn
from app.definitions.ports import WorkflowFilter
from app.domain.engines import EngineProfile
from app.domain.states import ExecutionStatus, TaskStatus
from app.engine.execution_filter import ExecutionFilter
from app.engine.fleet.ports import TaskFilter
from app.engine.identifiers import first_id_at
from app.engine.overview.ports import Revision
from app.engine.running.ports import ClaimShares, TenantShare, WorkflowShare
from app.engine.running.retention import BEGINNING
from app.insights.sampling import LAST as LAST_ID
from app.insights.sampling import MOST_EXECUTIONS
from tests.support.query_plans import MODES, ExplainingPool
from tests.support.requests import ref_of
from tests.support.tenant import TENANT_ID
from tests.support.walls import api_url

PENDING, RUNNING, PAUSED, COMPLETED, FAILED, CANCELLED = ExecutionStatus

STORED = 100_000
WORKFLOWS = 1_000
REVISIONS = 100
LARGE, SMALL = 1, 500
"""A workflow that has most of the executions, and one that has a few."""
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
LAST = FIRST + timedelta(minutes=STORED)
OF_A_DAY = (first_id_at(FIRST + timedelta(days=50)), first_id_at(FIRST + timedelta(days=51)))
HOUR = 3600.0
PAGE = 100
MOST_ROWS = 5_000
"""A twentieth of what is stored. A hundredth is active: what waits is old, what runs is new."""
KEPT_WHOLE = {"executions", "execution_events", "workflow_revisions", "tasks"}
"""Tables that grow with the work. Definitions and schedules are counted for their lists; commands are soon gone."""

_ID = "(lpad(to_hex((extract(epoch FROM {t}) * 1000)::bigint), 12, '0') || '70008' || lpad(to_hex({n}), 15, '0'))::uuid"
ID, PREVIOUS_ID = _ID.format(t="t", n="n"), _ID.format(t="t - interval '1 minute'", n="n - 1")

FILL = f"""
INSERT INTO workflows (tenant_id, name, key, variables, conditions, revision, created_at, updated_at)
SELECT {TENANT_ID}, 'workflow ' || n, 'w' || n, '{{}}', '[]', {REVISIONS}, now(), now()
FROM generate_series(1, {WORKFLOWS}) n;

INSERT INTO workflow_revisions (tenant_id, workflow_id, revision, snapshot, created_at)
SELECT {TENANT_ID}, n, r, '{{"name": "w", "tasks": []}}', now()
FROM generate_series(1, {WORKFLOWS}) n, generate_series(1, {REVISIONS}) r;

INSERT INTO tasks (workflow_id, name, execution_type, sequence, config, on_failure, compensate, created_at, updated_at)
SELECT n, 'a', 'sync', 1, '{{}}', 'fail', '{{}}', now(), now() FROM generate_series(1, {WORKFLOWS}) n;

INSERT INTO engines (name, lease_until) SELECT 'engine', now() + interval '1 hour' FROM generate_series(1, 3);

INSERT INTO executions (tenant_id, id, workflow_id, created_at, started_at, finished_at, due_at, owner_id, revision,
                        status, input, idempotency_key, parent_id, root_id, parent_task_id, depth, failure, origin_id)
SELECT {TENANT_ID}, {ID},
       CASE WHEN n % 10 > 0 THEN {LARGE} ELSE 2 + n / 10 % ({WORKFLOWS} - 1) END,
       t, t, CASE WHEN NOT active THEN t END, CASE WHEN active AND n % 3 = 0 THEN t ELSE 'infinity' END,
       CASE WHEN active AND n % 3 = 1 THEN 1 + n % 2 END, 1, s::execution_status, '{{}}',
       CASE WHEN n % 2 = 0 THEN 'key ' || n END, CASE WHEN n % 8 = 3 THEN {PREVIOUS_ID} END,
       CASE WHEN n % 8 = 3 THEN {PREVIOUS_ID} END, CASE WHEN n % 8 = 3 THEN 1 END, CASE WHEN n % 8 = 3 THEN 1 END,
       CASE WHEN s = 'failed' AND n < 500 THEN '{{"code": "rare", "message": "m"}}'::json
            WHEN s IN ('failed', 'cancelled') THEN '{{"code": "timeout", "message": "m"}}'::json END,
       CASE WHEN n % 50 = 7 THEN {PREVIOUS_ID} END
FROM (SELECT n, '{FIRST.isoformat()}'::timestamptz + n * interval '1 minute' AS t,
             s, s IN ('pending', 'running', 'paused') AS active
      FROM generate_series(1, {STORED}) n, LATERAL (
          SELECT CASE WHEN n BETWEEN 10000 AND 10099 THEN 'paused' WHEN n BETWEEN 10100 AND 10399 THEN 'running'
                      WHEN n > {STORED} - 100 THEN 'pending' WHEN n > {STORED} - 600 THEN 'running'
                      WHEN n % 50 = 6 THEN 'failed' WHEN n % 100 = 7 THEN 'cancelled' ELSE 'completed' END AS s) kinds
     ) AS drawn;

INSERT INTO execution_events (execution_id, sequence, type, occurred_at, status, progress_percent, attempt)
SELECT id, n, 'cancel_requested', created_at, 'running', 0, 0 FROM executions, generate_series(1, 2) n;

INSERT INTO execution_commands (execution_id, type, reason, name, payload)
SELECT id, 'pause', '', '', 'null' FROM executions WHERE finished_at IS NULL;

INSERT INTO schedules (tenant_id, version, key, workflow_id, cron, time_zone, input, overlap, catch_up_seconds, paused,
                       due_at, last_execution_id, created_at, updated_at)
SELECT {TENANT_ID}, 1, 's' || n, 1 + n % {WORKFLOWS}, '0 0 1 1 *', 'UTC', '{{}}', 'queue', 60, false,
       CASE WHEN n % 1000 = 0 THEN now() ELSE now() + interval '1 day' END,
       (SELECT id FROM executions ORDER BY id LIMIT 1), now(), now()
FROM generate_series(1, 10000) n;
"""


@pytest.fixture(scope="module")
async def stored(module_database_url: str) -> str:
    """A database that holds all of it. Visible pages and counts are known, as after a while with autovacuum."""
    session = await asyncpg.connect(driver_dsn(module_database_url))
    await session.execute(FILL)
    await session.execute("VACUUM ANALYZE")
    await session.close()
    return module_database_url


@pytest.fixture
async def pool(stored: str) -> AsyncIterator[ExplainingPool]:
    """What a test changes is undone at its end."""
    session = await asyncpg.connect(driver_dsn(stored))
    transaction = session.transaction()
    await transaction.start()
    yield ExplainingPool(session)
    await transaction.rollback()
    await session.close()


@pytest.fixture
async def walled(stored: str) -> AsyncIterator[ExplainingPool]:
    """As callers are served: the policies of row-level security are part of each plan."""
    session = await asyncpg.connect(driver_dsn(api_url(stored)))
    yield ExplainingPool(session)
    await session.close()


def check(pool: ExplainingPool, most_rows: int = MOST_ROWS) -> None:
    assert pool.found
    for explained in pool.found:
        if explained.scanned & KEPT_WHOLE or explained.rows > most_rows:
            pytest.fail(f"{explained.statement}\n{explained}", pytrace=False)


@pytest.mark.parametrize("status", [None, *ExecutionStatus])
async def test_executions_are_listed_with_every_filter(pool: ExplainingPool, status: ExecutionStatus | None) -> None:
    store = PostgresExecutionStore(pool)
    times = (None, FIRST + timedelta(days=3), LAST - timedelta(days=3))
    cursors = (None, first_id_at(FIRST + timedelta(days=20)))
    for workflow_id, after, until, before in product((None, LARGE, SMALL), times, times, cursors):
        wanted = ExecutionFilter(workflow_id, () if status is None else (status,), after, until)
        await store.list_executions(TENANT_ID, wanted, before, PAGE)
    check(pool)


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        (ExecutionFilter(statuses=(FAILED, CANCELLED)), PAGE),
        (ExecutionFilter(statuses=(RUNNING, PAUSED, PENDING)), PAGE),
        (ExecutionFilter(statuses=(FAILED, RUNNING)), PAGE),
        (ExecutionFilter(statuses=(COMPLETED, PAUSED, FAILED)), PAGE),
        (ExecutionFilter(workflow_ids=range(2, 202)), PAGE),
        (ExecutionFilter(workflow_ids=range(400, 600), statuses=(COMPLETED,)), PAGE),
        (ExecutionFilter(workflow_ids=[LARGE, SMALL], statuses=(FAILED, PAUSED)), PAGE),
        (ExecutionFilter(workflow_ids=()), 0),
        (ExecutionFilter(error_code="timeout"), PAGE),
        (ExecutionFilter(error_code="rare"), 10),
        (ExecutionFilter(error_code="none", workflow_id=LARGE), 0),
        (ExecutionFilter(error_code="timeout", statuses=(COMPLETED,)), 0),
        (ExecutionFilter(unresolved=True), PAGE),
        (ExecutionFilter(unresolved=True, workflow_id=SMALL), 0),
        (ExecutionFilter(first_id=OF_A_DAY[0], last_id=OF_A_DAY[1]), PAGE),
        (ExecutionFilter(first_id=OF_A_DAY[0], last_id=OF_A_DAY[1], statuses=(FAILED,)), 29),
    ],
)
async def test_the_filters_of_dashboards_read_only_what_an_index_finds(
    pool: ExplainingPool, walled: ExplainingPool, wanted: ExecutionFilter, count: int
) -> None:
    for each in (pool, walled):
        assert len(await PostgresExecutionStore(each).list_executions(TENANT_ID, wanted, None, PAGE)) == count
        # A bitmap scan counts its rows twice.
        check(each, 2 * MOST_ROWS)


@pytest.mark.parametrize("status", [PENDING, RUNNING, PAUSED])
async def test_what_is_active_is_found_by_its_own_index(
    pool: ExplainingPool, walled: ExplainingPool, status: ExecutionStatus
) -> None:
    for each in (pool, walled):
        await PostgresExecutionStore(each).list_executions(TENANT_ID, ExecutionFilter(statuses=[status]), None, PAGE)
        assert all("ix_executions_active" in explained.text for explained in each.found)
        check(each)


async def test_what_a_list_shows_beside_is_read_for_its_page_alone(
    walled: ExplainingPool,
) -> None:
    overviews = PostgresOverviews(walled)
    page = await PostgresExecutionStore(walled).list_executions(TENANT_ID, ExecutionFilter(), None, PAGE)
    ids = [execution.id for execution in page]
    walled.found.clear()
    assert len(await overviews.surroundings(TENANT_ID, ids)) == PAGE
    assert len(await overviews.snapshots(TENANT_ID, {Revision(one.workflow_id, one.revision) for one in page})) > 1
    check(walled)


@pytest.mark.parametrize("mode", MODES)
async def test_doors_read_the_histories_that_they_are_given_and_nothing_else(pool: ExplainingPool, mode: str) -> None:
    """EXPLAIN does not look into functions, but the server counts what a transaction reads from each table."""
    overviews = PostgresOverviews(cast(Pool, Plainly(pool.session)))
    page = await PostgresExecutionStore(pool).list_executions(TENANT_ID, ExecutionFilter(), None, PAGE)
    ids = [execution.id for execution in page]
    await pool.session.execute(f"SET LOCAL plan_cache_mode = {mode}")
    before = await read_so_far(pool.session)
    assert len(await overviews.advances(TENANT_ID, ids, [], [], 1_000)) == PAGE
    assert (await overviews.attempts(TENANT_ID, ids, 1_000))[0] == PAGE
    assert len(await pool.session.fetch("SELECT sequence FROM outline_of_history($1, $2, 100)", TENANT_ID, ids[0])) == 2
    after = await read_so_far(pool.session)
    assert after["whole"] == before["whole"]
    assert 0 < after["rows"] - before["rows"] < 20 * PAGE


class Plainly:
    """Stands for a pool, and explains nothing."""

    def __init__(self, session: asyncpg.Connection) -> None:
        self.read = session.fetch


async def read_so_far(session: asyncpg.Connection) -> dict[str, int]:
    question = (
        "SELECT sum(seq_scan) AS whole, sum(coalesce(idx_tup_fetch, 0)) AS rows FROM pg_stat_xact_user_tables"
        " WHERE relname = ANY ($1)"
    )
    return dict(await session.fetchrow(question, list(KEPT_WHOLE)))


@pytest.mark.parametrize("workflow_id", [None, LARGE, SMALL])
async def test_counts_read_what_is_active_and_what_has_ended_lately(
    pool: ExplainingPool, workflow_id: int | None
) -> None:
    newest = "SELECT id FROM executions ORDER BY id DESC LIMIT 1600"
    shift = f"UPDATE executions SET finished_at = now() WHERE id IN ({newest})"
    await pool.session.execute(f"{shift} AND finished_at IS NOT NULL")
    await PostgresOverviews(pool).counts(TENANT_ID, workflow_id, 24)
    await pool.session.execute(f"SET LOCAL ROLE {API}")
    await PostgresOverviews(pool).counts(TENANT_ID, workflow_id, 24)
    assert len(pool.found) == 2 * len(MODES)
    for explained in pool.found:
        assert "ix_executions_ended" in explained.text
    check(pool)


@pytest.mark.parametrize("workflow_id", [LARGE, SMALL])
async def test_statistics_look_at_the_newest_of_a_workflow(walled: ExplainingPool, workflow_id: int) -> None:
    overviews = PostgresOverviews(walled)
    for after in (FIRST, LAST - timedelta(days=3)):
        assert await overviews.ended(TENANT_ID, workflow_id, after, 1_000) or workflow_id == SMALL
    check(walled)


@pytest.mark.parametrize("limit", [1, PAGE])
async def test_a_divided_claim_looks_up_each_workflow_with_something_due(pool: ExplainingPool, limit: int) -> None:
    for taken in ({}, dict.fromkeys(range(1, 500), 1)):
        workflows = {workflow_id: WorkflowShare(count, 3) for workflow_id, count in taken.items()}
        shares = ClaimShares(TenantShare(0, PAGE, PAGE), {1: TenantShare(len(taken), PAGE, PAGE)}, workflows)
        assert 0 < len((await PostgresOwnership(pool, pool).claim_divided(2, limit, shares)).claims) <= limit
    check(pool)


@pytest.mark.parametrize("status", [None, *ExecutionStatus])
async def test_the_children_of_an_execution_are_found_by_its_id(
    pool: ExplainingPool, status: ExecutionStatus | None
) -> None:
    store = PostgresExecutionStore(pool)
    found = await store.list_executions(TENANT_ID, ExecutionFilter(), None, PAGE)
    parent_id = next(one.parent.execution_id for one in found if one.parent is not None)
    assert len(await store.list_executions(TENANT_ID, ExecutionFilter(parent_id=parent_id), None, PAGE)) == 1
    pool.found.clear()
    for workflow_id, before in product((None, LARGE, SMALL), (None, found[0].id)):
        await store.list_executions(
            TENANT_ID,
            ExecutionFilter(workflow_id, () if status is None else (status,), parent_id=parent_id),
            before,
            PAGE,
        )
    check(pool, most_rows=10)


async def test_one_execution_is_found_by_id_and_key(pool: ExplainingPool) -> None:
    store = PostgresExecutionStore(pool)
    [one, *_] = await store.list_executions(TENANT_ID, ExecutionFilter(statuses=[ExecutionStatus.RUNNING]), None, 1)
    pool.found.clear()
    assert await store.get(TENANT_ID, one.id) is not None
    assert await store.find_by_idempotency_key(TENANT_ID, LARGE, "key 2") is not None
    assert (await store.read_history(TENANT_ID, one.id, 1, PAGE)).events
    assert not (await store.read_history(TENANT_ID, one.id, 2, PAGE)).events
    check(pool, most_rows=10)


async def test_definitions_are_found_and_listed_by_pages(stored: str, pool: ExplainingPool) -> None:
    engine, ran = create_engine(stored, 1), []
    event.listen(engine.sync_engine, "before_cursor_execute", lambda *call: ran.append(call[2:4]))
    store = PostgresDefinitionStore(engine, lambda: FIRST)
    for wanted in (
        WorkflowFilter(),
        WorkflowFilter(name="low 77"),
        WorkflowFilter(key="w7"),
        WorkflowFilter(routed=True),
    ):
        for skip in (0, WORKFLOWS - PAGE):
            await store.list_documents(TENANT_ID, wanted, skip, PAGE)
    assert await store.document(ref_of("w7")) is not None
    assert await store.document(ref_of("7")) is not None
    assert (await store.list_revisions(ref_of("w7"), 0, PAGE))[1] == REVISIONS
    assert await store.revision_document(ref_of("7"), 1)
    assert await store.workflow_of_task(TENANT_ID, 7)
    await engine.dispose()
    for statement, arguments in ran:
        await pool.explain(statement, arguments)
    reader = PostgresDefinitionReader(pool)
    assert await reader.current(ref_of("w7")) == await reader.current(ref_of("7")) == (7, REVISIONS)
    with suppress(KeyError):  # the snapshots of this database are too short for workflows
        await reader.revision(TENANT_ID, 7, 1)
    check(pool)


async def test_schedules_are_found_and_listed_by_pages(pool: ExplainingPool) -> None:
    store = PostgresScheduleStore(pool)
    for ref in ("7", "s7"):
        assert await store.get(ref_of(ref)) is not None
    assert await store.workflow_id(ref_of("w7")) == await store.workflow_id(ref_of("7")) == 7
    assert len(await store.claim(PAGE, HOUR)) == 10
    check(pool, most_rows=PAGE)
    pool.found.clear()
    for workflow_id, skip in product((None, 7), (0, 1_000)):
        await store.list_schedules(TENANT_ID, workflow_id, skip, PAGE)
    check(pool, most_rows=10_000)


async def test_a_sample_of_suggestions_is_the_newest_executions_of_a_workflow(pool: ExplainingPool) -> None:
    histories, begin = PostgresHistories(pool), first_id_at(LAST - timedelta(days=30))
    for workflow_id in (LARGE, SMALL):
        rows = await histories.executions(TENANT_ID, workflow_id, begin, LAST_ID, MOST_EXECUTIONS)
        assert len(rows) == (MOST_EXECUTIONS if workflow_id == LARGE else len(rows)) > 0
        assert await histories.events(TENANT_ID, [row.id for row in rows[:PAGE]], PAGE) == []
    check(pool, most_rows=2 * MOST_EXECUTIONS)


async def test_an_engine_claims_what_is_due_and_looks_at_nothing_else(pool: ExplainingPool) -> None:
    ownership = PostgresOwnership(pool, pool)
    engine_id = await ownership.register(EngineProfile("new"), HOUR)
    claims = await ownership.claim(engine_id, PAGE)
    assert len(claims) == PAGE
    assert all(claim.events for claim in claims)
    check(pool, most_rows=5 * PAGE)
    assert await ownership.claim(engine_id, STORED)
    pool.found.clear()
    assert await ownership.claim(engine_id, PAGE) == ()
    check(pool, most_rows=10)


async def test_an_engine_looks_after_what_it_owns_and_nothing_else(pool: ExplainingPool) -> None:
    ownership = PostgresOwnership(pool, pool)
    engine_id = await ownership.register(EngineProfile("new"), HOUR)
    claims = await ownership.claim(engine_id, PAGE)
    assert len(await ownership.owned(engine_id)) == PAGE
    assert len(await ownership.commands(engine_id)) == PAGE
    assert await ownership.renew(engine_id, HOUR)
    await ownership.give_back(engine_id, [claims[0].execution.id], HOUR)
    assert await ownership.reap() == 0
    await ownership.release(engine_id)
    check(pool)


async def test_a_sweep_of_the_retention_looks_at_the_next_by_id(pool: ExplainingPool) -> None:
    retention = PostgresRetention(pool, 90)
    assert await retention.shortest_days() == 90
    removal = await retention.remove(BEGINNING, first_id_at(LAST), 500)
    assert removal is not None
    assert (removal.looked_at, removal.removed > 400) == (500, True)
    assert all("ix_executions_families" in explained.text for explained in pool.found[-len(MODES) :])
    # The days of all workflows are read twice: for what is looked at, and for the families of these.
    check(pool, MOST_ROWS + 2 * WORKFLOWS)


async def test_a_family_is_counted_and_cancelled_by_its_own_rows(pool: ExplainingPool) -> None:
    store, ownership = PostgresExecutionStore(pool), PostgresOwnership(pool, pool)
    running = await store.list_executions(TENANT_ID, ExecutionFilter(statuses=[ExecutionStatus.RUNNING]), None, PAGE)
    child = next(one for one in running if one.parent is not None)
    pool.found.clear()
    assert await store.count_descendants(child.root_id, PAGE) == 1
    assert await store.cancel_descendants(TENANT_ID, child.root_id, "enough") == 1
    assert await ownership.reap() == 0
    check(pool)


@pytest.mark.parametrize("workflow_id", [None, LARGE, SMALL])
@pytest.mark.parametrize("engine_id", [None, 2])
async def test_tasks_are_listed_from_the_newest_executions_and_the_active_ones(
    pool: ExplainingPool, workflow_id: int | None, engine_id: int | None
) -> None:
    fleet, since = PostgresFleet(pool), LAST - timedelta(days=1)
    for statuses in (None, frozenset({TaskStatus.FAILED}), frozenset({TaskStatus.PENDING})):
        page = await fleet.tasks(TENANT_ID, TaskFilter(statuses, workflow_id, engine_id), since, 0, PAGE)
        assert page.total == 0, "the snapshots of this database have no tasks"
    await fleet.work(TENANT_ID, since, LAST)
    await fleet.newest(TENANT_ID, [LARGE, SMALL])
    # Entries of the index of active executions whose rows have changed since count, too.
    check(pool, 2 * MOST_ROWS)
