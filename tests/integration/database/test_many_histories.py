"""Reads of many histories at once: they read a bounded number of events, those of the newest executions."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import cast
from uuid import UUID

import asyncpg
import pytest

from app.adapters.database.fleet import PostgresFleet
from app.adapters.database.pool import Pool
from app.adapters.database_url import driver_dsn
from app.domain.states import TaskStatus
from app.engine.fleet.ports import TaskFilter
from app.engine.identifiers import first_id_at
from tests.support.histories import NOON
from tests.support.tenant import TENANT_ID

LONG, STORED, ENGINE = 400, 5, 7
COMPLETED, PENDING = frozenset({TaskStatus.COMPLETED}), frozenset({TaskStatus.PENDING})
LONG_AGO = NOON - timedelta(days=9)


class Plainly:
    """Stands for a pool: one session, in one transaction, which counts what it reads."""

    def __init__(self, session: asyncpg.Connection) -> None:
        self._session = session
        self.events = 0

    async def read(self, statement: str, *arguments: object) -> list[asyncpg.Record]:
        before = await self._events_read()
        found = list(await self._session.fetch(statement, *arguments))
        self.events = await self._events_read() - before
        return found

    async def _events_read(self) -> int:
        question = (
            "SELECT coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables"
            " WHERE relname = 'execution_events'"
        )
        return cast(int, await self._session.fetchval(question))


@pytest.fixture
async def session(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    opened = await asyncpg.connect(driver_dsn(database_url))
    snapshot = '{"tasks": [{"id": 1, "name": "a", "type": "log"}, {"id": 2, "name": "b", "type": "log"}]}'
    await opened.execute(
        "INSERT INTO workflow_revisions (workflow_id, revision, tenant_id, snapshot, created_at)"
        " VALUES (1, 1, $1, $2::text::json, $3)",
        TENANT_ID,
        snapshot,
        NOON,
    )
    for way in ("seqscan", "bitmapscan", "mergejoin", "hashjoin"):  # planned as when there are many more rows
        await opened.execute(f"SET enable_{way} = off")
    async with opened.transaction():
        yield opened
    await opened.close()


@pytest.fixture
def pool(session: asyncpg.Connection) -> Plainly:
    return Plainly(session)


@pytest.fixture
def fleet(pool: Plainly) -> PostgresFleet:
    return PostgresFleet(cast(Pool, pool))


async def store(session: asyncpg.Connection, minute: int, events: int) -> UUID:
    """An execution that has started one task, and completed it with its last event, if it has more than one."""
    execution_id = first_id_at(NOON + timedelta(minutes=minute))
    await session.execute(
        "INSERT INTO executions (id, tenant_id, workflow_id, revision, status, input, created_at, started_at, due_at,"
        " owner_id) VALUES ($1, $2, 1, 1, 'running', 'null', $3, $3, 'infinity', $4)",
        execution_id,
        TENANT_ID,
        NOON,
        ENGINE,
    )
    await session.execute(
        "INSERT INTO execution_events (execution_id, sequence, type, occurred_at, status, progress_percent, task_id,"
        " attempt) SELECT $1, n, (CASE n WHEN 1 THEN 'execution_created' WHEN 2 THEN 'task_started'"
        " WHEN $2 THEN 'task_completed' ELSE 'task_progressed' END)::event_type, $3, 'running', 0,"
        " CASE WHEN n > 1 THEN 1 END, CASE WHEN n > 1 THEN 1 ELSE 0 END FROM generate_series(1, $2::int) n",
        execution_id,
        events,
        NOON,
    )
    return execution_id


async def completed(fleet: PostgresFleet) -> tuple[list[UUID], int, bool]:
    """The executions whose tasks a list of those that have completed has, the total, and whether that is exact."""
    page = await fleet.tasks(TENANT_ID, TaskFilter(COMPLETED), LONG_AGO, 0, 100)
    return [task.execution_id for task in page.tasks], page.total, page.is_exact


@pytest.mark.parametrize(
    ("most", "read"), [(1, 1), (LONG, 1), (LONG + 1, 2), (3 * LONG, 3), (3 * LONG + 1, 4), (4 * LONG + 1, 5)]
)
async def test_a_list_by_status_reads_the_newest_histories_until_they_have_enough_events(
    session: asyncpg.Connection,
    pool: Plainly,
    fleet: PostgresFleet,
    monkeypatch: pytest.MonkeyPatch,
    most: int,
    read: int,
) -> None:
    monkeypatch.setattr("app.adapters.database.fleet.MOST_EVENTS", most, raising=False)
    stored = [await store(session, minute, LONG) for minute in range(STORED)]
    assert await completed(fleet) == (stored[: -read - 1 : -1], read, read == STORED)
    assert read * LONG <= pool.events <= read * LONG + STORED


async def test_what_engines_have_done_is_that_of_as_many_histories(
    session: asyncpg.Connection, pool: Plainly, fleet: PostgresFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    for minute in range(STORED):
        await store(session, minute, LONG)
    for most, read in ((2 * LONG, 2), (STORED * LONG, STORED)):
        monkeypatch.setattr("app.adapters.database.fleet.MOST_EVENTS_OF_WORK", most, raising=False)
        work = (await fleet.work(TENANT_ID, LONG_AGO, NOON))[ENGINE]
        assert (work.total, work.succeeded_attempts, len(work.recent)) == (read, read, read)
        assert read * LONG <= pool.events <= read * LONG + STORED


async def test_tasks_that_have_not_begun_are_those_of_histories_that_were_read(
    session: asyncpg.Connection, fleet: PostgresFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No event says that a task is pending, so one of a history that was not read must not look so."""
    older, newer, newest = [await store(session, minute, events) for minute, events in enumerate((LONG, 1, LONG))]
    for most, read in ((LONG, [newest]), (LONG + 1, [newest, newer]), (LONG + 2, [newest, newer, older])):
        monkeypatch.setattr("app.adapters.database.fleet.MOST_EVENTS", most)
        page = await fleet.tasks(TENANT_ID, TaskFilter(PENDING), LONG_AGO, 0, 100)
        tasks = [(task.execution_id, task.task_id) for task in page.tasks]
        assert tasks == [(one, task) for one in read for task in (1, 2) if task == 2 or one == newer]
        assert (page.total, page.is_exact) == (len(tasks), len(read) == 3)
