"""uvicorn's protocol of WebSocket, with an end for connections whose client does not read.

uvicorn closes a connection when everything was sent. A client that reads nothing would keep it, and what waits for it,
for as long as it likes, also when the process stops.
"""

import asyncio
import logging
import socket
from collections.abc import Mapping
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.datastructures import Headers
from websockets.frames import Frame
from websockets.http11 import Response

from app.api.live.limits import SocketLimits
from app.background.unread import UnreadTimer

HEAD_BYTES = 65_536
"""Of a handshake. It was measured as a request of HTTP already, and long tokens are in it."""
PING_SECONDS = 20.0
STALLED_SECONDS = 30.0
SEND_BUFFER_BYTES = 131_072
"""How much the system takes of what a client has not read, twice. Otherwise it takes megabytes."""
CLOSING_SECONDS = 5.0
STOPPING_SECONDS = 2.0


_logger = logging.getLogger("uvicorn.sockets")
_logger.setLevel(logging.WARNING)
"""Not every socket is worth two lines. They would have its whole address, also what should not be in one."""


class BoundedSocketProtocol(WebSocketsSansIOProtocol):
    """Ends connections that read nothing for `STALLED_SECONDS`, or do not close in time."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.logger = self.conn.logger = _logger
        self._take_long_heads()
        self._unread: UnreadTimer | None = None
        self._closing: asyncio.TimerHandle | None = None

    def _take_long_heads(self) -> None:
        """Begin to parse again, with another bound of lines: the library has only one for the whole process."""
        connection = self.conn
        read_line = connection.reader.read_line
        connection.reader.read_line = lambda _, *error: read_line(HEAD_BYTES, *error)  # type: ignore[method-assign]
        connection.parser = connection.parse()
        next(connection.parser)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._unread = UnreadTimer(self.loop, self.transport, STALLED_SECONDS, self.transport.abort)
        connection = transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timers()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.conn.handshake_exc is not None:
            return
        super().data_received(data)
        if self.conn.handshake_exc is not None and not self.handshake_initiated:
            self._refuse_handshake()

    def _refuse_handshake(self) -> None:
        """uvicorn would wait without end: it sees no request."""
        answer = b"".join(self.conn.data_to_send())
        self.transport.write(answer or _malformed())
        self.handshake_complete = self.close_sent = True
        self.transport.close()
        self._end_within(CLOSING_SECONDS)

    def _stop_timers(self) -> None:
        if self._unread is not None:
            self._unread.stop()
        if self._closing is not None:
            self._closing.cancel()

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._unread is not None:
            self._unread.start()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._unread is not None:
            self._unread.stop()
        if self.pong_timer is not None:
            self._wait_for_pong()

    def shutdown(self) -> None:
        super().shutdown()
        self._end_within(STOPPING_SECONDS)

    def keepalive_timeout(self) -> None:
        if self._unread is not None and self._unread.runs:
            # The ping waits behind what the client has not read, and whether it reads is known.
            self._wait_for_pong()
            return
        super().keepalive_timeout()
        self._end_within(CLOSING_SECONDS)

    def _wait_for_pong(self) -> None:
        if self.pong_timer is not None:
            self.pong_timer.cancel()
        self.pong_timer = self.loop.call_later(PING_SECONDS, self.keepalive_timeout)

    def handle_close(self, event: Frame) -> None:
        super().handle_close(event)
        self._end_within(CLOSING_SECONDS)

    def handle_parser_exception(self) -> None:
        super().handle_parser_exception()
        self._end_within(CLOSING_SECONDS)

    async def send(self, message: Any) -> None:
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and self.close_sent:
            self.handshake_complete = True  # otherwise uvicorn logs each refused handshake as an error

    async def run_asgi(self) -> None:
        await super().run_asgi()
        self._end_within(CLOSING_SECONDS)

    def _end_within(self, seconds: float) -> None:
        """The connection is being closed. Do not wait longer for its client."""
        if self.disconnected:
            return
        if self._closing is not None:
            self._closing.cancel()
        self._closing = self.loop.call_later(seconds, self.transport.abort)


def _malformed() -> bytes:
    return Response(400, "Bad Request", Headers({"Connection": "close", "Content-Length": "0"})).serialize()


SERVER_OPTIONS: Mapping[str, Any] = {
    "ws": BoundedSocketProtocol,
    "ws_max_size": SocketLimits().auth_bytes,
    "ws_per_message_deflate": False,  # it would compress the same text for each socket, and keep its buffers for each
    "ws_ping_interval": PING_SECONDS,
    "ws_ping_timeout": PING_SECONDS,
}
"""The options of uvicorn that are about WebSocket."""
