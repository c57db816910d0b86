"""Two tenants with the same contents, and the logins that look at them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from app.adapters.database_url import driver_dsn
from tests.support.walls import api_url, engine_url

# With TEST_TENANT there are a tenant of this name and its key.
FILL = """
DELETE FROM api_keys;
INSERT INTO tenants (key, name) VALUES ('other', 'Other') ON CONFLICT (key) DO NOTHING;
INSERT INTO workflows (key, name, variables, conditions, revision, created_at, updated_at, tenant_id)
SELECT 'w', 'of ' || t.key, '{}', '[]', 1, now(), now(), t.id FROM tenants t;
INSERT INTO tasks (workflow_id, name, execution_type, sequence, config, on_failure, compensate, created_at, updated_at)
SELECT w.id, 'a', 'sync', 1, '{}', 'fail', '{}', now(), now() FROM workflows w;
INSERT INTO workflow_revisions (workflow_id, revision, snapshot, created_at, tenant_id)
SELECT w.id, 1, '{"key": "w"}', now(), w.tenant_id FROM workflows w;
INSERT INTO schedules (version, key, workflow_id, cron, time_zone, input, overlap, catch_up_seconds, paused, created_at,
                       updated_at, tenant_id)
SELECT 1, 's', w.id, '0 0 * * *', 'UTC', '{}', 'skip', 60, false, now(), now(), w.tenant_id FROM workflows w;
INSERT INTO executions (id, workflow_id, revision, input, created_at, due_at, status, tenant_id)
SELECT gen_random_uuid(), w.id, 1, '{}', now(), now(), 'pending', w.tenant_id FROM workflows w;
INSERT INTO execution_events (execution_id, sequence, type, occurred_at, status, progress_percent, attempt)
SELECT e.id, 1, 'execution_created', now(), 'pending', 0, 0 FROM executions e;
INSERT INTO execution_commands (execution_id, type, reason, name, payload)
SELECT e.id, 'pause', '', '', 'null' FROM executions e;
INSERT INTO api_keys (tenant_id, prefix, digest, name, role, created_by)
SELECT t.id, t.key, sha256(t.key::bytea), 'a key', 'admin', 'test' FROM tenants t;
INSERT INTO engines (name, lease_until) VALUES ('an engine', 'infinity');
"""
IN_TENANT = "SELECT set_config('app.tenant', $1, false)"
OF_TENANTS = (
    "workflows",
    "tasks",
    "workflow_revisions",
    "schedules",
    "executions",
    "execution_events",
    "execution_commands",
    "api_keys",
)


@asynccontextmanager
async def session(url: str) -> AsyncIterator[asyncpg.Connection]:
    opened = await asyncpg.connect(driver_dsn(url))
    try:
        yield opened
    finally:
        await opened.close()


@pytest.fixture
async def main(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """As the superuser, who passes the walls."""
    async with session(database_url) as opened:
        await opened.execute(FILL)
        yield opened


@pytest.fixture
async def as_api(main: asyncpg.Connection, database_url: str) -> AsyncIterator[asyncpg.Connection]:
    async with session(api_url(database_url)) as opened:
        yield opened


@pytest.fixture
async def as_engine(main: asyncpg.Connection, database_url: str) -> AsyncIterator[asyncpg.Connection]:
    async with session(engine_url(database_url)) as opened:
        yield opened


@pytest.fixture(scope="module")
async def filled_once(module_database_url: str) -> str:
    """One database for all tests of a module, which change nothing."""
    async with session(module_database_url) as opened:
        await opened.execute(FILL)
    return module_database_url


@pytest.fixture
async def api_once(filled_once: str) -> AsyncIterator[asyncpg.Connection]:
    async with session(api_url(filled_once)) as opened:
        yield opened


@pytest.fixture
async def engine_once(filled_once: str) -> AsyncIterator[asyncpg.Connection]:
    async with session(engine_url(filled_once)) as opened:
        yield opened
