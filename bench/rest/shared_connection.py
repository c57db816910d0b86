"""Redis over one shared connection: the commands of one turn of the event loop are sent in one write."""

import asyncio
from collections import deque
from typing import cast

import hiredis


class SharedConnection(asyncio.Protocol):
    """Replies arrive in the order of the commands. Commands raise `ConnectionError` after the connection is lost."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._reader = hiredis.Reader()
        self._waiting: deque[asyncio.Future[bytes | None]] = deque()
        self._unsent: list[bytes] = []
        self._transport: asyncio.WriteTransport | None = None

    @classmethod
    async def open(cls, host: str, port: int) -> "SharedConnection":
        _, connection = await asyncio.get_running_loop().create_connection(cls, host, port)
        return connection

    def get(self, key: bytes) -> asyncio.Future[bytes | None]:
        answer: asyncio.Future[bytes | None] = self._loop.create_future()
        if not self._unsent:
            self._loop.call_soon(self._flush)
        self._unsent.append(b"*2\r\n$3\r\nGET\r\n$%d\r\n%s\r\n" % (len(key), key))
        self._waiting.append(answer)
        return answer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop's transport is not a subclass

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        while (answer := self._reader.gets()) is not False:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_result(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_exception(ConnectionError("Redis closed the connection"))

    def _flush(self) -> None:
        assert self._transport is not None
        self._transport.write(b"".join(self._unsent))
        self._unsent.clear()
