"""A TCP proxy that can stand still, dawdle or go away, to show what a server's outage does to its clients."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from tests.support.ports import free_port

ACCEPT_TURNS = 5
"""Turns of the event loop in which an accepted connection becomes known, is aborted, and its socket is closed."""


class TcpProxy:
    """`delay_seconds` is how long every piece of data is held back, in both directions."""

    def __init__(self, host: str, port: int) -> None:
        self._target = host, port
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self.delay_seconds = 0.0
        self.port = free_port()
        self.connections = 0

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accepted, "127.0.0.1", self.port)

    async def vanish(self) -> None:
        """Drop every connection and refuse new ones, until `start`."""
        sockets = self._server.sockets if self._server is not None else ()
        for listening in sockets:
            asyncio.get_running_loop().remove_reader(listening.fileno())
        # Again and again: a connection may just have been accepted, and a server that is closed now would forget it.
        turns = 0
        while self._writers or self._serving or turns < ACCEPT_TURNS:
            self.cut()
            turns += 1
            await asyncio.sleep(0)
        if self._server is not None:
            self._server.close()

    def cut(self) -> None:
        """Drop every connection, also one that is stalled or slow; new ones are served."""
        for writer in list(self._writers):
            writer.transport.abort()
        for serving in list(self._serving):
            serving.cancel()

    def stall(self) -> None:
        """Keep every connection open and pass nothing on, until `flow`."""
        self._flowing.clear()

    def flow(self) -> None:
        self._flowing.set()

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Not a coroutine: a task that is cancelled before its first step would leave the connection open.
        self.connections += 1
        self._writers.add(writer)
        serving = asyncio.create_task(self._serve(reader, writer))
        self._serving.add(serving)
        serving.add_done_callback(lambda _: self._forget(serving, writer))

    def _forget(self, serving: asyncio.Task[None], writer: asyncio.StreamWriter) -> None:
        """Also a connection whose task was cancelled before its first step."""
        self._serving.discard(serving)
        self._writers.discard(writer)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends = {writer}
        try:
            target_reader, target_writer = await asyncio.open_connection(*self._target)
            ends.add(target_writer)
            self._writers |= ends
            await asyncio.gather(self._pump(reader, target_writer), self._pump(target_reader, writer))
        except OSError:
            pass
        finally:
            for end in ends:
                end.transport.abort()
            self._writers -= ends

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            if self.delay_seconds:
                await asyncio.sleep(self.delay_seconds)
            await self._flowing.wait()
            writer.write(data)
            await writer.drain()
        writer.close()


@asynccontextmanager
async def proxy_to(url: str) -> AsyncIterator[tuple[TcpProxy, str]]:
    """A proxy in front of the server at `url`, and the same url through the proxy."""
    address = urlsplit(url)
    proxy = TcpProxy(address.hostname or "127.0.0.1", address.port or 0)
    await proxy.start()
    user, at, _ = address.netloc.rpartition("@")
    try:
        yield proxy, address._replace(netloc=f"{user}{at}127.0.0.1:{proxy.port}").geturl()
    finally:
        proxy.flow()
        await proxy.vanish()
