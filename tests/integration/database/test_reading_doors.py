"""What the doors for dashboards make of histories: the same as Python makes of them."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast
from uuid import UUID

import asyncpg
import orjson
import pytest

from app.adapters.database.overview import PostgresOverviews
from app.adapters.database.pool import Pool, open_pool
from app.adapters.database_url import driver_dsn
from app.domain.events import Event, EventType
from app.domain.states import ExecutionStatus
from app.engine.identifiers import new_execution_id
from app.engine.overview.task import cut
from tests.support.histories import NOON, at
from tests.support.outlined_histories import outlined
from tests.support.tenant import TENANT_ID
from tests.support.walls import api_url

RUNNING, OTHER_TENANT, CUT = ExecutionStatus.RUNNING, 2, 501
LONG, CHILD = "é" * 2_000, "0197a3c4-5d2e-7c1a-9f3b-2a6f0c9d8e71"


def event(sequence: int, type: EventType, task_id: int | None = None, attempt: int = 0, data: object = None) -> Event:
    text = None if data is None else orjson.dumps(data).decode()
    return Event(sequence, type, at(sequence), RUNNING, sequence, task_id, attempt, text)


HISTORY = [
    event(1, EventType.EXECUTION_CREATED, data={"origin_id": CHILD}),
    event(2, EventType.EXECUTION_STARTED),
    event(3, EventType.TASK_STARTED, 1, 1),
    event(4, EventType.TASK_PROGRESSED, 1, 1, {"message": "runs as …", "percent": None, "child_id": CHILD}),
    event(5, EventType.TASK_PROGRESSED, 1, 1, {"message": "half", "percent": 50}),
    event(6, EventType.TASK_PROGRESSED, 1, 1, {"message": LONG, "percent": 60}),
    event(7, EventType.TASK_STARTED, 2, 1, {"until": None, "signal": "go", "output": LONG}),
    event(8, EventType.TASK_ITEM_COMPLETED, 3, 1, {"index": 0, "count": 3, "output": LONG}),
    event(9, EventType.TASK_ITEM_COMPLETED, 3, 1, {"index": 2, "count": 3, "output": None}),
    event(10, EventType.TASK_RETRYING, 1, 1, {"code": "timeout", "message": LONG, "retry_at": "2026-01-01T00:00:00Z"}),
    event(11, EventType.SIGNAL_RECEIVED, data={"name": "go", "payload": LONG}),
    event(12, EventType.TASK_STARTED, 1, 2),
    event(13, EventType.TASK_ITEM_COMPLETED, 3, 2, {"index": 1, "count": 3, "output": 1}),
    event(14, EventType.TASK_COMPLETED, 1, 2, {"text": LONG}),
    event(15, EventType.TASK_COMPLETED, 4, 1),
    event(16, EventType.TASK_REUSED, 5, 0, [1]),
    event(17, EventType.TASK_FAILED, 6, 1, {"code": "broken", "message": "it broke"}),
    event(18, EventType.TASK_SKIPPED, 7, 0, {"message": LONG}),
]


@pytest.fixture
async def pool(database_url: str):
    async with open_pool(api_url(database_url), 1, 60) as opened:
        yield opened


@pytest.fixture
def overviews(pool: Pool) -> PostgresOverviews:
    return PostgresOverviews(pool)


async def store(url: str, events: Sequence[Event]) -> UUID:
    """A history that no engine has to be able to write."""
    execution_id = new_execution_id()
    session = await asyncpg.connect(driver_dsn(url))
    await session.execute(
        "INSERT INTO executions (id, tenant_id, workflow_id, revision, status, input, created_at, started_at, due_at)"
        " VALUES ($1, $2, 1, 1, 'running', 'null', $3, $3, 'infinity')",
        execution_id,
        TENANT_ID,
        NOON,
    )
    await session.executemany(
        "INSERT INTO execution_events (execution_id, sequence, type, occurred_at, status, progress_percent, task_id,"
        " attempt, data) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9::text::json)",
        [(execution_id, *one) for one in events],
    )
    await session.close()
    return execution_id


async def test_a_history_is_outlined(database_url: str, overviews: PostgresOverviews) -> None:
    snapshot = await overviews.snapshot(TENANT_ID, await store(database_url, HISTORY), CUT)
    assert snapshot is not None
    wanted = outlined(HISTORY)
    assert [one[:7] for one in snapshot.events] == [one[:7] for one in wanted]
    assert [one.size for one in snapshot.events] == [one.size for one in wanted]
    counts = {one.sequence: one.stands_for for one in snapshot.events}
    assert counts == {one.sequence: one.stands_for for one in wanted}
    assert counts.keys() == {1, 2, 3, 4, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18}


async def test_what_is_long_is_cut_and_what_is_not_shown_is_left_out(
    database_url: str, overviews: PostgresOverviews
) -> None:
    snapshot = await overviews.snapshot(TENANT_ID, await store(database_url, HISTORY), CUT)
    assert snapshot is not None
    data = {one.sequence: one.data for one in snapshot.events}
    assert all(len(text) < 700 for text in data.values() if text is not None)
    assert {sequence for sequence, text in data.items() if text is None} == {1, 2, 3, 11, 12, 15, 18}
    assert orjson.loads(data[7] or "") == {"until": None, "signal": "go", "children": None}
    assert orjson.loads(data[9] or "") == {"count": 3}
    assert orjson.loads(data[4] or "")["child_id"] == CHILD
    assert cut(orjson.loads(data[6] or "")["message"]) == LONG[:500] + "…"
    assert orjson.loads(data[10] or "")["retry_at"] == "2026-01-01T00:00:00Z"


async def test_a_history_of_another_tenant_is_not_there(database_url: str, overviews: PostgresOverviews) -> None:
    execution_id = await store(database_url, HISTORY)
    assert await overviews.snapshot(OTHER_TENANT, execution_id, CUT) is None
    assert await overviews.advances(OTHER_TENANT, [execution_id], [], [], 100) == {}
    assert await overviews.attempts(OTHER_TENANT, [execution_id], 100) == (0, [])


async def test_only_as_many_histories_are_counted_as_fit_the_shortest_first(
    database_url: str, overviews: PostgresOverviews
) -> None:
    short, long = await store(database_url, HISTORY[:7]), await store(database_url, HISTORY)
    for most, counted in ((100, {short, long}), (25, {short, long}), (24, {short}), (6, set())):
        found = await overviews.advances(TENANT_ID, [long, short], [5], [6], most)
        assert {one for one, advance in found.items() if advance.done is not None} == counted
        assert {one: advance.percent for one, advance in found.items()} == {short: 7, long: 18}
    found = await overviews.advances(TENANT_ID, [long, short], [5], [6], 100)
    # 1 and 4 completed, 5 is a compensation, 6 may fail, 7 was skipped; 2 waits.
    assert (found[long].done, found[long].open, list(found[long].current)) == (4, 1, [2])
    assert (found[short].done, found[short].open, list(found[short].current)) == (0, 2, [1, 2])
    without = await overviews.advances(TENANT_ID, [long], [], [], 100)
    assert without[long].done == 4


async def test_attempts_are_counted_in_the_first_histories_that_fit(
    database_url: str, overviews: PostgresOverviews
) -> None:
    ids = [await store(database_url, HISTORY), await store(database_url, HISTORY), await store(database_url, HISTORY)]
    for most, counted in ((54, 3), (53, 2), (17, 0)):
        executions, tasks = await overviews.attempts(TENANT_ID, ids, most)
        assert executions == counted
        assert {one.task_id: one.attempts for one in tasks} == (
            {1: 2 * counted, 2: counted, 4: counted, 6: counted} if counted else {}
        )
    _, tasks = await overviews.attempts(TENANT_ID, ids, 54)
    first = tasks[0]
    assert (first.completed, first.failed, first.failures, first.p50) == (3, 3, {"timeout": 3}, 2.0)
    assert (tasks[3].completed, tasks[3].failures, tasks[3].p95) == (0, {"broken": 3}, None)


class Interrupted:
    """A pool within whose transactions something else commits before the second statement."""

    def __init__(self, pool: Pool, meanwhile: Callable[[], Awaitable[None]]) -> None:
        self._pool = pool
        self._meanwhile = meanwhile

    @asynccontextmanager
    async def transaction(self, tenant_id: int, **options: bool) -> AsyncIterator["Interrupted"]:
        async with self._pool.transaction(tenant_id, **options) as self._connection:
            yield self

    async def fetchrow(self, *arguments: Any) -> Any:
        return await self._connection.fetchrow(*arguments)

    async def fetch(self, *arguments: Any) -> Any:
        await self._meanwhile()
        return await self._connection.fetch(*arguments)


async def test_a_view_is_of_one_moment(database_url: str, pool: Pool) -> None:
    execution_id = await store(database_url, HISTORY)

    async def end() -> None:
        session = await asyncpg.connect(driver_dsn(database_url))
        async with session.transaction():
            await session.execute("UPDATE executions SET status = 'completed', finished_at = now()")
            await session.execute(
                "INSERT INTO execution_events (execution_id, sequence, type, occurred_at, status, progress_percent,"
                " attempt) VALUES ($1, 19, 'execution_completed', now(), 'completed', 100, 0)",
                execution_id,
            )
        await session.close()

    interrupted = PostgresOverviews(cast(Pool, Interrupted(pool, end)))
    before = await interrupted.snapshot(TENANT_ID, execution_id, CUT)
    assert before is not None
    assert (before.execution.status, before.events[-1].sequence) == (RUNNING, 18)
    after = await PostgresOverviews(pool).snapshot(TENANT_ID, execution_id, CUT)
    assert after is not None
    assert (after.execution.status, after.events[-1].sequence) == (ExecutionStatus.COMPLETED, 19)
