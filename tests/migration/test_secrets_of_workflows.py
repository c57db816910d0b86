"""A database that was in use at revision 0008, before workflows named their secrets: what used some then still does."""

from datetime import UTC, datetime

import orjson
import pytest
from alembic import command
from alembic.util import CommandError

from app.adapters.database.schema import Revisions
from app.definitions import edits
from app.engine.planning.plan import compile_plan
from tests.support.acts import ANYONE
from tests.support.migrated_definitions import upgraded_definitions, workflow_k
from tests.support.migrating import ask, run
from tests.support.requests import ref_of
from tests.support.tenant import needs_default

pytestmark = needs_default("rows of earlier versions belong to the tenant default")

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
INSTANT = "2026-01-02T12:00:00.000000Z"
CONFIG = {"z": "Bearer ${secrets.TOKEN}", "a": ["x", {"b": "${size(secrets['API_KEY']) > 0 ? input.secrets : 'ü'}"}]}
TASK = {
    "id": 1,
    "workflow_id": 1,
    "name": "t",
    "description": None,
    "execution_type": "sync",
    "sequence": 0,
    "type": None,
    "config": CONFIG,
    "timeout_seconds": None,
    "retry": None,
    "depends_on": None,
    "on_failure": "fail",
    "compensate": [],
    "when": 'secrets["WHEN"] != ""',
    "for_each": "[secrets . EACH]",
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
    "variables": {"v": "secrets.NOT_AN_EXPRESSION"},
    "input_schema": None,
    "retention_days": None,
    "start_task": None,
    "conditions": [],
    "max_visits": None,
    "revision": 1,
    "tasks": [TASK],
    "created_at": INSTANT,
    "updated_at": INSTANT,
}
SNAPSHOT = orjson.dumps(WORKFLOW).decode()
USED = ("API_KEY", "EACH", "TOKEN", "WHEN")


@pytest.fixture
async def old_url(empty_database_url: str) -> str:
    """A database at revision 0008 with a workflow of one task."""
    url = empty_database_url
    await run(command.upgrade, url, "0008")
    await ask(
        url,
        "INSERT INTO workflows (key, name, variables, conditions, revision, created_at, updated_at)"
        " VALUES ('k', 'n', $1, '[]', 1, $2, $2)",
        orjson.dumps(WORKFLOW["variables"]).decode(),
        NOON,
    )
    await ask(
        url,
        "INSERT INTO tasks (workflow_id, name, execution_type, sequence, config, when_expression, for_each, on_failure,"
        " compensate, created_at, updated_at) VALUES (1, 't', 'sync', 0, $1, $2, $3, 'fail', '{}', $4, $4)",
        orjson.dumps(CONFIG).decode(),
        TASK["when"],
        TASK["for_each"],
        NOON,
    )
    await ask(url, "INSERT INTO workflow_revisions VALUES (1, 1, $1, $2)", SNAPSHOT, NOON)
    return url


@pytest.fixture
async def definitions(old_url: str):
    async with upgraded_definitions(old_url, NOON) as definitions:
        yield definitions


async def test_a_definition_of_then_may_use_what_its_expressions_use(definitions):
    workflow = await workflow_k(definitions)
    assert workflow.secrets == USED
    assert compile_plan(workflow).secrets == frozenset(USED)
    assert await definitions.revision_document(ref_of("k"), 1) == SNAPSHOT.encode()


async def test_a_change_of_something_else_writes_their_names_down(definitions, old_url):
    assert (
        await definitions.change(ANYONE, ref_of("k"), lambda current: edits.merged(current, {}))
    ).workflow.revision == 1
    await definitions.change(ANYONE, ref_of("k"), lambda current: edits.merged(current, {"name": "other"}))
    assert (await workflow_k(definitions)).revision == 2
    written = orjson.loads(await definitions.revision_document(ref_of("k"), 2))
    assert tuple(written["secrets"]) == USED
    assert (await ask(old_url, "SELECT secrets FROM workflows"))[0]["secrets"] == list(USED)


async def test_the_way_back_and_up_again_loses_no_name_that_is_used(definitions, old_url):
    await definitions.change(ANYONE, ref_of("k"), lambda current: edits.merged(current, {"name": "other"}))
    await run(command.downgrade, old_url, "0008")
    rows = await ask(old_url, "SELECT snapshot FROM workflow_revisions ORDER BY revision")
    assert [row["snapshot"] for row in rows] == [SNAPSHOT, without_secrets(rows[1]["snapshot"])]
    await run(command.upgrade, old_url, "head")
    assert (await workflow_k(definitions)).secrets == USED


def without_secrets(snapshot: str) -> str:
    """The snapshot of revision 2 as the version before wrote it."""
    task = TASK | {"updated_at": INSTANT}
    changed = WORKFLOW | {"name": "other", "revision": 2, "tasks": [task]}
    assert orjson.loads(snapshot) == changed
    return orjson.dumps(orjson.loads(snapshot)).decode()


async def test_there_is_no_way_back_that_loses_a_name(definitions, old_url):
    await definitions.change(ANYONE, ref_of("k"), lambda current: edits.merged(current, {"secrets": (*USED, "SPARE")}))
    lost = "revision 2 of workflow 1 names secrets that no expression uses, which would be lost: SPARE"
    with pytest.raises(CommandError, match=f"The database cannot go back to revision 0008: {lost}"):
        await run(command.downgrade, old_url, "0008")
    assert (await ask(old_url, "SELECT version_num FROM alembic_version"))[0][0] == Revisions.read().head
    assert (await workflow_k(definitions)).secrets == (*USED, "SPARE")
