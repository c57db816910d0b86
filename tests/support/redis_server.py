"""One Redis per session: the machine's `redis-server`, else the TCP server of `fakeredis`; empty for every test."""

import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from app.adapters.embedded.child_processes import Child, end
from tests.support.ports import free_port

PROGRAM = shutil.which("redis-server")


def pytest_report_header() -> str:
    if PROGRAM is None:
        return "redis: fakeredis over TCP (no redis-server on this machine)"
    words = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, check=True).stdout.split()
    version = next((word.removeprefix("v=") for word in words if word.startswith("v=")), "unknown version")
    return f"redis: {version} ({PROGRAM})"


def _wait_until_answering(url: str, seconds: float = 120) -> None:
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
def running_redis(folder: Path, port: int | None = None) -> Iterator[str]:
    """A `redis-server` of the test's own, which loads what an earlier one has saved in `folder`."""
    server, url = start_redis(folder, port or free_port())
    try:
        yield url
    finally:
        end(server)


def start_redis(folder: Path, port: int) -> tuple[subprocess.Popen[bytes], str]:
    """It saves when it is told to, not by itself."""
    options = {"port": str(port), "bind": "127.0.0.1", "save": "", "appendonly": "no", "dir": str(folder)}
    arguments = [word for name, value in options.items() for word in (f"--{name}", value)]
    with (folder / "log").open("wb") as log:
        server = Child([str(PROGRAM), *arguments], death_signal=signal.SIGTERM, output=log).start()
    url = f"redis://127.0.0.1:{port}/0"
    _wait_until_answering(url)
    return server, url


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
    with running_redis(tmp_path_factory.mktemp("redis")) if PROGRAM else _fake() as url:
        _wait_until_answering(url)
        yield url


@pytest.fixture
def redis_url(redis_server: str) -> str:
    """An empty Redis, as `redis://…`."""
    with redis.Redis.from_url(redis_server) as client:
        client.flushall()
    return redis_server
