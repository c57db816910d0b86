"""Clients of WebSocket: one that reads, and one that never does."""

import asyncio
import base64
import socket as network
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.support.tenant import HEADERS

LONGEST = 60
TEXT = 0x81
"""The first byte of a whole text frame."""

Said = dict[str, Any]


class Socket:
    """What a client says, and what it hears."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def say(self, action: str, channel: str | None = None, **fields: Any) -> None:
        named = {} if channel is None else {"channel": channel}
        await self.send(orjson.dumps({"action": action, **named, **fields}).decode())

    async def send(self, text: str | bytes) -> None:
        await self.connection.send(text)

    async def hear(self) -> Said:
        async with asyncio.timeout(LONGEST):
            found: Said = orjson.loads(await self.connection.recv(decode=False))
        assert found.keys() == {"type", "channel", "data"}, found
        return found

    async def ask(self, action: str, channel: str | None = None, **fields: Any) -> Said:
        """What is heard next. Only for sockets to which nothing else is sent."""
        await self.say(action, channel, **fields)
        return await self.hear()

    async def refusal(self, action: str, channel: str | None = None, **fields: Any) -> str:
        """The code of the error, which is heard next."""
        heard = await self.ask(action, channel, **fields)
        assert heard["type"] == "error", heard
        assert heard["data"]["message"], heard
        return str(heard["data"]["code"])

    async def follow(self, channel: str, **fields: Any) -> Said:
        heard = await self.ask("subscribe", channel, **fields)
        assert (heard["type"], heard["channel"]) == ("subscribed", channel), heard
        return heard

    async def take(self, count: int) -> list[Said]:
        return [await self.hear() for _ in range(count)]

    async def until_final(self, *execution_ids: str) -> list[Said]:
        """What is heard until all of these executions have ended."""
        left, found = set(execution_ids), list[Said]()
        while left:
            found.append(await self.hear())
            if str(found[-1]["data"].get("type", "")).startswith("execution_completed"):
                left.discard(found[-1]["data"]["execution_id"])
        return found

    async def closed(self) -> tuple[int, list[Said]]:
        """The close code, and what is heard before."""
        found = []
        with suppress(ConnectionClosed):
            while True:
                found.append(await self.hear())
        assert self.connection.close_code is not None
        return self.connection.close_code, found


@asynccontextmanager
async def socket(
    port: int, path: str = "/ws", headers: Mapping[str, str] = HEADERS, **options: Any
) -> AsyncIterator[Socket]:
    url = f"ws://127.0.0.1:{port}{path}"
    unbounded = {"proxy": None, "compression": None, "max_size": None, "open_timeout": LONGEST}
    unbounded |= {"ping_interval": None, "max_queue": None}
    async with connect(url, additional_headers=dict(headers), **unbounded, **options) as connection:
        yield Socket(connection)


class Deaf:
    """A client that sends messages and reads nothing but the answer to its handshake, until it is told to."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def say(self, action: str, channel: str, **fields: Any) -> None:
        text = orjson.dumps({"action": action, "channel": channel, **fields})
        assert len(text) < 126, text
        self._writer.write(bytes((0x81, 0x80 | len(text), 0, 0, 0, 0)) + text)  # a mask of zeros

    async def hear(self) -> Said:
        """The next message, as far as there is one."""
        async with asyncio.timeout(LONGEST):
            kind, content = await self._frame()
            while kind != TEXT:  # a ping, which it does not answer
                kind, content = await self._frame()
        heard: Said = orjson.loads(content)
        return heard

    async def _frame(self) -> tuple[int, bytes]:
        kind, size = await self._reader.readexactly(2)
        if size >= 126:
            size = int.from_bytes(await self._reader.readexactly(2 if size == 126 else 8))
        return kind, await self._reader.readexactly(size)


@asynccontextmanager
async def deaf_socket(port: int, headers: Mapping[str, str] = HEADERS) -> AsyncIterator[Deaf]:
    plain = network.socket()
    plain.setblocking(False)
    plain.setsockopt(network.SOL_SOCKET, network.SO_RCVBUF, 4_096)  # what it holds does not wait in the service
    await asyncio.get_running_loop().sock_connect(plain, ("127.0.0.1", port))
    reader, writer = await asyncio.open_connection(sock=plain, limit=1_024)
    lines = {
        "Host": "localhost",
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(b"0123456789abcdef").decode(),
        **headers,
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    writer.write(f"GET /ws HTTP/1.1\r\n{head}\r\n".encode())
    try:
        answer = await reader.readuntil(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 101"), answer
        yield Deaf(reader, writer)
    finally:
        writer.transport.abort()
