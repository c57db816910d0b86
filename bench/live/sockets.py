"""Many sockets in a separate process, some of which never read.

python -m bench.live.sockets REST_PORT GRPC_PORT

A request says what to `do`:

- open: `count` sockets, of which `deaf` never read. They follow `channel` in `mode`; those that never read follow all
  events.
- lag: start `rate` executions of `work` a second for `seconds`, and return how late events arrive: the time of the
  arrival less the time that is in the event.
- closed: wait until all are closed, and return the close codes.
"""

import asyncio
import base64
import socket as network
import sys
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, TextIO, cast

import grpc
import orjson
import uvloop

from app.api.grpc.generated import workflow_pb2 as pb
from app.api.grpc.generated.workflow_pb2_grpc import WorkflowServiceStub
from bench.closed_loop import Load, percentiles
from bench.processes import cpu_seconds, peak_bytes
from bench.program import answer_requests, take_stdout

CONNECT_SECONDS = 60.0
LATEST_SECONDS = 15.0
"""So long the last events may take. What comes later is missed."""
TEXT, CLOSE, PING, PONG = 0x81, 0x88, 0x89, 0x8A
KEY = base64.b64encode(b"0123456789abcdef").decode()
HANDSHAKE = (
    "GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\r\n"
).encode()
OCCURRED = b'"occurred_at":"'
INSTANT = len("2026-01-02T03:04:05.000006Z")
SMALL_BUFFER = 4_096

Heard = Callable[[bytes, float], None]


class Socket(asyncio.Protocol):
    """A client that is not the bottleneck: it takes the frames apart and does not parse their JSON.

    followed: done when the subscription has begun.
    closed: done with the close code, or None without one.
    """

    def __init__(self, subscription: bytes, heard: Heard, *, reads: bool) -> None:
        loop = asyncio.get_running_loop()
        self.followed: asyncio.Future[None] = loop.create_future()
        self.closed: asyncio.Future[int | None] = loop.create_future()
        self.transport: asyncio.Transport | None = None
        self._subscription = subscription
        self._heard = heard
        self._reads = reads
        self._is_open = False
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(HANDSHAKE)

    def data_received(self, data: bytes) -> None:
        now = time.time()
        self._buffer += data
        if not self._is_open and not self._opens():
            return
        start = 0
        while (found := _frame(self._buffer, start)) is not None:
            kind, content, start = found
            self._take(kind, content, now)
        self._buffer = self._buffer[start:]

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.closed.done():
            self.closed.set_result(None)
        if not self.followed.done():
            self.followed.set_exception(ConnectionError("the server has closed a socket"))

    def _opens(self) -> bool:
        head, end, rest = self._buffer.partition(b"\r\n\r\n")
        if not end:
            return False
        if not head.startswith(b"HTTP/1.1 101"):
            raise ConnectionError(head.decode(errors="replace"))
        self._is_open, self._buffer = True, rest
        self._send(TEXT, self._subscription)
        return True

    def _take(self, kind: int, content: bytes, now: float) -> None:
        if kind == TEXT:
            if b'"type":"subscribed"' in content[:40]:
                self.followed.set_result(None)
                if not self._reads and self.transport is not None:
                    self.transport.pause_reading()
            else:
                self._heard(content, now)
        elif kind == PING:
            self._send(PONG, content)
        elif kind == CLOSE and not self.closed.done():
            self.closed.set_result(int.from_bytes(content[:2]))

    def _send(self, kind: int, content: bytes) -> None:
        assert len(content) < 126
        assert self.transport is not None
        self.transport.write(bytes((kind, 0x80 | len(content), 0, 0, 0, 0)) + content)  # a mask of zeros


def _frame(buffer: bytes, start: int) -> tuple[int, bytes, int] | None:
    """Its first byte, its content, and where the next one begins; None if it is not complete."""
    if len(buffer) < start + 2:
        return None
    size, first = buffer[start + 1], start + 2
    if size >= 126:
        more = 2 if size == 126 else 8
        size, first = int.from_bytes(buffer[first : first + more]), first + more
    if len(buffer) < first + size:
        return None
    return buffer[start], buffer[first : first + size], first + size


