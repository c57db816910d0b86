"""The whole service within the test: REST on a port of its own, an engine beside it, the examples loaded."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from app.background.defects import Defects
from app.cli.local.examples import example_settings, load_examples
from app.config import Settings
from app.engine.watching.updates import Update
from app.wiring.grpc_process import EngineProcess, open_engine_process
from app.wiring.rest_process import open_rest_process
from tests.support.applications import application
from tests.support.requests import start_of
from tests.support.tenant import CALLER
from tests.support.walls import urls_for


@dataclass(frozen=True, slots=True)
class Service:
    """The service as `workflow up` starts it.

    keys: those of the examples, loaded in the same way.
    engine: the gRPC process.
    rest: the URL of the REST process.
    """

    keys: Sequence[str]
    engine: EngineProcess
    rest: str

    async def run(self, key: str, **input: Any) -> Sequence[Update]:
        """The whole history of a new execution."""
        _, batches = await self.engine.executions.execute(CALLER, start_of(key, input))
        return [update async for batch in batches for update in batch]


@asynccontextmanager
async def _served(settings: Settings, listener: socket.socket) -> AsyncIterator[None]:
    with application() as app:
        async with open_rest_process(settings, Defects()) as app.state.services:
            server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
            serving = asyncio.create_task(server.serve(sockets=[listener]))
            while not server.started:
                await asyncio.sleep(0.005)
            yield
            server.should_exit = True
            await serving


@pytest.fixture
async def service(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Service]:
    """Files that the examples write go below `tmp_path`."""
    monkeypatch.chdir(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        place = f"127.0.0.1:{listener.getsockname()[1]}"
        plain = Settings(**urls_for(database_url), redis_url=None)
        more = {name.lower(): value for name, value in example_settings(plain).items()}
        port = listener.getsockname()[1]
        settings = Settings(**urls_for(database_url), redis_url=None, fastapi_port=port, **more)
        async with _served(settings, listener), open_engine_process(settings) as engine:
            rest = f"http://{place}"
            yield Service(await asyncio.to_thread(load_examples, rest, with_key=settings.auth == "on"), engine, rest)
