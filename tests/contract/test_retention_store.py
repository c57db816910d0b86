"""Which executions a sweep removes: families whose last member's time is up, in memory and in PostgreSQL."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

import asyncpg
import pytest

from app.adapters.database.pool import Pool, open_pool
from app.adapters.database.retention import PostgresRetention
from app.adapters.database_url import driver_dsn
from app.domain.executions import Execution, Parent
from app.domain.states import ExecutionStatus
from app.engine.identifiers import first_id_at
from app.engine.ports import Expiry
from app.engine.running.retention import BEGINNING
from tests.support.memory.database import MemoryDatabase, StoredExecution
from tests.support.memory.definitions import MemoryDefinitionStore
from tests.support.memory.retention import MemoryRetention
from tests.support.walls import engine_url

NOW = datetime.now(UTC)
KEPT_DAYS = 10.0
DAYS_OF = {2: 100.0, 3: 0.0}
"""Workflow 1 says nothing, executions of workflow 2 are kept longer, those of workflow 3 without limit."""
END = first_id_at(NOW + timedelta(days=1))


@dataclass
class Store:
    """A store that `put` fills; `ids()` are those of the executions that it still has."""

    expiry: Expiry
    put: Callable[[Sequence[Execution]], Awaitable[None]]
    ids: Callable[[], Awaitable[set[UUID]]]

    async def sweep(self, limit: int = 1_000) -> int:
        """Remove what can be removed; return how many executions that was."""
        after, total = BEGINNING, 0
        while (removal := await self.expiry.remove(after, END, limit)) is not None and removal.last_id is not None:
            assert removal.looked_at <= limit
            after, total = removal.last_id, total + removal.removed
        return total


@pytest.fixture
def memory() -> Store:
    database = MemoryDatabase(MemoryDefinitionStore(lambda: NOW), lambda: NOW)

    async def put(executions: Sequence[Execution]) -> None:
        for execution in executions:
            database.executions[execution.id] = StoredExecution(execution, NOW)
            database.histories[execution.id] = []

    async def ids() -> set[UUID]:
        return set(database.executions)

    return Store(MemoryRetention(database, KEPT_DAYS, DAYS_OF), put, ids)


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    async with open_pool(engine_url(database_url), 2, 20) as pool:
        yield pool


@pytest.fixture
async def session(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(driver_dsn(database_url))
    yield connection
    await connection.close()


@pytest.fixture
async def postgres(pool: Pool, session: asyncpg.Connection) -> Store:
    await session.execute(
        "INSERT INTO workflows (id, tenant_id, name, retention_days, revision, variables, conditions, created_at,"
        " updated_at)"
        " OVERRIDING SYSTEM VALUE"
        " SELECT id, 1, 'w', days, 1, '{}', '[]', now(), now()"
        " FROM (VALUES (1, NULL::float8), (2, 100), (3, 0)) AS v (id, days)"
    )

    async def put(executions: Sequence[Execution]) -> None:
        await session.executemany(
            "INSERT INTO executions (id, workflow_id, created_at, started_at, finished_at, due_at, revision, status,"
            " input, parent_id, root_id, parent_task_id, depth, tenant_id)"
            " VALUES ($1, $2, $3, $3, $4, 'infinity', 1, $5, '{}', $6, $7, $8, $9, 1)",
            [(e.id, e.workflow_id, e.created_at, e.finished_at, e.status, *_link(e.parent)) for e in executions],
        )

    async def ids() -> set[UUID]:
        return {UUID(str(row["id"])) for row in await session.fetch("SELECT id FROM executions")}

    return Store(PostgresRetention(pool, KEPT_DAYS), put, ids)


@pytest.fixture(params=["memory", "postgres"])
def store(request: pytest.FixtureRequest) -> Store:
    return request.getfixturevalue(request.param)


def _link(parent: Parent | None) -> tuple[UUID | None, UUID | None, int | None, int | None]:
    return (None,) * 4 if parent is None else (parent.execution_id, parent.root_id, parent.task_id, parent.depth)


def ended(number: int, days_ago: float | None, parent: Parent | None = None, workflow_id: int = 1) -> Execution:
    """Execution `number`; None days ago is one that still runs."""
    created = NOW - timedelta(days=200) + timedelta(seconds=number)
    return Execution(
        UUID(int=first_id_at(created).int | number),
        1,
        workflow_id,
        1,
        ExecutionStatus.RUNNING if days_ago is None else ExecutionStatus.COMPLETED,
        "{}",
        created_at=created,
        started_at=created,
        finished_at=None if days_ago is None else NOW - timedelta(days=days_ago),
        parent=parent,
    )


def child_of(parent: Execution, number: int, days_ago: float | None, workflow_id: int = 1) -> Execution:
    return ended(number, days_ago, Parent(parent.id, number, None, parent.root_id, parent.depth + 1), workflow_id)


def family(*days_ago: float | None, workflow_id: int = 1) -> list[Execution]:
    """A parent, its child, the child of that, and so on; `workflow_id` is the last one's."""
    members = [ended(0, days_ago[0])]
    for number, days in enumerate(days_ago[1:], 1):
        members.append(child_of(members[-1], number, days))
    members[-1] = replace(members[-1], workflow_id=workflow_id)
    return members


@pytest.mark.parametrize(
    ("members", "removed"),
    [
        (family(11), 1),
        (family(9), 0),
        (family(11, 11, 11), 3),
        (family(50, 50, None), 0),
        (family(50, None, 50), 0),
        (family(None, 50, 50), 0),
        (family(50, 50, 9), 0),
        (family(50, 50, 50, workflow_id=2), 0),
        (family(150, 150, 150, workflow_id=2), 3),
        (family(150, 150, 150, workflow_id=3), 0),
        (family(*[11] * 12), 12),
    ],
)
@pytest.mark.parametrize("limit", [1, 2, 1_000])
async def test_a_family_goes_when_the_time_of_its_last_member_is_up(
    store: Store, members: Sequence[Execution], removed: int, limit: int
) -> None:
    await store.put(members)
    assert await store.sweep(limit) == removed
    assert len(await store.ids()) == len(members) - removed


async def test_brothers_and_sisters_wait_for_each_other_and_strangers_do_not(store: Store) -> None:
    parent, stranger = ended(0, 50), ended(1, 50)
    children = [child_of(parent, 2, 50), child_of(parent, 3, None), child_of(stranger, 4, 50)]
    await store.put([parent, stranger, *children])
    assert await store.sweep() == 2
    assert await store.ids() == {parent.id, children[0].id, children[1].id}


async def test_a_key_that_looks_like_a_link_is_none(store: Store) -> None:
    """Callers could choose such keys."""
    running = ended(0, None)
    await store.put([running, replace(ended(1, 50), idempotency_key=f"child:{running.id}/1:1")])
    assert await store.sweep() == 1


@pytest.mark.parametrize("seed", range(5))
async def test_both_stores_remove_the_same(memory: Store, postgres: Store, seed: int) -> None:
    chance = Random(seed)
    executions: list[Execution] = []
    for number in range(150):
        workflow, days = chance.choice([1, 1, 1, 2, 3]), chance.choice([11.0, 20.0, 120.0, 120.0, 9.0, None])
        if executions and chance.random() < 0.5:
            executions.append(child_of(chance.choice(executions), number, days, workflow))
        else:
            executions.append(ended(number, days, workflow_id=workflow))
    await memory.put(executions)
    await postgres.put(executions)
    limit = chance.choice([1, 7, 1_000])
    assert await memory.sweep(limit) == await postgres.sweep(limit) > 0
    assert await memory.ids() == await postgres.ids()
