"""A database that was in use at revision 0012: what it holds belongs to the first tenant, and may go back as long as it
does.
"""

import pytest
from alembic import command
from alembic.util import CommandError

from tests.support.histories import NOON
from tests.support.migrating import ask, run, schema

TABLES = ("workflows", "workflow_revisions", "schedules", "executions")
WORKFLOW = """
INSERT INTO workflows (key, name, variables, conditions, revision, created_at, updated_at)
VALUES ('k', 'n', '{}', '[]', 1, $1, $1)
"""
SCHEDULE = """
INSERT INTO schedules (version, key, workflow_id, time_zone, at, input, overlap, catch_up_seconds, paused, created_at,
                       updated_at)
VALUES (1, 's', 1, 'UTC', $1, '{}', 'skip', 60, false, $1, $1)
"""
EXECUTION = """
INSERT INTO executions (id, workflow_id, created_at, due_at, revision, status, input)
VALUES ('019a0000-0000-7000-8000-000000000001', 1, $1, $1, 1, 'pending', '{}')
"""


async def fill(url: str) -> None:
    await run(command.upgrade, url, "0012")
    for statement in (WORKFLOW, "INSERT INTO workflow_revisions VALUES (1, 1, '{}', $1)", SCHEDULE, EXECUTION):
        await ask(url, statement, NOON)


async def test_all_that_is_stored_belongs_to_the_first_tenant(empty_database_url: str) -> None:
    await fill(empty_database_url)
    before = await schema(empty_database_url)
    files = await ask(empty_database_url, "SELECT pg_relation_filenode('executions')")
    await run(command.upgrade, empty_database_url, "0013")
    for table in TABLES:
        assert [row["tenant_id"] for row in await ask(empty_database_url, f"SELECT tenant_id FROM {table}")] == [1]
    assert await ask(empty_database_url, "SELECT pg_relation_filenode('executions')") == files, "it was rewritten"
    await run(command.downgrade, empty_database_url, "0012")
    assert await schema(empty_database_url) == before
    assert len(await ask(empty_database_url, "SELECT FROM executions")) == 1


async def test_a_database_of_several_tenants_does_not_go_back(empty_database_url: str) -> None:
    await fill(empty_database_url)
    await run(command.upgrade, empty_database_url, "0013")
    await ask(empty_database_url, "INSERT INTO tenants (key, name) VALUES ('other', 'Other')")
    await ask(
        empty_database_url,
        "INSERT INTO workflows (tenant_id, key, name, variables, conditions, revision, created_at, updated_at)"
        " VALUES (2, 'k', 'n', '{}', '[]', 1, $1, $1)",
        NOON,
    )
    before = await schema(empty_database_url)
    with pytest.raises(CommandError, match="it holds workflows of several tenants"):
        await run(command.downgrade, empty_database_url, "0012")
    assert await schema(empty_database_url) == before
