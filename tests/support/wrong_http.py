"""A server that responds wrongly in many ways, calls to it that carry tokens, and what must hold for each call.

Every byte that the server sends names the token of the call that it was meant for, so whatever reaches another call is
found by its token.
"""

import asyncio
import gzip
import random
import re
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson

from app.domain.handlers import Attempt, TaskError
from app.tasks.http.handler import HttpHandler

TOKEN = re.compile(r"token-[0-9a-f]{16}")
NOW = datetime(2026, 11, 20, tzinfo=UTC)


def response(token: str, status: int = 200, headers: str = "", body: bytes | None = None) -> bytes:
    body = f"for {token}".encode() if body is None else body
    return f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\nX-For: {token}\r\n{headers}\r\n".encode() + body


def chunks(token: str, headers: str = "") -> bytes:
    body = f"for {token}".encode()
    head = f"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\nX-For: {token}\r\n{headers}\r\n".encode()
    return head + b"%x;for=%b\r\n%b\r\n0\r\nX-Trailer: %b\r\n\r\n" % (len(body), token.encode(), body, token.encode())


def packed(token: str, cut: int | None = None) -> bytes:
    return response(token, headers="Content-Encoding: gzip\r\n", body=gzip.compress(f"for {token}".encode() * 9)[:cut])


def members(token: str) -> bytes:
    body = gzip.compress(b"two members: ") + gzip.compress(f"for {token}".encode())
    return response(token, headers="Content-Encoding: gzip\r\n", body=body)


RIGHT: dict[str, Callable[[str], bytes]] = {
    "length": response,
    "chunks": chunks,
    "interim": lambda token: f"HTTP/1.1 103 X\r\nX-For: {token}\r\n\r\n".encode() + response(token),
    "twice": lambda token: chunks(token, f"Content-Length: {len(token) + 4}\r\n"),
    "gzip": lambda token: packed(token),
    "members of gzip": lambda token: members(token),
    "large": lambda token: response(token, body=f"for {token} ".encode() * 4_000),
}
"""Correct responses, after which each request must have its own body."""

WRONG: dict[str, Callable[[str], bytes]] = {
    "204": lambda token: response(token, 204),
    "204 with chunks": lambda token: b"HTTP/1.1 204 X\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "204 with an encoding": lambda token: response(token, 204, "Content-Encoding: br\r\n", b""),
    "304": lambda token: response(token, 304),
    "too short a length": lambda token: response(token) + f" and {token}".encode(),
    "too long a length": lambda token: response(token)[:-3],
    "error": lambda token: response(token, 500),
    "lengths": lambda token: response(token, headers="Content-Length: 3\r\n"),
    "contradiction": lambda token: chunks(token, "Content-Length: 3\r\n"),
    "cut gzip": lambda token: packed(token, -9),
    "more than gzip": lambda token: packed(token) + token.encode(),
    "switch": lambda token: f"HTTP/1.1 101 X\r\nUpgrade: x\r\nX-For: {token}\r\n\r\n".encode(),
    "redirect": lambda token: response(token, 302, f"Location: /right/length?{token}\r\n"),
    "no http": lambda token: f"{token}\r\n\r\n".encode(),
}
"""Faulty responses, after which a request may complete or fail, with its own bytes only."""

MORE: dict[str, Callable[[str], bytes]] = {
    "nothing": lambda token: b"",
    "response": lambda token: response(token),
    "two responses": lambda token: response(token) * 2,
    "body": lambda token: f"left of {token}".encode(),
    "chunk": lambda token: f"5\r\n{token[:5]}\r\n0\r\n\r\n".encode(),
    "half a head": lambda token: f"HTTP/1.1 200 X\r\nX-For: {token}".encode(),
    "head without an end": lambda token: f"HTTP/1.1 200 X\r\nX-For: {token}\r\nContent-Length: 99\r\n\r\n".encode(),
    "line end": lambda token: b"\r\n",
    "interim": lambda token: f"HTTP/1.1 100 X\r\nX-For: {token}\r\n\r\n".encode(),
    "timeout": lambda token: response(token, 408, "Connection: close\r\n"),
}
"""What comes behind a response."""

ENDS = ("stay", "close", "abort", "close at the next call")


