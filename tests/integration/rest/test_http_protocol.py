"""What arrives at the REST process as HTTP: bounded in size, time and number, over real connections."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any, cast

import orjson
import pytest
import uvicorn

from app.api.rest.http_protocol import BoundedHttpProtocol, HttpLimits
from app.api.rest.unfinished_heads import UnfinishedHeads

HEAD_BYTES = 4_096
LARGE = 30_000_000
GET = b"GET /echo HTTP/1.1\r\nHost: x\r\n\r\n"


class Clock:
    """Stands for the loop as the protocol's timers see it: they ring when the test says so."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.timers: list[tuple[float, Callable[[], None], asyncio.TimerHandle]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)

    def call_later(self, seconds: float, ring: Callable[[], None]) -> asyncio.TimerHandle:
        handle = self._loop.call_later(3_600, ring)
        self.timers.append((seconds, ring, handle))
        return handle

    def pass_by(self, seconds: float) -> None:
        due = [(ring, handle) for after, ring, handle in self.timers if after <= seconds and not handle.cancelled()]
        self.timers = [timer for timer in self.timers if timer[0] > seconds]
        for ring, handle in due:
            handle.cancel()
            ring()


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Returns the size of the body; at /large, a response that no buffer of the system takes as a whole."""
    if scope["path"] == "/large":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % LARGE)]})
        await send({"type": "http.response.body", "body": b"x" * LARGE})
        return
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size, more = size + len(message.get("body", b"")), message.get("more_body", False)
    body = str(size).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


class House:
    def __init__(self, port: int, clock: Clock, protocols: set[Any]) -> None:
        self.port = port
        self.clock = clock
        self.protocols = protocols

    def is_full(self) -> bool:
        """Whether a response waits until its client reads."""
        return any(protocol.flow.write_paused for protocol in self.protocols)

    def has_a_part_of_a_head(self) -> bool:
        return any(protocol._in_head and protocol._head_bytes for protocol in self.protocols)

    @asynccontextmanager
    async def client(self) -> AsyncIterator["Client"]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield Client(reader, writer)
        finally:
            writer.transport.abort()


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    def stop_reading(self) -> None:
        cast("asyncio.Transport", self._writer.transport).pause_reading()

    def read_on(self) -> None:
        cast("asyncio.Transport", self._writer.transport).resume_reading()

    async def response(self) -> tuple[int, bytes]:
        head = await self._reader.readuntil(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        length = next(int(line.partition(b":")[2]) for line in lines if line.lower().startswith(b"content-length:"))
        return int(head.split(b" ", 2)[1]), await self._reader.readexactly(length)

    async def problem(self) -> tuple[int, str]:
        """A refusal, after which the connection ends."""
        status, body = await self.response()
        assert await self._reader.read() == b""
        document = orjson.loads(body)
        assert document["status"] == status
        assert document["type"] == f"urn:problem:{document['code']}"
        return status, document["code"]


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with serving(HttpLimits(head_bytes=HEAD_BYTES, connections=3, unfinished_heads=3)) as house:
        yield house


@pytest.fixture
async def crowded() -> AsyncIterator[House]:
    """At most two connections may wait for a head."""
    async with serving(HttpLimits(head_bytes=HEAD_BYTES, unfinished_heads=2)) as house:
        yield house


@asynccontextmanager
async def serving(limits: HttpLimits) -> AsyncIterator[House]:
    clock = Clock()
    protocol: Any = partial(BoundedHttpProtocol, limits=limits, heads=UnfinishedHeads(limits.unfinished_heads))
    config = uvicorn.Config(echo, lifespan="off", log_config=None, http=protocol)
    config.load()
    state = uvicorn.Server(config).server_state
    server = await asyncio.get_running_loop().create_server(
        lambda: protocol(config=config, server_state=state, app_state={}, _loop=clock), "127.0.0.1", 0
    )
    async with server:
        yield House(server.sockets[0].getsockname()[1], clock, state.connections)


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not holds():
            await asyncio.sleep(0.01)


def with_header(size: int) -> bytes:
    return b"GET /echo HTTP/1.1\r\nHost: x\r\nX-A: " + b"a" * size + b"\r\n\r\n"


async def test_a_plain_request_and_the_next_on_the_same_connection(house: House) -> None:
    async with house.client() as client:
        for body in (b"", b"12345", b"x" * 100_000):
            await client.send(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            assert await client.response() == (200, str(len(body)).encode())


async def test_many_requests_in_one_piece(house: House) -> None:
    async with house.client() as client:
        await client.send(GET * 2_000)
        assert {await client.response() for _ in range(2_000)} == {(200, b"0")}


async def test_a_head_at_the_limit_is_taken_and_one_over_it_is_not(house: House) -> None:
    async with house.client() as client:
        await client.send(with_header(HEAD_BYTES - 100))
        assert await client.response() == (200, b"0")
    async with house.client() as client:
        await client.send(with_header(HEAD_BYTES + 1))
        assert await client.problem() == (431, "headers_too_large")


@pytest.mark.parametrize("start", [b"GET /", GET[:-2] + b"X-A: ", GET[:-2] + b"x", b""])
async def test_a_head_that_does_not_end_is_refused_at_the_limit(house: House, start: bytes) -> None:
    async with house.client() as client:
        await client.send(start)
        for _ in range(HEAD_BYTES // 512 + 1):
            await client.send(b"a" * 512)
        status, code = await client.problem()
    assert (status, code) == ((431, "headers_too_large") if start else (400, "malformed_request"))


async def test_many_small_headers_are_a_large_head_too(house: House) -> None:
    async with house.client() as client:
        await client.send(GET[:-2] + b"A: b\r\n" * HEAD_BYTES)
        assert await client.problem() == (431, "headers_too_large")


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET /echo HTTP/1.1\r\nHo",
        b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345",
        b"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n",
    ],
)
async def test_a_request_that_does_not_arrive_ends(house: House, sent: bytes) -> None:
    async with house.client() as client:
        await client.send(sent)
        await until_read(house)
        house.clock.pass_by(10)
        assert await client.problem() == (408, "request_timeout")


async def test_a_slow_drip_does_not_prolong_it(house: House) -> None:
    async with house.client() as client:
        for byte in (b"G", b"E", b"T", b" "):
            await client.send(byte)
        await until_read(house)
        assert [after for after, _, handle in house.clock.timers if not handle.cancelled()].count(10) == 1
        house.clock.pass_by(10)
        assert await client.problem() == (408, "request_timeout")


async def test_a_request_that_has_arrived_may_take_its_time(house: House) -> None:
    async with house.client() as client:
        await client.send(GET)
        assert await client.response() == (200, b"0")
        assert [timer[0] for timer in house.clock.timers if not timer[2].cancelled()] == [5]  # keep-alive


async def test_line_ends_do_not_keep_an_idle_connection_open(house: House) -> None:
    async with house.client() as client:
        await client.send(GET)
        assert await client.response() == (200, b"0")
        for _ in range(3):
            await client.send(b"\r\n")
            await until_read(house)
        house.clock.pass_by(10)
        assert await client.problem() == (408, "request_timeout")


async def test_a_response_that_is_not_read_ends_the_connection(house: House) -> None:
    async with house.client() as client:
        client.stop_reading()
        await client.send(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        await until(house.is_full)
        house.clock.pass_by(30)
        await until(lambda: not house.protocols)


async def test_a_response_that_is_read_slowly_goes_on(house: House) -> None:
    async with house.client() as client:
        client.stop_reading()
        await client.send(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        await until(house.is_full)
        client.read_on()
        status, body = await client.response()
        assert (status, len(body)) == (200, LARGE)
        assert [after for after, _, handle in house.clock.timers if not handle.cancelled()] == [5]  # keep-alive
        await client.send(GET)
        assert await client.response() == (200, b"0")


async def test_of_too_many_that_send_nothing_the_oldest_goes_and_requests_are_answered(crowded: House) -> None:
    async with AsyncExitStack() as stack:
        silent = [await stack.enter_async_context(crowded.client()) for _ in range(2)]
        await until(lambda: len(crowded.protocols) == 2)
        for _ in range(3):
            silent.append(await stack.enter_async_context(crowded.client()))
            assert await silent.pop(0).problem() == (408, "too_many_waiting")
            await until(lambda: len(crowded.protocols) == 2)
        async with crowded.client() as one, crowded.client() as other:
            assert await silent[0].problem() == (408, "too_many_waiting")
            assert await silent[1].problem() == (408, "too_many_waiting")
            for client in (one, other, one):
                await client.send(GET)
                assert await client.response() == (200, b"0")


async def test_a_head_that_has_begun_on_a_used_connection_waits_like_a_new_one(crowded: House) -> None:
    async with crowded.client() as used:
        await used.send(GET)
        assert await used.response() == (200, b"0")
        await used.send(GET[:9])
        await until(crowded.has_a_part_of_a_head)
        async with crowded.client(), crowded.client():
            assert await used.problem() == (408, "too_many_waiting")


async def test_one_connection_too_many_is_refused_and_others_go_on(house: House) -> None:
    async with house.client() as one, house.client(), house.client():
        await one.send(GET)
        assert await one.response() == (200, b"0")
        async with house.client() as another:
            assert await another.problem() == (503, "too_many_connections")
        await one.send(GET)
        assert await one.response() == (200, b"0")


@pytest.mark.parametrize(
    ("request_bytes", "expected"),
    [
        (b"GET /echo HTTP/1.1\r\n\r\n", (400, "bad_host")),
        (b"GET /echo HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", (400, "bad_host")),
        (b"nonsense\r\n\r\n", (400, "malformed_request")),
        (b"GET /echo HTTP/1.1\r\nHost : x\r\n\r\n", (400, "malformed_request")),
        (GET[:-2] + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", (400, "malformed_request")),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (400, "malformed_request")),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", (400, "malformed_request")),
    ],
)
async def test_what_is_no_request(house: House, request_bytes: bytes, expected: tuple[int, str]) -> None:
    async with house.client() as client:
        await client.send(request_bytes)
        assert await client.problem() == expected


async def test_http_1_0_needs_no_host(house: House) -> None:
    async with house.client() as client:
        await client.send(b"GET /echo HTTP/1.0\r\n\r\n")
        assert await client.response() == (200, b"0")


async def until_read(house: House) -> None:
    """What was sent before this has been read: a whole request on another connection comes later."""
    async with house.client() as client:
        await client.send(GET)
        assert await client.response() == (200, b"0")
