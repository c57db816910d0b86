"""A tenant stores no more workflows than its limit allows, on every definition store."""

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg
import pytest

from app.adapters.database_url import driver_dsn
from app.definitions.ports import DefinitionStore
from app.domain.callers import DEFAULT_TENANT_ID
from app.domain.definitions import TaskDraft, WorkflowDraft
from app.domain.errors import QuotaExceeded
from tests.support.acts import ANYONE
from tests.support.memory.definitions import MemoryDefinitionStore
from tests.support.requests import ref_of

Limit = Callable[[int | None], Awaitable[None]]
DRAFT = WorkflowDraft("w", tasks=(TaskDraft("a"),))


@pytest.fixture
def limit(request: pytest.FixtureRequest, definition_store: DefinitionStore) -> Limit:
    """Sets how many workflows the tenant `default` may have."""

    async def in_memory(most: int | None) -> None:
        assert isinstance(definition_store, MemoryDefinitionStore)
        definition_store.max_definitions = {} if most is None else {DEFAULT_TENANT_ID: most}

    async def in_postgres(most: int | None) -> None:
        session = await asyncpg.connect(driver_dsn(request.getfixturevalue("database_url")))
        await session.execute("UPDATE tenants SET max_definitions = $1", most)
        await session.close()

    return in_memory if isinstance(definition_store, MemoryDefinitionStore) else in_postgres


async def test_no_more_workflows_are_stored_than_the_limit_allows(definition_store: DefinitionStore, limit: Limit):
    first = await definition_store.create(ANYONE, DRAFT)
    await limit(2)
    await definition_store.create(ANYONE, DRAFT)
    with pytest.raises(QuotaExceeded, match="the tenant has 2 workflows or more, which is its limit"):
        await definition_store.create(ANYONE, DRAFT)
    await definition_store.delete(ANYONE, ref_of(first.workflow))
    await definition_store.create(ANYONE, DRAFT)
    await limit(1)
    with pytest.raises(QuotaExceeded):
        await definition_store.create(ANYONE, DRAFT)
    await limit(None)
    await definition_store.create(ANYONE, DRAFT)


async def test_of_many_that_are_stored_at_once_no_more_than_the_limit_are(
    definition_store: DefinitionStore, limit: Limit
):
    await limit(5)
    ends = await asyncio.gather(*(definition_store.create(ANYONE, DRAFT) for _ in range(20)), return_exceptions=True)
    assert sum(isinstance(end, QuotaExceeded) for end in ends) == 15
    assert sum(not isinstance(end, BaseException) for end in ends) == 5
