"""Connections of WebSocket whose client does not answer, does not read, or does not close."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.uri import parse_uri

from app.api.live.socket_protocol import (
    PING_SECONDS,
    SERVER_OPTIONS,
    STALLED_SECONDS,
    STOPPING_SECONDS,
    BoundedSocketProtocol,
)
from tests.support.virtual_time import in_virtual_time

LARGE = "x" * 100_000
Application = Callable[[Any, Any, Any], Awaitable[None]]


class Wire(asyncio.Transport):
    """What the protocol writes reaches the client as far as the client reads.

    first: what was written first.
    closed_at: when the connection was lost; None while it is open.
    """

    HIGH, LOW = 65_536, 16_384

    def __init__(self, protocol: BoundedSocketProtocol) -> None:
        super().__init__()
        self.client = ClientProtocol(parse_uri("ws://localhost/ws"))
        self.reads = True
        self.answers = True
        self.closed_at: float | None = None
        self.first = b""
        self._protocol = protocol
        self._unread = bytearray()
        self._is_closing = False

    def open(self, headers: Mapping[str, str]) -> None:
        self._protocol.connection_made(self)
        request = self.client.connect()
        request.headers.update(headers)
        self.client.send_request(request)
        self.send()

    def send(self) -> None:
        """What the client has to say."""
        for data in self.client.data_to_send():
            if data and self.closed_at is None:
                self._protocol.data_received(data)

    def write(self, data: Any) -> None:
        was_full = len(self._unread) > self.HIGH
        self.first = self.first or bytes(data)
        self._unread += data
        self._read()
        if not was_full and len(self._unread) > self.HIGH:
            self._protocol.pause_writing()

    def read(self) -> None:
        """Read again, all that there is."""
        self.reads = True
        was_full = len(self._unread) > self.HIGH
        self._read()
        if was_full:
            self._protocol.resume_writing()

    def _read(self) -> None:
        if self.reads:
            self.client.receive_data(bytes(self._unread))
            self._unread.clear()
            if self.answers:
                asyncio.get_running_loop().call_soon(self.send)
            if self._is_closing:
                self.abort()

    def close(self) -> None:
        self._is_closing = True
        if not self._unread:
            self.abort()

    def abort(self) -> None:
        if self.closed_at is None:
            self.closed_at = asyncio.get_running_loop().time()
            asyncio.get_running_loop().call_soon(self._protocol.connection_lost, None)

    def is_closing(self) -> bool:
        return self._is_closing or self.closed_at is not None

    def get_write_buffer_size(self) -> int:
        return len(self._unread)

    def read_some(self, size: int) -> None:
        """Read so many bytes, and no more."""
        self.client.receive_data(bytes(self._unread[:size]))
        was_full = len(self._unread) > self.LOW
        del self._unread[:size]
        if was_full and len(self._unread) <= self.LOW:
            self._protocol.resume_writing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


async def says_nothing(_: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    while (await receive())["type"] != "websocket.disconnect":
        pass


async def says_much(_: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    for _ in range(3):
        await send({"type": "websocket.send", "text": LARGE})
    while (await receive())["type"] != "websocket.disconnect":
        pass


async def opened(app: Application, headers: Mapping[str, str] | None = None) -> Wire:
    config = uvicorn.Config(app, log_config=None, lifespan="off", **SERVER_OPTIONS)
    config.load()
    protocol = BoundedSocketProtocol(config, ServerState(), {})
    wire = Wire(protocol)
    wire.open(headers or {})
    return wire


async def lost(wire: Wire) -> float:
    while wire.closed_at is None:
        await asyncio.sleep(0.5)
    await asyncio.sleep(0.5)
    assert not wire._protocol.tasks, "the application has ended"
    assert not wire._protocol.connections
    return wire.closed_at


@in_virtual_time
async def test_one_that_answers_pings_stays() -> None:
    wire = await opened(says_nothing)
    await asyncio.sleep(100 * PING_SECONDS)
    assert wire.closed_at is None
    wire.abort()
    await asyncio.sleep(1)


@in_virtual_time
async def test_one_that_answers_no_ping_is_closed_with_a_code() -> None:
    wire = await opened(says_nothing)
    await asyncio.sleep(1)
    wire.answers = False
    assert await lost(wire) == pytest.approx(2 * PING_SECONDS)
    assert wire.client.close_rcvd is not None
    assert wire.client.close_rcvd.code == 1011


@in_virtual_time
async def test_one_that_reads_nothing_is_cut_off() -> None:
    wire = await opened(says_much)
    wire.reads = False
    await asyncio.sleep(0)
    assert await lost(wire) == pytest.approx(STALLED_SECONDS)


@in_virtual_time
async def test_one_that_reads_late_stays() -> None:
    wire = await opened(says_much)
    wire.reads = False
    await asyncio.sleep(STALLED_SECONDS - 1)
    assert wire.closed_at is None
    wire.read()
    await asyncio.sleep(10 * STALLED_SECONDS)
    assert wire.closed_at is None
    heard = [event for event in wire.client.events_received() if isinstance(event, Frame)]
    assert [len(frame.data) for frame in heard if frame.opcode is Opcode.TEXT] == [len(LARGE)] * 3
    wire.abort()
    await asyncio.sleep(1)


@in_virtual_time
async def test_one_that_reads_nothing_does_not_keep_a_process_that_stops() -> None:
    wire = await opened(says_much)
    wire.reads = False
    await asyncio.sleep(10)
    wire._protocol.shutdown()
    assert await lost(wire) == pytest.approx(10 + STOPPING_SECONDS)


WRONG_HANDSHAKES = {
    "a header that is too long": ({"x-long": "x" * 70_000}, b"431"),
    "too many headers": ({f"x-{number}": "x" for number in range(200)}, b"431"),
    "a body": ({"content-length": "5"}, b"400"),
}


@pytest.mark.parametrize("name", WRONG_HANDSHAKES)
def test_a_wrong_handshake_is_refused(name: str) -> None:
    headers, status = WRONG_HANDSHAKES[name]

    @in_virtual_time
    async def test() -> None:
        wire = await opened(says_nothing, headers)
        assert await lost(wire) == 0
        assert wire.first.startswith(b"HTTP/1.1 " + status)

    test()


@in_virtual_time
async def test_a_handshake_has_a_long_token() -> None:
    wire = await opened(says_nothing, {"authorization": "Bearer " + "x" * 16_384})
    await asyncio.sleep(1)
    assert wire.first.startswith(b"HTTP/1.1 101")
    wire.abort()
    await asyncio.sleep(1)


async def says_something_large(_: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": 10 * LARGE})
    await receive()


@in_virtual_time
async def test_one_that_reads_a_large_message_slowly_gets_all_of_it() -> None:
    wire = await opened(says_something_large)
    wire.reads = False
    for _ in range(10 * len(LARGE) // 10_000):
        await asyncio.sleep(STALLED_SECONDS / 3)
        wire.read_some(11_000)
        wire.send()
    assert wire.closed_at is None
    heard = [event for event in wire.client.events_received() if isinstance(event, Frame)]
    assert [len(frame.data) for frame in heard if frame.opcode is Opcode.TEXT] == [10 * len(LARGE)]
    wire.abort()
    await asyncio.sleep(1)


@in_virtual_time
async def test_one_that_reads_a_byte_now_and_then_is_cut_off() -> None:
    wire = await opened(says_something_large)
    wire.reads = False
    await asyncio.sleep(STALLED_SECONDS - 1)
    wire.read_some(1_000)
    assert await lost(wire) == pytest.approx(STALLED_SECONDS)
