"""The service with authentication on."""

from collections.abc import AsyncIterator

import httpx
import pytest

from app.config import Settings
from tests.support.callers import Keys
from tests.support.engine_process import RunningServer, running_server
from tests.support.rest_service import serving


@pytest.fixture
def settings(database_url: str) -> Settings:
    return Settings(_env_file=None, database_url=database_url, database_pool_size=4, auth="on")


@pytest.fixture
def keys(database_url: str) -> Keys:
    return Keys(database_url)


@pytest.fixture
async def rest(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(settings) as client:
        yield client


@pytest.fixture
async def server(settings: Settings) -> AsyncIterator[RunningServer]:
    async with running_server(settings) as running:
        yield running
