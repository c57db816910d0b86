"""One Redis per session: the machine's `redis-server`, else the TCP server of `fakeredis`; empty for every test."""

import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from app.adapters.embedded.children import Child, end

PROGRAM = shutil.which("redis-server")


def pytest_report_header() -> str:
    if PROGRAM is None:
        return "redis: fakeredis over TCP (no redis-server on this machine)"
    words = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, check=True).stdout.split()
    version = next((word.removeprefix("v=") for word in words if word.startswith("v=")), "unknown version")
    return f"redis: {version} ({PROGRAM})"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _wait_until_answering(url: str, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    with redis.Redis.from_url(url) as client:
        while True:
            try:
                client.ping()
            except redis.ConnectionError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
            else:
                return


@contextmanager
def _real(program: str, folder: Path) -> Iterator[str]:
    port = free_port()
    arguments = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(folder)]
    with (folder / "log").open("wb") as log:
        server = Child([program, *arguments], death_signal=signal.SIGTERM, output=log).start()
    try:
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        end(server)


@contextmanager
def _fake() -> Iterator[str]:
    from fakeredis import TcpFakeServer

    server = TcpFakeServer(("127.0.0.1", 0), server_type="redis")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"redis://127.0.0.1:{server.server_address[1]}/0"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The session's server as `redis://…`; use `redis_url` unless what the last test left does not matter."""
    with _real(PROGRAM, tmp_path_factory.mktemp("redis")) if PROGRAM else _fake() as url:
        _wait_until_answering(url)
        yield url


@pytest.fixture
def redis_url(redis_server: str) -> str:
    """An empty Redis, as `redis://…`."""
    with redis.Redis.from_url(redis_server) as client:
        client.flushall()
    return redis_server
