"""What the logins can do in the database itself, as someone with psql would try it."""

import uuid

import asyncpg
import pytest

from app.adapters.database.walls.rules import TRIGGERS, WALLS
from tests.integration.walls.conftest import IN_TENANT, OF_TENANTS


@pytest.mark.parametrize("table", OF_TENANTS)
async def test_a_tenant_sees_its_own_rows(as_api: asyncpg.Connection, main: asyncpg.Connection, table: str) -> None:
    seen = []
    for tenant in ("1", "2"):
        await as_api.fetchval(IN_TENANT, tenant)
        seen.append({tuple(row) for row in await as_api.fetch(f"SELECT {table}::text FROM {table}")})
    everything = {tuple(row) for row in await main.fetch(f"SELECT {table}::text FROM {table}")}
    assert [len(rows) for rows in seen] == [1, 1]
    assert seen[0] | seen[1] == everything


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE workflows SET name = 'changed'",
        "DELETE FROM workflows",
        "UPDATE schedules SET paused = true",
        "UPDATE api_keys SET revoked_at = now()",
    ],
)
async def test_a_forgotten_where_changes_one_tenant_only(
    as_api: asyncpg.Connection, main: asyncpg.Connection, statement: str
) -> None:
    table = next(word for word in statement.split() if word in OF_TENANTS)
    others = f"SELECT {table}::text FROM {table} WHERE tenant_id = 2"
    before = await main.fetchval(others)
    await as_api.fetchval(IN_TENANT, "1")
    assert await as_api.execute(statement) in ("UPDATE 1", "DELETE 1")
    assert await main.fetchval(others) == before


async def test_a_key_is_found_by_its_hash_only(as_api: asyncpg.Connection, main: asyncpg.Connection) -> None:
    """Whose key it is, is not known before. Nothing else is learned of the keys of others."""
    digest, key_id = await main.fetchrow("SELECT digest, id FROM api_keys WHERE tenant_id = 2")  # type: ignore[misc]
    found = await as_api.fetch("SELECT * FROM find_api_key($1, 600)", digest)
    assert [(row["id"], row["tenant_id"], row["tenant"]) for row in found] == [(key_id, 2, "other")]
    assert "digest" not in found[0]
    assert await as_api.fetch("SELECT * FROM find_api_key($1, 600)", b"x" * 32) == []
    await as_api.fetchval(IN_TENANT, "1")
    assert await as_api.fetchval("SELECT count(*) FROM api_keys WHERE tenant_id = 2") == 0


async def test_the_doors_check_the_tenant(as_api: asyncpg.Connection, main: asyncpg.Connection) -> None:
    execution_id = await main.fetchval("SELECT id FROM executions WHERE tenant_id = 2")
    workflow_id = await main.fetchval("SELECT id FROM workflows WHERE tenant_id = 2")
    await main.execute("UPDATE executions SET due_at = 'infinity'")
    start = (
        "SELECT start_execution($1, $2, $3, 1, NULL, '{}', now(), $4::uuid, '{1}', '{execution_created}',"
        " ARRAY[now()], '{pending}', '{0}', '{NULL}', '{0}', '{NULL}', NULL)"
    )
    for origin in (None, execution_id):
        assert await as_api.fetchval(start, 1, uuid.uuid4(), workflow_id, origin) is False
    assert await as_api.fetch("SELECT * FROM history_of(1, $1, 0, 10)", execution_id) == []
    assert await as_api.fetch("SELECT * FROM last_event_of(1, $1)", execution_id) == []
    await as_api.execute("SELECT send_command(1, $1, 'cancel', '', '', 'null', NULL)", execution_id)
    await as_api.execute("SELECT make_due(1, ARRAY[$1::uuid])", execution_id)
    assert await as_api.fetch("SELECT cancel_descendants(1, $1, '', NULL)", execution_id) == []
    assert await main.fetchval("SELECT count(*) FROM execution_commands WHERE execution_id = $1", execution_id) == 1
    assert await main.fetchval("SELECT due_at = 'infinity' FROM executions WHERE id = $1", execution_id)

    assert await as_api.fetchval(start, 2, uuid.uuid4(), workflow_id, None) is True
    assert len(await as_api.fetch("SELECT * FROM history_of(2, $1, 0, 10)", execution_id)) == 1
    await as_api.execute("SELECT send_command(2, $1, 'cancel', '', '', 'null', NULL)", execution_id)
    assert await main.fetchval("SELECT count(*) FROM execution_commands WHERE execution_id = $1", execution_id) == 2


async def test_the_engine_sees_all_tenants(as_engine: asyncpg.Connection) -> None:
    visible = ("workflows", "workflow_revisions", "schedules", "executions", "execution_events", "execution_commands")
    assert [await as_engine.fetchval(f"SELECT count(*) FROM {table}") for table in visible] == [2] * len(visible)


async def test_every_table_has_walls(main: asyncpg.Connection) -> None:
    """A new table is in the list of walls, and its row-level security is forced."""
    tables = await main.fetch(
        "SELECT relname, relrowsecurity AND relforcerowsecurity AS is_forced, relowner::regrole::text AS owner,"
        " (SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid) AS policies"
        " FROM pg_class c WHERE relkind IN ('r', 'p', 'v', 'm', 'f') AND relnamespace = 'public'::regnamespace"
    )
    assert {row["relname"] for row in tables} == {wall.table for wall in WALLS}
    for row in tables:
        assert (row["is_forced"], row["owner"]) == (True, "workflow_owner"), row["relname"]
        assert row["policies"] >= 2, row["relname"]


async def test_a_table_with_a_tenant_is_seen_by_tenant(main: asyncpg.Connection) -> None:
    """No table that has the tenant of its rows, or a parent with one, is open."""
    open_tables = {wall.table for wall in WALLS if wall.rows == "true"}
    with_tenant = await main.fetch(
        "SELECT table_name::text FROM information_schema.columns WHERE table_schema = 'public'"
        " AND column_name IN ('tenant_id', 'execution_id', 'workflow_id')"
    )
    assert open_tables.isdisjoint(row[0] for row in with_tenant)


async def test_every_function_is_a_door_for_the_api_only(main: asyncpg.Connection) -> None:
    """A function that runs with the rights of its owner finds nothing that its caller has put in its way."""
    functions = await main.fetch(
        "SELECT proname::text AS name, prosecdef AS as_owner, proconfig AS settings,"
        " has_function_privilege('workflow_api', oid, 'EXECUTE') AS by_api,"
        " has_function_privilege('pg_monitor', oid, 'EXECUTE') AS by_others"
        " FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
    )
    assert functions
    for name, as_owner, settings, by_api, by_others in map(tuple, functions):
        is_door = name not in TRIGGERS
        assert (settings, by_others) == (["search_path=pg_catalog, public, pg_temp"], False), name
        assert (as_owner or not is_door, by_api) == (True, is_door), name
