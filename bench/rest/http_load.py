"""A load generator for HTTP/1.1 that is not the bottleneck: kept-alive connections, each with one request at a time.

    python -m bench.rest.http_load

A request has `port`, `method`, `paths` (each connection uses one of them), `headers`, `body` and the expected `status`.
"""

import asyncio
import time
from functools import partial
from typing import Any, TextIO, cast

import uvloop

from bench.closed_loop import Load, Window
from bench.program import answer_requests, take_stdout

CONNECT_SECONDS = 10.0


class UnexpectedAnswer(Exception):
    """The server sent an unexpected response."""


class Connection(asyncio.Protocol):
    """Sends the same request again when its response is complete, until the window is over."""

    def __init__(self, request: bytes, status: bytes, window: Window) -> None:
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._request = request
        self._start = b"HTTP/1.1 " + status
        self._window = window
        self._received = b""
        self._missing = 0
        self._began = 0.0
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop's transport is not a subclass
        self._send()

    def data_received(self, data: bytes) -> None:
        if self._missing:
            self._missing -= len(data)
        else:
            self._received += data
            head, end, body = self._received.partition(b"\r\n\r\n")
            if not end:
                return
            self._missing = _content_length(head) - len(body)
            if not head.startswith(self._start):
                self._fail(self._received)
                return
            self._received = b""
        if self._missing == 0:
            self._answered()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.finished.done():
            self.finished.set_exception(UnexpectedAnswer(f"the server closed the connection: {exc}"))

    def _send(self) -> None:
        assert self._transport is not None
        self._began = time.perf_counter()
        self._transport.write(self._request)

    def _answered(self) -> None:
        self._window.ended(self._began)
        if not self._window.over:
            self._send()
        elif not self.finished.done():
            self.finished.set_result(None)

    def _fail(self, answer: bytes) -> None:
        if not self.finished.done():
            self.finished.set_exception(UnexpectedAnswer(answer[:500].decode(errors="replace")))

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


def _content_length(head: bytes) -> int:
    """The content length, which every server here sends. Raise `UnexpectedAnswer` if it is missing."""
    for line in head.split(b"\r\n"):
        if line[:15].lower() == b"content-length:":
            return int(line[15:])
    raise UnexpectedAnswer(f"no content-length: {head[:500]!r}")


async def measure(request: dict[str, Any], load: Load) -> dict[str, Any]:
    window = Window(load)
    loop = asyncio.get_running_loop()
    connections = []
    async with asyncio.timeout(load.max_seconds * 2 + CONNECT_SECONDS):
        try:
            for number in range(load.concurrency):
                text = _request_text(request, request["paths"][number % len(request["paths"])])
                connection = Connection(text, str(request["status"]).encode(), window)
                connections.append(connection)
                await loop.create_connection(partial(_same, connection), "127.0.0.1", request["port"])
            await asyncio.gather(*(connection.finished for connection in connections))
        finally:
            for connection in connections:
                connection.close()
    return window.measured.summary()


def _same(connection: Connection) -> Connection:
    return connection


def _request_text(request: dict[str, Any], path: str) -> bytes:
    body = str(request.get("body", "")).encode()
    lines = [f"{request['method']} {path} HTTP/1.1", "host: 127.0.0.1", "accept: application/json"]
    lines += request.get("headers", ())
    if body:
        lines += ["content-type: application/json", f"content-length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def _serve(channel: TextIO) -> None:
    await answer_requests(channel, measure)


if __name__ == "__main__":
    uvloop.run(_serve(take_stdout()))
