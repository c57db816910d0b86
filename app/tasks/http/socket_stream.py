"""The bytes of one TCP or TLS connection.

Reading does not stop between requests, so unexpected bytes and the server's close are noticed while a connection is
idle.
"""

import asyncio
import select
from typing import cast

import httpx

READ_BYTES = 16_384
"""The most bytes that one read returns, so that no response blocks the event loop for long."""

MAX_UNREAD_BYTES = 65_536
"""Above this, reading pauses and further bytes stay in the kernel."""


class SocketStream(asyncio.Protocol):
    """Created by the event loop's `create_connection`."""

    def __init__(self) -> None:
        self._transport = cast(asyncio.Transport, None)
        self._received = bytearray()
        self._is_paused = False
        self._has_ended = False
        self._failure: Exception | None = None
        self._changed = asyncio.Event()
        self._closed = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        if len(self._received) > MAX_UNREAD_BYTES and not self._is_paused:
            self._is_paused = True
            self._transport.pause_reading()
        self._changed.set()

    def eof_received(self) -> None:
        self._has_ended = True
        self._changed.set()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._has_ended:
            self._failure = exc
        self._has_ended = True
        self._changed.set()
        self._closed.set()

    def write(self, data: bytes) -> None:
        """Buffer and send, without waiting: a response can come before everything is sent. `read` raises the errors."""
        if not self._transport.is_closing():
            self._transport.write(data)

    async def read(self) -> bytes:
        """Between 1 and `READ_BYTES` bytes, or b"" at the end. Raise `httpx.ReadError` if the connection broke."""
        while not self._received and not self._has_ended:
            self._changed.clear()
            await self._changed.wait()
        if not self._received and self._failure is not None:
            raise httpx.ReadError(str(self._failure) or type(self._failure).__name__) from self._failure
        return self.read_now()

    def read_now(self) -> bytes:
        """Like `read`, but return b"" instead of waiting."""
        taken = bytes(self._received[:READ_BYTES])
        del self._received[: len(taken)]
        if self._is_paused and len(self._received) <= MAX_UNREAD_BYTES and not self._transport.is_closing():
            self._is_paused = False
            self._transport.resume_reading()
        return taken

    @property
    def has_unread_bytes(self) -> bool:
        return bool(self._received)

    @property
    def is_quiet(self) -> bool:
        """True if the connection is open, everything was sent, and nothing was received that is not read."""
        if self._has_ended or self._received or self._transport.is_closing():
            return False
        return not self._transport.get_write_buffer_size() and not self._is_readable()

    def _is_readable(self) -> bool:
        """True if the kernel has data, or the end of the stream, that the event loop has not read yet."""
        descriptor = self._transport.get_extra_info("socket").fileno()
        if descriptor < 0:
            return True
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        return bool(poll.poll(0))

    def abort(self) -> None:
        self._transport.abort()

    async def wait_closed(self) -> None:
        await self._closed.wait()
