"""The REST application over real parts, called in this process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI

from app.api.rest.app import create_app
from app.background.defects import Defects
from app.config import Settings
from app.wiring.rest_process import open_rest_process
from tests.support.clients import rest_client

MAX_BODY = 65_536
MAX_TASKS = 20


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application over the parts that `settings` name."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        defects = Defects()
        async with open_rest_process(settings, defects) as services:
            app.state.services = services
            yield
        defects.raise_first()

    app = create_app(lifespan)
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        rest_client(transport=transport, base_url="http://localhost") as client,
    ):
        yield client
