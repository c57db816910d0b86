"""A reverse proxy that has the service under a sub-path, as nginx with `location /flows/ { proxy_pass …/; }`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

PIECE = 65_536


class PrefixProxy:
    """Passes one request on per connection, or one socket; the browser opens as many as it needs."""

    def __init__(self, prefix: str, port: int) -> None:
        self._prefix = prefix
        self._port = port
        self._open: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection. Started as a task of its own, so that an end of the proxy ends all of them."""
        task = asyncio.create_task(self._serve(reader, writer))
        self._open.add(task)
        await asyncio.wait((task,))
        self._open.discard(task)

    async def close(self) -> None:
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            if head.split(b" ")[1].startswith(self._prefix.encode() + b"/"):
                await self._pass_on(self._rewritten(head), reader, writer)
            else:
                writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _rewritten(self, head: bytes) -> bytes:
        first, *lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
        method, path, version = first.split(b" ")
        prefix = self._prefix.encode()
        kept = [line for line in lines if not line.lower().startswith(b"connection:")]
        is_socket = any(line.lower().startswith(b"upgrade:") for line in lines)
        added = [b"Connection: Upgrade" if is_socket else b"Connection: close", b"X-Forwarded-Prefix: " + prefix]
        return b"\r\n".join([b" ".join([method, path.removeprefix(prefix), version]), *kept, *added]) + b"\r\n\r\n"

    async def _pass_on(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_service, to_service = await asyncio.open_connection("127.0.0.1", self._port)
        to_service.write(head)
        ways = [asyncio.create_task(_copy(reader, to_service)), asyncio.create_task(_copy(from_service, writer))]
        try:
            await asyncio.wait(ways[1:])
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            to_service.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(PIECE):
        writer.write(piece)
        await writer.drain()


@asynccontextmanager
async def prefix_proxy(prefix: str, port: int) -> AsyncIterator[str]:
    """The address of the service at `port` under the prefix."""
    proxy = PrefixProxy(prefix, port)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}{prefix}"
        server.close()
        await proxy.close()
