"""The REST application over real parts, called in this process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from app.background.defects import Defects
from app.config import Settings
from app.wiring.rest_process import open_rest_process
from tests.support.applications import application
from tests.support.clients import rest_client

MAX_BODY = 65_536
MAX_TASKS = 20


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application over the parts that `settings` name."""
    defects = Defects()
    with application() as app:
        async with open_rest_process(settings, defects) as app.state.services:
            transport = httpx.ASGITransport(app)
            async with rest_client(transport=transport, base_url="http://localhost") as client:
                yield client
        defects.raise_first()
