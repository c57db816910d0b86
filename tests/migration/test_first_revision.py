"""A database that was in use at revision 0001: what is stored there survives the way up, and the way back."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import orjson
import pytest
from alembic import command
from alembic.util import CommandError

from app.adapters.database.executions import PostgresExecutionStore
from app.adapters.database.pool import open_pool
from app.adapters.database.schema import Revisions
from app.definitions import edits
from app.domain.callers import DEFAULT_TENANT_ID
from app.domain.definitions import OnFailure, RetryPolicy
from app.domain.events import EventType
from app.domain.states import ExecutionStatus
from tests.support.acts import ANYONE
from tests.support.migrated_definitions import upgraded_definitions, workflow_k
from tests.support.migrating import ask, run, schema
from tests.support.requests import ref_of
from tests.support.tenant import needs_default

pytestmark = needs_default("rows of earlier versions belong to the tenant default")

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
EXECUTION = UUID("0197a3c4-5d2e-7c1a-9f3b-2a6f0c9d8e71")
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
    "retry": {
        "max_attempts": 3,
        "initial_interval_seconds": 1.0,
        "backoff_coefficient": 2.0,
        "max_interval_seconds": 60.0,
        "jitter": 0.1,
    },
    "depends_on": None,
    "created_at": INSTANT,
    "updated_at": INSTANT,
}
WORKFLOW = {
    "id": 1,
    "key": "k",
    "name": "n",
    "description": None,
    "revision": 1,
    "tasks": [TASK, TASK | {"id": 2, "name": "u", "retry": None}],
    "created_at": INSTANT,
    "updated_at": INSTANT,
}
SNAPSHOT = orjson.dumps(WORKFLOW).decode()
TASK_ROW = (
    "INSERT INTO tasks (workflow_id, name, execution_type, sequence, type, config, retry, created_at, updated_at)"
    " VALUES (1, $1, 'sync', 0, 'log', $2, $3, $4, $4)"
)
EVENT_ROW = (
    "INSERT INTO execution_events (execution_id, sequence, type, occurred_at, status, progress_percent, task_id,"
    " attempt) VALUES ($1, $2, $3::event_type, $4, $5::execution_status, 0, $6, 0)"
)


@pytest.fixture
async def old_url(empty_database_url: str) -> str:
    """A database at revision 0001 with a workflow of two tasks, and an execution that has ended."""
    url = empty_database_url
    await run(command.upgrade, url, "0001")
    await ask(
        url, "INSERT INTO workflows (key, name, revision, created_at, updated_at) VALUES ('k', 'n', 1, $1, $1)", NOON
    )
    for task in WORKFLOW["tasks"]:
        retry = None if task["retry"] is None else json.dumps(task["retry"])
        await ask(url, TASK_ROW, task["name"], json.dumps(task["config"]), retry, NOON)
    await ask(url, "INSERT INTO workflow_revisions VALUES (1, 1, $1, $2)", SNAPSHOT, NOON)
    await ask(
        url,
        "INSERT INTO executions (id, workflow_id, created_at, started_at, finished_at, due_at, revision, status, input)"
        " VALUES ($1, 1, $2, $2, $2, 'infinity', 1, 'completed', '{}')",
        EXECUTION,
        NOON,
    )
    for number, (type_, status, task) in enumerate(HISTORY, start=1):
        await ask(url, EVENT_ROW, EXECUTION, number, type_, NOON, status, task)
    return url


HISTORY = [
    ("execution_created", "pending", None),
    ("execution_started", "running", None),
    ("task_started", "running", 1),
    ("task_completed", "running", 1),
    ("execution_completed", "completed", None),
]


async def migrated(url: str) -> str:
    await run(command.upgrade, url, "head")
    return url


@pytest.fixture
async def definitions(old_url: str):
    async with upgraded_definitions(old_url, NOON) as definitions:
        yield definitions


async def test_a_definition_of_then_has_the_defaults_of_now(definitions):
    workflow = await workflow_k(definitions)
    assert workflow.timeout_seconds is None
    assert [(task.name, task.on_failure, task.compensate) for task in workflow.tasks] == [
        ("t", OnFailure.FAIL, ()),
        ("u", OnFailure.FAIL, ()),
    ]
    assert workflow.tasks[0].retry == RetryPolicy(3)


async def test_a_snapshot_of_then_is_served_byte_for_byte(definitions):
    assert await definitions.revision_document(ref_of("k"), 1) == SNAPSHOT.encode()


async def test_saying_the_same_again_makes_no_revision(definitions):
    same = (await definitions.change(ANYONE, ref_of("k"), lambda current: edits.merged(current, {}))).workflow
    assert same.revision == 1
    copies = (
        await definitions.change(
            ANYONE, ref_of("k"), lambda current: edits.merged(current, {"tasks": tuple(map(replace, current.tasks))})
        )
    ).workflow
    assert copies.revision == 1


async def test_a_definition_of_then_takes_the_fields_of_now(definitions, old_url):
    changes = {"on_failure": OnFailure.CONTINUE, "compensate": ("u",)}
    await definitions.change(ANYONE, ref_of("k"), lambda current: edits.with_task_merged(current, 1, changes))
    await definitions.change(ANYONE, ref_of("k"), lambda current: edits.merged(current, {"timeout_seconds": 5.0}))
    workflow = await workflow_k(definitions)
    assert (workflow.timeout_seconds, workflow.revision) == (5.0, 3)
    assert (workflow.tasks[0].on_failure, workflow.tasks[0].compensate) == (OnFailure.CONTINUE, ("u",))
    rows = await ask(old_url, "SELECT on_failure, compensate FROM tasks ORDER BY id")
    assert [tuple(row) for row in rows] == [("continue", ["u"]), ("fail", [])]
    assert (await ask(old_url, "SELECT timeout_seconds FROM workflows"))[0][0] == 5.0


async def test_an_execution_of_then_reads_as_it_was(old_url):
    async with open_pool(await migrated(old_url), 1, 10) as pool:
        store = PostgresExecutionStore(pool)
        execution = await store.get(DEFAULT_TENANT_ID, EXECUTION)
        page = await store.read_history(DEFAULT_TENANT_ID, EXECUTION, 0, 100)
    assert execution is not None
    assert (execution.status, execution.origin_id, execution.created_at) == (ExecutionStatus.COMPLETED, None, NOON)
    assert [(event.type, event.status, event.task_id) for event in page.events] == [
        (EventType(type_), ExecutionStatus(status), task) for type_, status, task in HISTORY
    ]


async def files_of_tables(url: str) -> dict[str, int]:
    rows = await ask(url, "SELECT relname, relfilenode FROM pg_class WHERE relkind = 'r' AND relnamespace = 2200")
    return {row["relname"]: row["relfilenode"] for row in rows if row["relname"] != "alembic_version"}


async def test_no_table_is_rewritten_on_the_way_up(old_url):
    before = await files_of_tables(old_url)
    after = await files_of_tables(await migrated(old_url))
    assert {table: after[table] for table in before} == before
    assert "execution_events" in before


async def test_enum_values_have_the_order_of_the_model(old_url):
    rows = await ask(await migrated(old_url), "SELECT unnest(enum_range(NULL::event_type))::text")
    assert [row[0] for row in rows] == [type_.value for type_ in EventType]


async def test_the_way_back_leads_to_what_was_there(old_url):
    before = await schema(old_url)
    await run(command.downgrade, await migrated(old_url), "0001")
    assert await schema(old_url) == before
    assert (await ask(old_url, "SELECT snapshot::text FROM workflow_revisions"))[0][0] == SNAPSHOT
    events = await ask(old_url, "SELECT type::text FROM execution_events ORDER BY sequence")
    assert [row[0] for row in events] == [type_ for type_, _, _ in HISTORY]


async def test_snapshots_of_now_go_back_to_the_form_of_then(definitions, old_url):
    await definitions.change(ANYONE, ref_of("k"), lambda current: edits.merged(current, {"name": "m"}))
    await run(command.downgrade, old_url, "0001")
    rows = await ask(old_url, "SELECT snapshot::text FROM workflow_revisions ORDER BY revision")
    assert orjson.loads(rows[1][0]) == WORKFLOW | {"name": "m", "revision": 2}
    assert list(orjson.loads(rows[1][0])) == list(WORKFLOW)


SNAPSHOT_WITH = "UPDATE workflow_revisions SET snapshot = replace(snapshot::text, {}, {})::json"


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        (
            "UPDATE execution_events SET type = 'execution_failing' WHERE sequence = 3",
            "it holds events of types that revision 0001 does not have",
        ),
        (
            "UPDATE execution_events SET type = 'task_skipped' WHERE sequence = 4",
            "it holds events of types that revision 0001 does not have",
        ),
        (
            "UPDATE execution_events SET type = 'task_reused' WHERE sequence = 4",
            "it holds events of types that revision 0001 does not have",
        ),
        ("UPDATE executions SET origin_id = id", "it holds executions that repeat another one"),
        (
            "INSERT INTO execution_commands (execution_id, type, reason, name, payload)"
            " SELECT id, 'skip', '', 't', 'null' FROM executions",
            "it holds requests to skip a task",
        ),
        (
            SNAPSHOT_WITH.format("""'"name":"n"'""", """'"name":"n","timeout_seconds":5'"""),
            "revision 1 of workflow 1 uses `timeout_seconds`, which would be lost",
        ),
        (
            SNAPSHOT_WITH.format("""'"name":"t"'""", """'"name":"t","on_failure":"continue"'"""),
            "revision 1 of workflow 1 uses `on_failure`, which would be lost",
        ),
        (
            SNAPSHOT_WITH.format("""'"name":"t"'""", """'"name":"t","compensate":["u"]'"""),
            "revision 1 of workflow 1 uses `compensate`, which would be lost",
        ),
        (
            SNAPSHOT_WITH.format("""'"jitter":0.1'""", """'"jitter":0.1,"non_retryable_errors":["gone"]'"""),
            "revision 1 of workflow 1 uses `non_retryable_errors`, which would be lost",
        ),
    ],
)
async def test_the_way_back_is_refused_where_something_would_be_lost(old_url, statement, reason):
    await ask(await migrated(old_url), statement)
    before = await schema(old_url)
    with pytest.raises(CommandError) as caught:
        await run(command.downgrade, old_url, "0001")
    assert str(caught.value) == f"The database cannot go back to revision 0001: {reason}."
    assert await schema(old_url) == before
    assert (await ask(old_url, "SELECT version_num FROM alembic_version"))[0][0] == Revisions.read().head


async def test_a_row_needs_the_new_columns_as_the_model_says(old_url):
    with pytest.raises(asyncpg.NotNullViolationError):
        await ask(await migrated(old_url), TASK_ROW, "x", "{}", None, NOON)
    with pytest.raises(asyncpg.CheckViolationError, match="ck_workflows_timeout_positive"):
        await ask(old_url, "UPDATE workflows SET timeout_seconds = 0")
