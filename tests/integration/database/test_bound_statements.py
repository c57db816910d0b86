"""All that the store of definitions sends to the database is bound to a tenant: each read by a gate of its own, each
transaction by its first statement.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from app.adapters.database.definitions import PostgresDefinitionStore
from app.adapters.database.sessions import create_engine
from app.definitions import edits
from app.definitions.ports import WorkflowFilter
from app.domain.definitions import TaskDraft, WorkflowDraft
from app.domain.errors import NotFound
from tests.support.acts import ANYONE
from tests.support.requests import ref_of
from tests.support.tenant import TENANT_ID


@contextmanager
def unbound(engine: AsyncEngine) -> Iterator[list[str]]:
    """The statements that nothing binds."""
    found: list[str] = []
    bound: set[Any] = set()

    def sent(connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        gated = "set_config" in statement
        if not gated and connection.get_transaction() not in bound:
            found.append(statement)
        if gated and connection.get_isolation_level() != "AUTOCOMMIT":
            bound.add(connection.get_transaction())

    event.listen(engine.sync_engine, "before_cursor_execute", sent)
    yield found
    event.remove(engine.sync_engine, "before_cursor_execute", sent)


async def test_every_statement_about_definitions_is_bound(database_url: str) -> None:
    engine = create_engine(database_url, 1)
    store = PostgresDefinitionStore(engine, lambda: datetime.now(UTC))
    with unbound(engine) as found:
        draft = WorkflowDraft("n", key="k", tasks=(TaskDraft("a"), TaskDraft("b", sequence=1)))
        workflow = (await store.create(ANYONE, draft)).workflow
        by_id, by_key = ref_of(workflow), ref_of("k")
        tasks = (TaskDraft("b"), TaskDraft("c"))
        await store.change(ANYONE, by_key, lambda current: edits.merged(current, {"name": "m", "tasks": tasks}))
        for ref in (by_id, by_key):
            assert await store.document(ref) is not None
            assert await store.current(ref) is not None
            assert (await store.list_revisions(ref, 0, 10))[1] == 2
            assert await store.revision_document(ref, 1)
        assert await store.existing(TENANT_ID, [by_id, by_key]) == {by_id, by_key}
        assert await store.callers(TENANT_ID, [by_id, by_key]) == []
        for wanted in (WorkflowFilter(), WorkflowFilter("m"), WorkflowFilter(key="k"), WorkflowFilter(routed=True)):
            await store.list_documents(TENANT_ID, wanted, 0, 10)
        assert await store.workflow_of_task(TENANT_ID, workflow.tasks[1].id) == workflow.id
        await store.delete(ANYONE, by_id)
        with pytest.raises(NotFound):
            await store.delete(ANYONE, by_id)
    await engine.dispose()
    assert found == []
