"""What the logins cannot do in the database itself, as someone with psql would try it. Nothing changes."""

import io

import asyncpg
import pytest

from tests.integration.walls.conftest import IN_TENANT, OF_TENANTS

REFUSED = (asyncpg.InsufficientPrivilegeError, asyncpg.FeatureNotSupportedError)


@pytest.mark.parametrize("table", OF_TENANTS)
async def test_without_a_tenant_no_row_is_seen(api_once: asyncpg.Connection, table: str) -> None:
    assert await api_once.fetchval(f"SELECT count(*) FROM {table}") == 0


@pytest.mark.parametrize("tenant", ["", "3", "0", "-1"])
async def test_another_setting_is_no_tenant(api_once: asyncpg.Connection, tenant: str) -> None:
    await api_once.fetchval(IN_TENANT, tenant)
    assert [await api_once.fetchval(f"SELECT count(*) FROM {table}") for table in OF_TENANTS] == [0] * len(OF_TENANTS)


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO workflows (key, name, variables, conditions, revision, created_at, updated_at, tenant_id)"
        " VALUES ('v', 'v', '{}', '[]', 1, now(), now(), 2)",
        "UPDATE workflows SET tenant_id = 2",
        "UPDATE schedules SET tenant_id = 2",
        "UPDATE api_keys SET tenant_id = 2",
        "UPDATE tasks SET workflow_id = 2",
        "INSERT INTO tasks (workflow_id, name, execution_type, sequence, config, on_failure, compensate, created_at,"
        " updated_at) VALUES (2, 'b', 'sync', 1, '{}', 'fail', '{}', now(), now())",
        "INSERT INTO workflow_revisions (workflow_id, revision, snapshot, created_at, tenant_id)"
        " VALUES (2, 2, '{}', now(), 2)",
        "INSERT INTO api_keys (tenant_id, prefix, digest, name, role, created_by)"
        " VALUES (2, 'p', sha256('x'), 'a key', 'admin', 'me')",
    ],
)
async def test_nothing_is_put_into_another_tenant(api_once: asyncpg.Connection, statement: str) -> None:
    await api_once.fetchval(IN_TENANT, "1")
    with pytest.raises((*REFUSED, asyncpg.ForeignKeyViolationError)):
        await api_once.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "TRUNCATE executions",
        "TRUNCATE workflows CASCADE",
        "DROP POLICY rows_of_workflow_api ON executions",
        "ALTER POLICY rows_of_workflow_api ON executions USING (true)",
        "CREATE POLICY mine ON executions USING (true)",
        "ALTER TABLE executions NO FORCE ROW LEVEL SECURITY",
        "ALTER TABLE executions DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE executions OWNER TO workflow_api",
        "DROP TABLE executions",
        "CREATE TABLE mine (id int)",
        "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE OR REPLACE FUNCTION make_due(int, uuid[]) RETURNS void LANGUAGE sql AS 'SELECT 1'",
        "DROP FUNCTION make_due",
        "SET ROLE workflow_engine",
        "SET ROLE workflow_owner",
        "SET SESSION AUTHORIZATION workflow_engine",
        "GRANT workflow_engine TO workflow_api",
        "ALTER ROLE workflow_api BYPASSRLS",
        "CREATE ROLE another",
        "COPY executions FROM STDIN",
        "COPY executions TO '/tmp/stolen'",
        "COPY executions TO PROGRAM 'cat'",
        "INSERT INTO executions (id) VALUES (gen_random_uuid())",
        "UPDATE executions SET owner_id = NULL",
        "DELETE FROM executions",
        "DELETE FROM execution_events",
        "INSERT INTO execution_commands (execution_id, type, reason, name, payload)"
        " SELECT id, 'cancel', '', '', 'null' FROM executions",
        "UPDATE workflow_revisions SET snapshot = '{}'",
        "DELETE FROM workflow_revisions",
        "DELETE FROM api_keys",
        "UPDATE engines SET lease_until = 'infinity'",
        "DELETE FROM engines",
        "DELETE FROM ended_engines",
        "UPDATE executions SET ended_by = 1",
        "UPDATE tenants SET key = 'x'",
        "UPDATE alembic_version SET version_num = '1'",
        "SELECT * FROM pg_authid",
        "SELECT pg_read_file('PG_VERSION')",
    ],
)
async def test_the_api_may_not(api_once: asyncpg.Connection, statement: str) -> None:
    await api_once.fetchval(IN_TENANT, "1")
    with pytest.raises(REFUSED):
        await api_once.execute(statement)


async def test_row_level_security_cannot_be_switched_off(api_once: asyncpg.Connection) -> None:
    await api_once.execute("SET row_security = off")
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="affected by row-level security"):
        await api_once.fetch("SELECT * FROM executions")


async def test_a_copy_has_the_rows_of_the_tenant_only(api_once: asyncpg.Connection) -> None:
    copies = []
    for tenant in ("", "1"):
        await api_once.fetchval(IN_TENANT, tenant)
        target = io.BytesIO()
        await api_once.copy_from_table("api_keys", output=target, columns=["tenant_id"])
        copies.append(target.getvalue())
    assert copies == [b"", b"1\n"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE executions SET tenant_id = 2",
        "UPDATE executions SET workflow_id = 2",
        "UPDATE executions SET input = '{}'",
        "UPDATE executions SET created_at = now()",
        "UPDATE executions SET id = gen_random_uuid()",
        "UPDATE execution_events SET data = '{}'",
        "UPDATE execution_commands SET type = 'cancel'",
        "UPDATE schedules SET tenant_id = 2",
        "UPDATE schedules SET workflow_id = 2",
        "DELETE FROM schedules",
        "INSERT INTO workflows (key) VALUES ('x')",
        "UPDATE workflows SET name = 'x'",
        "DELETE FROM workflows",
        "UPDATE workflow_revisions SET snapshot = '{}'",
        "SELECT * FROM api_keys",
        "SELECT * FROM tasks",
        "SELECT find_api_key('x', 1)",
        "UPDATE tenants SET name = 'x'",
        "TRUNCATE executions",
        "DROP POLICY rows_of_workflow_engine ON executions",
        "SET ROLE workflow_owner",
        "SET ROLE workflow_api",
        "CREATE TABLE mine (id int)",
    ],
)
async def test_the_engine_may_not(engine_once: asyncpg.Connection, statement: str) -> None:
    with pytest.raises(REFUSED):
        await engine_once.execute(statement)
