"""The REST application over real connections, which streams need: an ASGI client sees a response when it has ended."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial

import httpx
import uvicorn
from fastapi import FastAPI

from app.api.live.socket_protocol import SERVER_OPTIONS
from app.api.rest.dependencies import Services
from app.api.rest.http_protocol import BoundedHttpProtocol, HttpLimits
from app.api.rest.live_streams import LiveStreams
from app.api.rest.unfinished_heads import UnfinishedHeads
from app.background.defects import Defects
from app.config import Settings
from app.wiring.rest_process import open_rest_process
from tests.support.applications import application
from tests.support.clients import rest_client

PATIENCE = 600.0
"""Seconds that a client may take to answer a ping: the same loop serves and reads."""


@dataclass(frozen=True)
class LiveService:
    """client: calls the service.

    services: what its routes call.
    port: where it listens.
    """

    client: httpx.AsyncClient
    services: Services
    port: int

    def watchers(self) -> int:
        """How many follow executions or the feed."""
        _sockets, hub, feed = (end.__self__ for end in self.services.streams._ends)
        return hub.watchers + sum(1 for _ in feed._follower._watchers())


@asynccontextmanager
async def live_service(settings: Settings, comment_seconds: float = 3_600) -> AsyncIterator[LiveService]:
    with application() as app:
        async with _served(app, settings, comment_seconds) as live:
            yield live


@asynccontextmanager
async def _served(app: FastAPI, settings: Settings, comment_seconds: float) -> AsyncIterator[LiveService]:
    defects = Defects()
    async with open_rest_process(settings, defects) as services:
        ends = services.streams._ends
        services = app.state.services = replace(services, streams=LiveStreams(*ends, comment_seconds=comment_seconds))
        server = uvicorn.Server(_config(app))
        server.capture_signals = _no_signals  # type: ignore[method-assign]
        serving = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0)
        port = server.servers[0].sockets[0].getsockname()[1]
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
        client = rest_client(base_url=f"http://127.0.0.1:{port}/api/v1", timeout=60, limits=limits)
        try:
            async with client:
                yield LiveService(client, services, port)
        finally:
            services.streams.close()
            server.should_exit = True
            await serving
    defects.raise_first()


def _config(app: object) -> uvicorn.Config:
    protocol = partial(BoundedHttpProtocol, limits=HttpLimits(), heads=UnfinishedHeads(500))
    options = {"port": 0, "lifespan": "off", "log_config": None, "access_log": False, "http": protocol}
    options["ws_ping_timeout"] = PATIENCE
    return uvicorn.Config(app, **{**SERVER_OPTIONS, **options})  # type: ignore[arg-type]


class _no_signals:  # noqa: N801
    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...
