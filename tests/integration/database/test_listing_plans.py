"""No listing of entities reads all that is stored: plans as callers get them, behind the walls, at 100,000 entities."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from app.adapters.database.listings import PostgresListings
from app.adapters.database_url import driver_dsn
from app.api.rest.dialects.pg.queries import read_listing
from app.machines.listed import RESOURCES
from tests.support.query_plans import ExplainingPool
from tests.support.tenant import TENANT_ID
from tests.support.walls import api_url

STORED = 100_000
MACHINES = 20
PAGE = 100
MOST_ROWS = 5_000
KEPT_WHOLE = {"entities", "entity_events"}
ID = "lpad(to_hex({n}), 32, '0')::uuid"

FILL = f"""
INSERT INTO machines (tenant_id, key, name, revision, created_at, updated_at)
SELECT {TENANT_ID}, 'm' || n, 'machine ' || n, 1, now(), now() FROM generate_series(1, {MACHINES}) n;

INSERT INTO machine_revisions (tenant_id, machine_id, revision, snapshot, created_at)
SELECT {TENANT_ID}, id, 1, '{{"states": [], "transitions": []}}', now() FROM machines;

INSERT INTO entities (id, tenant_id, machine_id, revision, entity_table, entity_id, state, sequence, is_final, data,
                      entered_at, automatic, created_at, updated_at, completed_at)
SELECT {ID.format(n="n")}, {TENANT_ID}, CASE WHEN n % 10 > 0 THEN 1 ELSE 2 + n / 10 % {MACHINES - 1} END, 1, 'orders',
       n::text, CASE WHEN n % 101 = 0 THEN 'rare' WHEN n % 3 = 0 THEN 'open' ELSE 'closed' END, 2, n % 3 = 1,
       '{{"amount": 1}}', t, 0, t, t, CASE WHEN n % 3 = 1 THEN t END
FROM (SELECT n, '2026-01-01'::timestamptz + (n * 7919 % {STORED}) * interval '1 minute' AS t
      FROM generate_series(1, {STORED}) n) AS drawn;

INSERT INTO entity_events (entity_id, sequence, occurred_at, type, to_state, actor)
SELECT id, n, created_at, 'transitioned', 'open', 'a' FROM entities, generate_series(1, 2) n;
"""


@pytest.fixture(scope="module")
async def stored(module_database_url: str) -> str:
    session = await asyncpg.connect(driver_dsn(module_database_url))
    await session.execute(FILL)
    await session.execute("VACUUM ANALYZE")
    await session.close()
    return module_database_url


@pytest.fixture
async def pool(stored: str) -> AsyncIterator[ExplainingPool]:
    session = await asyncpg.connect(driver_dsn(api_url(stored)))
    yield ExplainingPool(session)
    await session.close()


@pytest.mark.parametrize(
    "query",
    [
        "",
        "workflow_definition_id=eq.1&current_state=eq.rare",
        "workflow_definition_id=eq.7&current_state=eq.open",
        "workflow_name=eq.machine%201&current_state=eq.closed",
        "workflow_name=eq.machine%207&current_state=eq.rare&metadata->>amount=eq.1",
        "workflow_name=eq.machine%201&order=updated_at.desc",
        "workflow_name=eq.machine%207&order=updated_at.desc",
        "workflow_name=eq.machine%201&order=updated_at",
        "workflow_definition_id=eq.1&order=updated_at.desc&offset=500",
        "workflow_definition_id=eq.7&order=updated_at.desc",
        "workflow_definition_id=eq.1&status=eq.active&order=updated_at.desc",
        "order=updated_at.desc",
        "order=id.desc",
        "entity_table=eq.orders&entity_id=eq.77&workflow_definition_id=eq.1",
        "workflow_name=eq.machine%201&entity_table=eq.orders&entity_id=eq.77",
        "id=eq.00000000-0000-0000-0000-000000000077",
        "id=in.(00000000-0000-0000-0000-000000000077,00000000-0000-0000-0000-000000000078)",
        "updated_at=gte.2026-03-11T00:00:00Z&order=updated_at",
    ],
)
async def test_entities_are_found_by_an_index(pool: ExplainingPool, query: str) -> None:
    await check(pool, "entity_workflows", query, most_rows=MOST_ROWS)


@pytest.mark.parametrize(
    "query",
    [
        "entity_workflow_instance_id=eq.00000000-0000-0000-0000-000000000077",
        "entity_workflow_instance_id=eq.00000000-0000-0000-0000-000000000077&order=executed_at.desc",
    ],
)
async def test_the_history_of_an_entity_is_found_by_its_id(pool: ExplainingPool, query: str) -> None:
    await check(pool, "workflow_history", query, most_rows=MOST_ROWS)


async def check(pool: ExplainingPool, resource: str, query: str, most_rows: int) -> None:
    listing = read_listing(RESOURCES[resource], f"{query}&limit={PAGE}".removeprefix("&").encode())
    assert await PostgresListings(pool).rows(TENANT_ID, listing)
    for explained in pool.found:
        if explained.scanned & KEPT_WHOLE or explained.rows > most_rows:
            pytest.fail(f"{explained.statement}\n{explained}", pytrace=False)
