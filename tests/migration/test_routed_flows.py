"""A database that was in use at revision 0005, before conditions: what is stored survives the way up and back."""

from datetime import UTC, datetime

import asyncpg
import orjson
import pytest
from alembic import command
from alembic.util import CommandError

from app.adapters.database.schema import Revisions
from app.definitions import edits
from app.domain.routing import Condition, RouteOutcome
from tests.support.acts import ANYONE
from tests.support.migrated_definitions import upgraded_definitions, workflow_k
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
    "when": None,
    "for_each": None,
    "max_concurrency": None,
    "output_schema": None,
    "created_at": INSTANT,
    "updated_at": INSTANT,
}
WORKFLOW = {
    "id": 1,
    "key": "k",
    "name": "n",
    "description": None,
    "timeout_seconds": None,
    "variables": {"v": 1},
    "input_schema": None,
    "retention_days": 3.0,
    "revision": 1,
    "tasks": [TASK],
    "created_at": INSTANT,
    "updated_at": INSTANT,
}
SNAPSHOT = orjson.dumps(WORKFLOW).decode()
CONDITION = Condition("again", "t", RouteOutcome.FAILURE, "t", description="tries again")


@pytest.fixture
async def old_url(empty_database_url: str) -> str:
    """A database at revision 0005 with a workflow of one task."""
    url = empty_database_url
    await run(command.upgrade, url, "0005")
    await ask(
        url,
        "INSERT INTO workflows (key, name, variables, retention_days, revision, created_at, updated_at)"
        " VALUES ('k', 'n', '{\"v\": 1}', 3, 1, $1, $1)",
        NOON,
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


async def migrated(url: str) -> str:
    await run(command.upgrade, url, "head")
    return url


@pytest.fixture
async def definitions(old_url: str):
    async with upgraded_definitions(old_url, NOON) as definitions:
        yield definitions


async def test_a_definition_of_then_has_the_defaults_of_now(definitions):
    workflow = await workflow_k(definitions)
    assert (workflow.start_task, workflow.conditions, workflow.max_visits) == (None, (), None)
    assert await definitions.revision_document(ref_of("k"), 1) == SNAPSHOT.encode()


async def test_saying_the_same_again_makes_no_revision(definitions):
    assert (
        await definitions.change(ANYONE, ref_of("k"), lambda current: edits.merged(current, {}))
    ).workflow.revision == 1


async def test_a_definition_of_then_takes_the_fields_of_now(definitions, old_url):
    changes = {"start_task": "t", "conditions": (CONDITION,), "max_visits": 5}
    await definitions.change(ANYONE, ref_of("k"), lambda current: edits.merged(current, changes))
    workflow = await workflow_k(definitions)
    assert (workflow.start_task, workflow.conditions, workflow.max_visits, workflow.revision) == (
        "t",
        (CONDITION,),
        5,
        2,
    )
    row = (await ask(old_url, "SELECT start_task, conditions, max_visits FROM workflows"))[0]
    assert (row["start_task"], row["max_visits"]) == ("t", 5)
    assert orjson.loads(row["conditions"]) == [
        {
            "name": "again",
            "source_task": "t",
            "outcome": "failure",
            "target_task_success": "t",
            "target_task_failure": "end",
            "description": "tries again",
        }
    ]


async def files_of_tables(url: str) -> dict[str, int]:
    rows = await ask(url, "SELECT relname, relfilenode FROM pg_class WHERE relkind = 'r' AND relnamespace = 2200")
    return {row["relname"]: row["relfilenode"] for row in rows if row["relname"] != "alembic_version"}


async def test_no_table_is_rewritten_on_the_way_up(old_url):
    before = await files_of_tables(old_url)
    after = await files_of_tables(await migrated(old_url))
    assert {table: after[table] for table in before} == before
    assert "workflows" in before


async def test_the_way_back_leads_to_what_was_there(old_url):
    before = await schema(old_url)
    await run(command.downgrade, await migrated(old_url), "0005")
    assert await schema(old_url) == before
    assert (await ask(old_url, "SELECT snapshot::text FROM workflow_revisions"))[0][0] == SNAPSHOT


async def test_snapshots_of_now_go_back_to_the_form_of_then(definitions, old_url):
    await definitions.change(ANYONE, ref_of("k"), lambda current: edits.merged(current, {"name": "m"}))
    await run(command.downgrade, old_url, "0005")
    rows = await ask(old_url, "SELECT snapshot::text FROM workflow_revisions ORDER BY revision")
    assert rows[1][0] == orjson.dumps(WORKFLOW | {"name": "m", "revision": 2}).decode()


@pytest.mark.parametrize(
    ("field", "value"), [("start_task", '"t"'), ("conditions", '[{"name":"c"}]'), ("max_visits", "5")]
)
async def test_the_way_back_is_refused_where_something_would_be_lost(old_url, field, value):
    statement = "UPDATE workflow_revisions SET snapshot = replace(snapshot::text, $1, $2)::json"
    await ask(await migrated(old_url), statement, '"name":"n"', f'"name":"n","{field}":{value}')
    before = await schema(old_url)
    with pytest.raises(CommandError) as caught:
        await run(command.downgrade, old_url, "0005")
    lost = f"revision 1 of workflow 1 uses `{field}`, which would be lost"
    assert str(caught.value) == f"The database cannot go back to revision 0005: {lost}."
    assert await schema(old_url) == before
    assert (await ask(old_url, "SELECT version_num FROM alembic_version"))[0][0] == Revisions.read().head


@pytest.mark.parametrize(
    ("change", "error", "constraint"),
    [
        ("conditions = NULL", asyncpg.NotNullViolationError, "conditions"),
        ("start_task = 't', max_visits = 0", asyncpg.CheckViolationError, "ck_workflows_max_visits_positive"),
        ("max_visits = 5", asyncpg.CheckViolationError, "ck_workflows_conditions_of_a_route"),
        ("conditions = '[{}]'", asyncpg.CheckViolationError, "ck_workflows_conditions_of_a_route"),
    ],
)
async def test_a_row_keeps_the_rules_of_the_model(old_url, change, error, constraint):
    await migrated(old_url)
    with pytest.raises(error, match=constraint):
        await ask(old_url, f"UPDATE workflows SET {change}")
