from collections.abc import AsyncIterator

import pytest

from tests.support.ended_executions import Ended, ended_executions


@pytest.fixture
async def ended(database_url: str) -> AsyncIterator[Ended]:
    async with ended_executions(database_url) as ended:
        yield ended
