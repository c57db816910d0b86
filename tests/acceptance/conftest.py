from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.checking import assert_clean, assert_folder_clean


@pytest.fixture
async def database_url(database_url: str) -> AsyncIterator[str]:
    """Whatever a test does to its processes: the histories that it leaves in its database are whole."""
    yield database_url
    await assert_clean(database_url)


@pytest.fixture(scope="module")
async def module_database_url(module_database_url: str) -> AsyncIterator[str]:
    """The same once for all tests of a module, which share the processes that use it."""
    yield module_database_url
    await assert_clean(module_database_url)


@pytest.fixture(autouse=True)
async def _embedded_databases_are_left_whole(tmp_path: Path) -> AsyncIterator[None]:
    yield
    for connection in tmp_path.rglob("connection"):
        await assert_folder_clean(connection.parent)
