"""The REST API over real PostgreSQL and Redis."""

from collections.abc import AsyncIterator

import httpx
import pytest

from app.config import Settings
from tests.support.rest_service import MAX_BODY, MAX_TASKS, serving
from tests.support.walls import urls_for


@pytest.fixture
def settings(database_url: str, redis_url: str) -> Settings:
    return Settings(
        _env_file=None,
        **urls_for(database_url),
        redis_url=redis_url,
        database_pool_size=4,
        max_body_bytes=MAX_BODY,
        max_tasks_per_workflow=MAX_TASKS,
        cache_timeout_seconds=30,
        python_modules="examples.sample_flow.functions",
    )


@pytest.fixture
async def rest(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(settings) as client:
        yield client
