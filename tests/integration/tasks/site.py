"""A real HTTP server whose answers a test writes byte for byte, and what tests of calls to it share."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from app.domain.handlers import Attempt, TaskError
from app.tasks.http.handler import HttpHandler
from app.tasks.http.network import Resolve
from app.tasks.rights import HttpRights
from app.tasks.task_type import HttpOptions


@dataclass
class Call:
    """One request as a site saw it. Header names are in lower case; connections are numbered from 1."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    connection: int = 0


Answer = bytes | Callable[[Call, asyncio.StreamWriter], Awaitable[None]]


def answer(status: int = 200, body: bytes = b"", headers: Mapping[str, str] | None = None) -> bytes:
    """A whole response; its length is given unless `headers` says otherwise."""
    lines = {"Content-Length": str(len(body)), **(headers or {})}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 {status} Some Reason\r\n{head}\r\n".encode() + body


class Clock:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Site:
    """A real HTTP/1.1 server on a free port that answers each path with bytes or by a function."""

    pages: dict[str, Answer] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    connections: int = 0
    port: int = 0

    def url(self, target: str = "/", host: str = "127.0.0.1", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}{target}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answers calls until the peer goes away."""
        self.connections += 1
        number = self.connections
        try:
            while (call := await read_call(reader)) is not None:
                call.connection = number
                self.calls.append(call)
                await self._reply(call, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _reply(self, call: Call, writer: asyncio.StreamWriter) -> None:
        page = self.pages.get(call.target.partition("?")[0], answer(404, b"no such page"))
        if isinstance(page, bytes):
            writer.write(page)
        else:
            await page(call, writer)
        await writer.drain()


async def read_call(reader: asyncio.StreamReader) -> Call | None:
    first = await reader.readline()
    if not first:
        return None
    method, target, _ = first.decode().split()
    headers = {}
    while (line := (await reader.readline()).decode().strip()) != "":
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return Call(method, target, headers, await reader.readexactly(int(headers.get("content-length", 0))))


async def failure(handler: HttpHandler, attempt: Attempt) -> TaskError:
    """The error with which the attempt must end."""
    with pytest.raises(TaskError) as caught:
        await handler.run(attempt)
    return caught.value


def rights(**of_default: Any) -> dict[str, HttpRights]:
    """Those of the tenant `default`, whose attempts the tests make."""
    return {"default": HttpRights(**of_default)}


def allowed(*hosts: str) -> HttpOptions:
    return HttpOptions(rights(allowed_hosts=frozenset(hosts)))


def answers(**addresses: list[str]) -> Resolve:
    """A resolver of the hosts `<name>.example`; the others resolve as they do on this computer."""

    async def resolve(host: str, port: int) -> list[str]:
        if (known := addresses.get(host.removesuffix(".example"))) is not None:
            return known
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return [str(address[0]) for *_, address in found]

    return resolve
