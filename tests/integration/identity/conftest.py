"""The service with authentication on."""

import threading
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from app.config import Settings
from tests.support.callers import Keys
from tests.support.engine_process import RunningServer, running_server
from tests.support.ports import free_port
from tests.support.rest_service import serving
from tests.support.walls import urls_for


@pytest.fixture
def settings(database_url: str) -> Settings:
    return Settings(_env_file=None, **urls_for(database_url), database_pool_size=4, auth="on")


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


class FileServer:
    """Serves one file over HTTP, until it is stopped."""

    def __init__(self) -> None:
        self._servers: list[ThreadingHTTPServer] = []

    def __call__(self, content: bytes) -> str:
        """The URL of a file with this content."""

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._servers.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        return f"http://127.0.0.1:{server.server_port}/keys"

    def stop(self) -> None:
        while self._servers:
            server = self._servers.pop()
            server.shutdown()
            server.server_close()


@pytest.fixture
def serve_file() -> Iterator[FileServer]:
    server = FileServer()
    yield server
    server.stop()


@pytest.fixture
def unused_port() -> int:
    return free_port()
