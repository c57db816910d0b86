"""Starts the service's processes as an operator does, with default settings except those given."""

import asyncio
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from app.adapters.database.walls.rules import API, ENGINE
from app.adapters.embedded.logins import login_url
from app.adapters.embedded.tcp_ports import free_port
from bench.house import House
from bench.running import READY_SECONDS, REPOSITORY, ProgramFailed, last_words, server

POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Running:
    """A server on `port` of this machine."""

    port: int
    pid: int


@asynccontextmanager
async def grpc_process(house: House, database_url: str, **settings: str) -> AsyncIterator[Running]:
    """The gRPC process with its engine. Raise `ProgramFailed` when it does not come up."""
    port = free_port()
    name = f"grpc-{port}"
    logins = {"DATABASE_URL": login_url(database_url, API), "ENGINE_DATABASE_URL": login_url(database_url, ENGINE)}
    given = {**logins, "GRPC_PORT": str(port), "LOG_FORMAT": "json", **settings}
    command = str(REPOSITORY / "run_grpc_server.py")
    async with server(name, command, folder=house.folder, settings=given) as pid:
        await until_up(house, name, lambda: _serves_grpc(port))
        yield Running(port, pid)


@asynccontextmanager
async def rest_process(house: House, database_url: str, **settings: str) -> AsyncIterator[Running]:
    """The REST process. Raise `ProgramFailed` when it does not come up."""
    port = free_port()
    logins = {"DATABASE_URL": login_url(database_url, API)}
    given = {**logins, "FASTAPI_PORT": str(port), "LOG_FORMAT": "json", **settings}
    async with http_server(house, f"rest-{port}", port, "/readyz", "-m", "app.main", settings=given) as running:
        yield running


@asynccontextmanager
async def http_server(
    house: House, name: str, port: int, path: str, *command: str, settings: dict[str, str]
) -> AsyncIterator[Running]:
    """A server that returns 200 for `path` when it is up. Raise `ProgramFailed` when it does not come up."""
    async with server(name, *command, folder=house.folder, settings=settings) as pid:
        await until_up(house, name, lambda: asyncio.to_thread(_answers_http, f"http://127.0.0.1:{port}{path}"))
        yield Running(port, pid)


async def until_up(house: House, name: str, is_up: Callable[[], Awaitable[bool]]) -> None:
    """Wait for the server whose log has that name. Raise `ProgramFailed` when it does not come up."""
    deadline = asyncio.get_running_loop().time() + READY_SECONDS
    while not await is_up():
        if asyncio.get_running_loop().time() > deadline:
            raise ProgramFailed(f"{name} did not come up: {last_words(house.folder / f'{name}.log')}")
        await asyncio.sleep(POLL_SECONDS)


async def accepts_connections(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


async def _serves_grpc(port: int) -> bool:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        health: Any = health_pb2_grpc.HealthStub(channel)
        try:
            answer = await health.Check(health_pb2.HealthCheckRequest(), timeout=1)
        except grpc.aio.AioRpcError:
            return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def _answers_http(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False
