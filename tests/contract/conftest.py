"""The stores that the contract suites run on."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from app.adapters.database.definitions import PostgresDefinitionStore
from app.adapters.database.sessions import create_engine
from app.definitions.ports import DefinitionStore
from tests.support.memory.definitions import MemoryDefinitionStore
from tests.support.walls import api_url

START = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)


class Ticking:
    """A clock that moves on by a second with every look."""

    def __init__(self) -> None:
        self.instant = START

    def __call__(self) -> datetime:
        self.instant += timedelta(seconds=1)
        return self.instant


@pytest.fixture
def memory_definitions() -> DefinitionStore:
    return MemoryDefinitionStore(Ticking())


@pytest.fixture
async def postgres_definitions(database_url: str) -> AsyncIterator[DefinitionStore]:
    engine = create_engine(api_url(database_url), pool_size=4)
    yield PostgresDefinitionStore(engine, Ticking())
    await engine.dispose()


@pytest.fixture(params=["memory_definitions", pytest.param("postgres_definitions", marks=pytest.mark.server)])
def definition_store(request: pytest.FixtureRequest) -> DefinitionStore:
    return request.getfixturevalue(request.param)
