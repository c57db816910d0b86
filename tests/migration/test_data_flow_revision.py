"""A database that was in use at revision 0003: what is stored there survives the way up, and the way back."""

from datetime import UTC, datetime

import asyncpg
import orjson
import pytest
from alembic import command
from alembic.util import CommandError

from app.definitions import edits
from app.domain.documents import workflow_from_document
from tests.support.acts import ANYONE
from tests.support.migrated_definitions import upgraded_definitions
from tests.support.migrating import ask, run, schema
from tests.support.requests import ref_of
from tests.support.tenant import needs_default

pytestmark = needs_default("rows of earlier versions belong to the tenant default")

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
INSTANT = "2026-01-02T12:00:00.000000Z"
TASK = {
    "id": 1,
    "workflow_id": 1,
    "name": "t",
    "description": None,
    "execution_type": "sync",
    "sequence": 0,
    "type": "log",
    "config": {"z": 1.0, "a": "ü\u2028"},
    "timeout_seconds": None,
    "retry": None,
    "depends_on": None,
    "on_failure": "fail",
    "compensate": [],
    "created_at": INSTANT,
    "updated_at": INSTANT,
}
WORKFLOW = {
    "id": 1,
    "key": "k",
    "name": "n",
    "description": None,
    "timeout_seconds": None,
    "revision": 1,
    "tasks": [TASK],
    "created_at": INSTANT,
    "updated_at": INSTANT,
}
SNAPSHOT = orjson.dumps(WORKFLOW).decode()


@pytest.fixture
async def old_url(empty_database_url: str) -> str:
    url = empty_database_url
    await run(command.upgrade, url, "0003")
    await ask(
        url, "INSERT INTO workflows (key, name, revision, created_at, updated_at) VALUES ('k', 'n', 1, $1, $1)", NOON
    )
    await ask(
        url,
        "INSERT INTO tasks (workflow_id, name, execution_type, sequence, type, config, on_failure, compensate,"
        " created_at, updated_at) VALUES (1, 't', 'sync', 0, 'log', $1, 'fail', '{}', $2, $2)",
        orjson.dumps(TASK["config"]).decode(),
        NOON,
    )
    await ask(url, "INSERT INTO workflow_revisions VALUES (1, 1, $1, $2)", SNAPSHOT, NOON)
    return url


@pytest.fixture
async def definitions(old_url: str):
    async with upgraded_definitions(old_url, NOON) as definitions:
        yield definitions


async def test_a_definition_of_then_has_the_defaults_of_now_and_takes_its_fields(definitions, old_url):
    document = await definitions.document(ref_of("k"))
    workflow = workflow_from_document(orjson.loads(document.body))
    assert document.body == SNAPSHOT.encode()
    assert (workflow.variables, workflow.input_schema, workflow.retention_days) == ({}, None, None)
    assert [(t.when, t.for_each, t.max_concurrency, t.output_schema) for t in workflow.tasks] == [(None,) * 4]
    assert (
        await definitions.change(ANYONE, ref_of("k"), lambda current: edits.merged(current, {}))
    ).workflow.revision == 1
    changes = {"when": "true", "for_each": "[1]", "max_concurrency": 2, "output_schema": {"type": "object"}}
    await definitions.change(ANYONE, ref_of("k"), lambda current: edits.with_task_merged(current, 1, changes))
    await definitions.change(
        ANYONE, ref_of("k"), lambda current: edits.merged(current, {"variables": {"a": 1}, "input_schema": {}})
    )
    rows = await ask(old_url, "SELECT when_expression, for_each, max_concurrency, output_schema::text FROM tasks")
    assert [tuple(row) for row in rows] == [("true", "[1]", 2, '{"type": "object"}')]
    rows = await ask(old_url, "SELECT variables::text, input_schema::text FROM workflows")
    assert [tuple(row) for row in rows] == [('{"a": 1}', "{}")]


async def test_no_table_is_rewritten_on_the_way_up(old_url):
    question = "SELECT relname, relfilenode FROM pg_class WHERE relname IN ('workflows', 'tasks', 'workflow_revisions')"
    before = {row["relname"]: row["relfilenode"] for row in await ask(old_url, question)}
    await run(command.upgrade, old_url, "0004")
    assert {row["relname"]: row["relfilenode"] for row in await ask(old_url, question)} == before
    assert len(before) == 3


async def test_the_way_back_leads_to_what_was_there(old_url):
    before = await schema(old_url)
    await run(command.upgrade, old_url, "0004")
    await run(command.downgrade, old_url, "0003")
    assert await schema(old_url) == before
    assert (await ask(old_url, "SELECT snapshot::text FROM workflow_revisions"))[0][0] == SNAPSHOT


async def test_snapshots_of_now_go_back_to_the_form_of_then(definitions, old_url):
    await definitions.change(ANYONE, ref_of("k"), lambda current: edits.merged(current, {"name": "m"}))
    await run(command.downgrade, old_url, "0003")
    rows = await ask(old_url, "SELECT snapshot::text FROM workflow_revisions ORDER BY revision")
    assert orjson.loads(rows[1][0]) == WORKFLOW | {"name": "m", "revision": 2}
    assert list(orjson.loads(rows[1][0])) == list(WORKFLOW)


@pytest.mark.parametrize(
    ("changes", "task_changes", "field"),
    [
        ({"variables": {"a": None}}, {}, "variables"),
        ({"input_schema": {}}, {}, "input_schema"),
        ({"retention_days": 1.0}, {}, "retention_days"),
        ({}, {"when": "true"}, "when"),
        ({}, {"for_each": "[1]"}, "for_each"),
        ({}, {"for_each": "[1]", "max_concurrency": 1}, "for_each"),
        ({}, {"output_schema": {}}, "output_schema"),
    ],
)
async def test_the_way_back_is_refused_where_something_would_be_lost(
    definitions, old_url, changes, task_changes, field
):
    """Also where only an old revision says it."""
    if changes:
        await definitions.change(ANYONE, ref_of("k"), lambda current: edits.merged(current, changes))
    else:
        await definitions.change(ANYONE, ref_of("k"), lambda current: edits.with_task_merged(current, 1, task_changes))
    await definitions.delete(ANYONE, ref_of("k"))
    before = await schema(old_url)
    with pytest.raises(CommandError) as caught:
        await run(command.downgrade, old_url, "0003")
    reason = f"revision 2 of workflow 1 uses `{field}`, which would be lost"
    assert str(caught.value) == f"The database cannot go back to revision 0003: {reason}."
    assert await schema(old_url) == before


async def test_rows_keep_the_rules_of_loops(definitions, old_url):
    with pytest.raises(asyncpg.CheckViolationError, match="ck_tasks_max_concurrency_of_a_loop"):
        await ask(old_url, "UPDATE tasks SET max_concurrency = 1")
    with pytest.raises(asyncpg.CheckViolationError, match="ck_tasks_max_concurrency_positive"):
        await ask(old_url, "UPDATE tasks SET for_each = 'x', max_concurrency = 0")