@dataclass
class WrongServer:
    """`extra_delays` are the seconds after which `more` comes; None for: with the response."""

    random: random.Random
    extra_delays: tuple[float | None, ...]
    seen: Counter[str] = field(default_factory=Counter)
    connections: int = 0
    _sending: set[asyncio.Task[None]] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while await self._serve_one(reader, writer):
                pass
        writer.close()

    async def settled(self) -> None:
        """Waits until all that was to come later has been sent."""
        while self._sending:
            await asyncio.wait(self._sending)

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        kind, name, token = _called(head)
        self.seen[kind, name] += 1
        end = self._end(kind, name)
        writer.write((RIGHT if kind == "right" else WRONG)[name](token))
        if kind == "wrong":
            self._send_more(writer, MORE[self.random.choice(list(MORE))](token))
        if end == "abort":
            writer.transport.abort()
        if end == "close at the next call":
            await reader.readuntil(b"\r\n\r\n")
            self.seen[end, ""] += 1
        return end == "stay"

    def _end(self, kind: str, name: str) -> str:
        if kind == "right":
            return "stay"
        # Otherwise the request would wait for the missing bytes.
        return self.random.choice(("close", "abort") if name == "too long a length" else ENDS)

    def _send_more(self, writer: asyncio.StreamWriter, more: bytes) -> None:
        delay = self.random.choice(self.extra_delays)
        if delay is None:
            writer.write(more)
            return
        task = asyncio.create_task(_send_later(writer, more, delay))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)


async def _send_later(writer: asyncio.StreamWriter, more: bytes, delay: float) -> None:
    await asyncio.sleep(delay)
    with suppress(ConnectionError):
        writer.write(more)
        await writer.drain()


def _called(head: bytes) -> tuple[str, str, str]:
    """`/right/length?token-…`, as the parts of the target."""
    target = head.split(b" ")[1].decode()
    path, _, token = target.partition("?")
    _, kind, name = path.replace("%20", " ").split("/")
    return kind, name, token


@dataclass
class Caller:
    """Makes calls and keeps what they came to; `breaches` must stay empty."""

    random: random.Random
    handler: HttpHandler
    url: str
    outcomes: Counter[str] = field(default_factory=Counter)
    breaches: list[str] = field(default_factory=list)

    async def call(self) -> None:
        is_right = self.random.random() < 0.5
        kind, names = ("right", RIGHT) if is_right else ("wrong", WRONG)
        name, token = self.random.choice(list(names)), f"token-{self.random.getrandbits(64):016x}"
        method = self.random.choice(["GET", "POST", "DELETE"] if is_right else ["GET", "POST", "DELETE", "HEAD"])
        said = await self._said(attempt(url=f"{self.url}/{kind}/{name}?{token}", method=method))
        self.outcomes[said.partition(":")[0] if said.startswith("failed") else "completed"] += 1
        foreign = set(TOKEN.findall(said)) - {token}
        if foreign or (is_right and f"for {token}" not in said):
            self.breaches.append(f"{method} {kind} {name} {token}: {said[:300]}")

    async def _said(self, one: Attempt) -> str:
        try:
            output = await self.handler.run(one)
        except TaskError as error:
            return f"failed {error.code}: {error.message}"
        return orjson.dumps(output).decode()


def attempt(**config: Any) -> Attempt:
    return Attempt(
        execution_id=UUID(int=1),
        workflow_id=1,
        task_id=1,
        task_name="call",
        number=1,
        config=config,
        input=None,
        upstream={},
        first_started_at=NOW,
        timeout_seconds=None,
        report=lambda percent, message: None,
        tenant="default",
    )


async def opened(server: WrongServer) -> tuple[asyncio.Server, str]:
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, backlog=1_000)
    return listening, f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"


async def call_in_rounds(
    caller: Caller, server: WrongServer, at_once: int, goes_on: Callable[[], bool], rest: Callable[[], None]
) -> None:
    """All excess bytes, however late, are sent before `rest` makes connections reusable."""
    while goes_on():
        await asyncio.gather(*(caller.call() for _ in range(at_once)))
        await server.settled()
        rest()


async def call_without_pause(caller: Caller, at_once: int, goes_on: Callable[[], bool]) -> None:
    async def one_after_another() -> None:
        while goes_on():
            await caller.call()

    await asyncio.gather(*(one_after_another() for _ in range(at_once)))
