"""The PostgreSQL and the Redis of a run: its own, with default durability, or those that are named.

BENCH_DATABASE_URL and BENCH_REDIS_URL name servers. On a named PostgreSQL the run creates its own databases and drops
them, and sets the passwords of the service's roles. A named Redis must have no other users: the run writes entries of
the service's cache and queues of a peer to it.
"""

import asyncio
import os
import shutil
import signal
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import redis

from app.adapters.database_url import driver_dsn
from app.adapters.embedded import open_storage
from app.adapters.embedded.child_processes import Child, end
from app.adapters.embedded.tcp_ports import free_port
from bench.processes import parent, program_name

REDIS_START_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Stores:
    """The servers of a run.

    postgres_url: `postgresql+asyncpg://…`.
    redis_url: None if there is no Redis.
    postgres_pids, redis_pids: empty if the server runs on another machine.
    """

    postgres_url: str
    postgres_pids: list[int]
    redis_url: str | None
    redis_pids: list[int]


@asynccontextmanager
async def open_stores(folder: Path) -> AsyncIterator[Stores]:
    """Both servers, until the context ends. Raise `StorageError`."""
    wanted = os.environ.get("BENCH_DATABASE_URL") or f"file:{folder / 'database'}"
    async with open_storage(wanted) as url, _open_redis(folder) as (redis_url, redis_pids):
        yield Stores(url, await _server_pids(url), redis_url, redis_pids)


@asynccontextmanager
async def database(server_url: str, purpose: str) -> AsyncIterator[str]:
    """The address of an empty database of that server, which is dropped afterwards."""
    name = f"bench_{purpose}_{uuid.uuid4().hex[:8]}"
    await _execute(server_url, f"CREATE DATABASE {name}")
    try:
        yield urlsplit(server_url)._replace(path=f"/{name}").geturl()
    finally:
        await _execute(server_url, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@asynccontextmanager
async def connect(url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(driver_dsn(url))
    try:
        yield connection
    finally:
        await connection.close()


async def _execute(url: str, statement: str) -> None:
    async with connect(url) as connection:
        await connection.execute(statement)


async def _server_pids(url: str) -> list[int]:
    """The main process of the server, if it runs on this machine: the parent of the one that serves a connection."""
    async with connect(url) as connection:
        backend = await connection.fetchval("SELECT pg_backend_pid()")
        server = parent(backend) if program_name(backend).startswith("postgres") else None
    return [server] if server is not None and program_name(server).startswith("postgres") else []


@asynccontextmanager
async def _open_redis(folder: Path) -> AsyncIterator[tuple[str | None, list[int]]]:
    named, installed = os.environ.get("BENCH_REDIS_URL"), shutil.which("redis-server")
    if named or installed is None:
        yield named, []
        return
    port = free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(folder)]
    with (folder / "redis.log").open("wb") as log:
        child = Child([installed, *options], death_signal=signal.SIGTERM, output=log, folder=folder).start()
    try:
        url = f"redis://127.0.0.1:{port}/0"
        await asyncio.to_thread(_wait_for_redis, url)
        yield url, [child.pid]
    finally:
        end(child)


def _wait_for_redis(url: str) -> None:
    deadline = time.monotonic() + REDIS_START_SECONDS
    with redis.Redis.from_url(url) as client:
        while True:
            try:
                client.ping()
            except redis.ConnectionError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
            else:
                return