class Sockets:
    """All sockets, and how late events have arrived since the last `reset`, in seconds."""

    def __init__(self, rest_port: int) -> None:
        self.all: list[Socket] = []
        self.late: list[float] = []
        self._port = rest_port

    async def open(self, count: int, deaf: int, channel: str, mode: str) -> None:
        subscription = orjson.dumps({"action": "subscribe", "channel": channel, "mode": mode})
        of_deaf = orjson.dumps({"action": "subscribe", "channel": "executions", "mode": "all"})
        async with asyncio.timeout(CONNECT_SECONDS):
            for number in range(count):
                reads = number >= deaf
                one = Socket(subscription if reads else of_deaf, self._note, reads=reads)
                await self._connect(one, reads=reads)
                self.all.append(one)
                await one.followed

    async def _connect(self, one: Socket, *, reads: bool) -> None:
        plain = network.socket()
        plain.setblocking(False)
        if not reads:
            plain.setsockopt(network.SOL_SOCKET, network.SO_RCVBUF, SMALL_BUFFER)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(plain, ("127.0.0.1", self._port))
        await loop.create_connection(lambda: one, sock=plain)

    def _note(self, content: bytes, now: float) -> None:
        at = content.find(OCCURRED)
        if at >= 0:
            at += len(OCCURRED)
            self.late.append(now - datetime.fromisoformat(content[at : at + INSTANT].decode()).timestamp())


async def _lag(sockets: Sockets, stub: Any, request: dict[str, Any], load: Load) -> dict[str, Any]:
    """Start executions evenly, and wait until no more events come."""
    sockets.late.clear()
    before = {role: cpu_seconds(pids) for role, pids in load.watched.items()}
    began, started = time.perf_counter(), 0
    while (now := time.perf_counter() - began) < request["seconds"]:
        if now * request["rate"] >= started:
            started += 1
            await stub.StartWorkflow(pb.StartWorkflowRequest(workflow_id=request["work"]))
        else:
            await asyncio.sleep(started / request["rate"] - now)
    await _until_quiet(sockets)
    return {
        "operations": len(sockets.late),
        "seconds": now,
        "total": started,
        "end_ms": percentiles(sockets.late),
        "cpu_seconds": {role: cpu_seconds(load.watched[role]) - spent for role, spent in before.items()},
        "peak_bytes": {role: peak_bytes(pids) for role, pids in load.watched.items()},
    }


async def _until_quiet(sockets: Sockets) -> None:
    deadline, heard = time.perf_counter() + LATEST_SECONDS, -1
    while heard != len(sockets.late) and time.perf_counter() < deadline:
        heard = len(sockets.late)
        await asyncio.sleep(2)


async def _closed(sockets: Sockets) -> dict[str, Any]:
    """The close codes of those that read, and how many have each."""
    codes = [await one.closed for one in sockets.all if one._reads]
    return {"codes": {str(code): codes.count(code) for code in set(codes)}}


async def _serve(channel: TextIO, rest_port: int, grpc_port: int) -> None:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{grpc_port}") as connection:
        stub, sockets = cast(Any, WorkflowServiceStub)(connection), Sockets(rest_port)

        async def answer(request: dict[str, Any], load: Load) -> dict[str, Any]:
            match request.pop("do"):
                case "open":
                    await sockets.open(**request)
                    return {"open": len(sockets.all)}
                case "lag":
                    return await _lag(sockets, stub, request, load)
                case _:
                    return await _closed(sockets)

        await answer_requests(channel, answer)
        for one in sockets.all:
            if one.transport is not None:
                one.transport.abort()


if __name__ == "__main__":
    uvloop.run(_serve(take_stdout(), int(sys.argv[1]), int(sys.argv[2])))
