from collections.abc import AsyncIterator

import asyncpg
import pytest

from app.adapters.database_url import driver_dsn
from tests.support import gated_tasks
from tests.support.gated_tasks import Gates


@pytest.fixture
async def session(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """For looking at the database, and for doing things to it that a process cannot."""
    session = await asyncpg.connect(driver_dsn(database_url))
    yield session
    await session.close()


@pytest.fixture
def gates(monkeypatch: pytest.MonkeyPatch) -> Gates:
    gates = Gates()
    monkeypatch.setattr(gated_tasks, "gates", gates)
    return gates
