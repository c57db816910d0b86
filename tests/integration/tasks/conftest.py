import asyncio
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from app.domain.handlers import Attempt
from app.tasks.http.client import HttpClient
from app.tasks.http.handler import HttpHandler
from app.tasks.task_type import HttpOptions
from tests.integration.tasks.site import Clock, Site, rights

NOW = datetime(2026, 11, 20, 16, 0, 0, tzinfo=UTC)


Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture
async def raw_site() -> AsyncIterator[Callable[[Script], Awaitable[str]]]:
    """Serves each connection by a function of its own, where bytes and their order matter; answers the URL."""
    servers: list[asyncio.Server] = []

    async def opened(script: Script) -> str:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await script(reader, writer)
            writer.close()

        servers.append(await asyncio.start_server(serve, "127.0.0.1", 0))
        return f"http://127.0.0.1:{servers[-1].sockets[0].getsockname()[1]}"

    yield opened
    for server in servers:
        server.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def open_site() -> AsyncIterator[Callable[..., Awaitable[Site]]]:
    servers: list[asyncio.Server] = []

    async def opened(tls: ssl.SSLContext | None = None) -> Site:
        site = Site()
        server = await asyncio.start_server(site.serve, "127.0.0.1", 0, ssl=tls)
        servers.append(server)
        site.port = server.sockets[0].getsockname()[1]
        return site

    yield opened
    for server in servers:
        server.close()


@pytest.fixture
async def site(open_site) -> Site:
    return await open_site()


@pytest.fixture
async def client() -> AsyncIterator[Callable[..., HttpClient]]:
    made: list[HttpClient] = []

    def build(options: HttpOptions, **parts: Any) -> HttpClient:
        made.append(HttpClient(options, **parts))
        return made[-1]

    yield build
    for one in made:
        await one.close()


@pytest.fixture
def handler(client) -> Callable[..., HttpHandler]:
    """Makes an `http` handler; it may reach private addresses unless told otherwise."""

    def build(options: HttpOptions | None = None, method: str = "GET", **parts: Any) -> HttpHandler:
        options = options or HttpOptions(rights(allow_private=True), max_response_bytes=10_000)
        return HttpHandler(client(options, **parts), method, options, lambda: NOW)

    return build


@pytest.fixture
def attempt() -> Callable[..., Attempt]:
    def made(number: int = 1, **config: Any) -> Attempt:
        return Attempt(
            execution_id=UUID("019a0000-0000-7000-8000-000000000001"),
            workflow_id=3,
            task_id=7,
            task_name="call",
            number=number,
            config=config,
            input=None,
            upstream={},
            first_started_at=NOW,
            timeout_seconds=None,
            report=lambda percent, message: None,
            tenant="default",
        )

    return made


@pytest.fixture(scope="session")
def certificate(tmp_path_factory) -> Path:
    """A fresh certificate of `inside.example` with its key, which is its own authority."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    path = tmp_path_factory.mktemp("tls") / "inside.pem"
    names = ["-subj", "/CN=inside.example", "-addext", "subjectAltName=DNS:inside.example"]
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", str(path)]
    subprocess.run(
        ["openssl", "req", "-x509", *key, "-days", "2", *names, "-out", f"{path}.crt"], check=True, capture_output=True
    )
    path.write_text(path.read_text() + Path(f"{path}.crt").read_text())
    return path
