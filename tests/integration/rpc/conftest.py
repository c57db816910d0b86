from collections.abc import AsyncIterator

import pytest

from tests.support.checking import assert_clean
from tests.support.engine_process import RunningServer, running_server, settings_for


@pytest.fixture
async def database_url(database_url: str) -> AsyncIterator[str]:
    """The histories that a test leaves are whole."""
    yield database_url
    await assert_clean(database_url)


@pytest.fixture
async def server(database_url: str) -> AsyncIterator[RunningServer]:
    async with running_server(settings_for(database_url)) as running:
        yield running
