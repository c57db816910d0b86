from collections.abc import AsyncIterator

import pytest

from tests.support.engine_process import RunningServer, running_server, settings_for


@pytest.fixture
async def server(database_url: str) -> AsyncIterator[RunningServer]:
    async with running_server(settings_for(database_url)) as running:
        yield running
