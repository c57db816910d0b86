"""Storing executions whose ids are given."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from app.adapters.database.executions import PostgresExecutionStore
from app.adapters.database.pool import open_pool
from app.domain.definitions import TaskDraft, Workflow, WorkflowDraft
from app.domain.payloads import Payload
from app.engine.ports import Opening
from app.engine.triggering.ports import Storing
from tests.support.databases import ask
from tests.support.engine_process import change_workflow, store_workflow
from tests.support.tenant import TENANT_ID

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[PostgresExecutionStore]:
    async with open_pool(database_url, 10, 60) as pool:
        yield PostgresExecutionStore(pool)


@pytest.fixture
async def workflow(database_url: str) -> Workflow:
    return await store_workflow(database_url, WorkflowDraft(name="w", key="w", tasks=(TaskDraft("a"),)))


@pytest.fixture
def opening(workflow: Workflow) -> Opening:
    return Opening(workflow.id, 1, Payload('{"a":1}'), NOW, created_data='{"via":"test"}', started_by="key:Abc")


async def test_the_row_and_the_first_event_are_stored_together(store, opening, database_url):
    run_id = uuid4()
    assert await store.store_run(TENANT_ID, run_id, opening, 0.0) is Storing.STORED
    stored = await store.get(TENANT_ID, run_id)
    assert (stored.input.text, stored.created_at, stored.started_by) == ('{"a":1}', NOW, "key:Abc")
    page = await store.read_history(TENANT_ID, run_id, 0, 10)
    (event,) = page.events
    assert (event.sequence, event.type, event.status, event.data) == (
        1,
        "execution_created",
        "pending",
        '{"via":"test"}',
    )
    assert await ask(database_url, "SELECT due_at <= now() FROM executions")


async def test_it_is_due_after_the_delay(store, opening, database_url):
    assert await store.store_run(TENANT_ID, uuid4(), opening, 3600.0) is Storing.STORED
    assert await ask(database_url, "SELECT due_at > now() + interval '50 minutes' FROM executions")


async def test_an_id_is_stored_once(store, opening, database_url):
    run_id = uuid4()
    results = await asyncio.gather(*(store.store_run(TENANT_ID, run_id, opening, 0.0) for _ in range(10)))
    assert sorted(result.name for result in results) == ["STORED", *["TAKEN"] * 9]
    assert await ask(database_url, "SELECT count(*) FROM execution_events") == 1


async def test_a_revision_that_is_not_current_is_refused(store, opening, database_url):
    await change_workflow(database_url, "w", {"name": "changed"})
    assert await store.store_run(TENANT_ID, uuid4(), opening, 0.0) is Storing.REFUSED
    assert await store.store_run(TENANT_ID + 7, uuid4(), replace(opening, revision=2), 0.0) is Storing.REFUSED
    assert await ask(database_url, "SELECT count(*) FROM executions") == 0
    assert await store.store_run(TENANT_ID, uuid4(), replace(opening, revision=2), 0.0) is Storing.STORED
