"""The definitions of a database that was in use at an older revision."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

import orjson
from alembic import command

from app.adapters.database.definitions import PostgresDefinitionStore
from app.adapters.database.sessions import create_engine
from app.definitions.ports import DefinitionStore
from app.domain.definitions import Workflow
from app.domain.documents import workflow_from_document
from tests.support.migrating import run
from tests.support.requests import ref_of


@asynccontextmanager
async def upgraded_definitions(url: str, now: datetime) -> AsyncIterator[PostgresDefinitionStore]:
    """Upgrade the database to the newest revision. The store's clock stands still."""
    await run(command.upgrade, url, "head")
    engine = create_engine(url, pool_size=1)
    try:
        yield PostgresDefinitionStore(engine, lambda: now)
    finally:
        await engine.dispose()


async def workflow_k(definitions: DefinitionStore) -> Workflow:
    """The workflow with the key `k`."""
    document = await definitions.document(ref_of("k"))
    assert document is not None
    return workflow_from_document(orjson.loads(document.body))
