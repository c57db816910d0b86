from collections.abc import AsyncIterator

import pytest

from app.adapters.database.pool import Pool, open_pool


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    async with open_pool(database_url, size=8, timeout_seconds=20) as pool:
        yield pool
