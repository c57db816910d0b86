"""All sockets of a process: how many there are, and that they end before the process does."""

from collections.abc import Callable

import structlog

from app.api.live.connection import RESTART, TRY_LATER, Connection, Receive, Send
from app.api.live.conversation import LiveParts
from app.domain.callers import Caller
from app.identity.client_addresses import Sender

log = structlog.get_logger(__name__)


class LiveSockets:
    """The open sockets.

    parts: what sockets need of the process.
    most: how many there may be.
    """

    def __init__(self, parts: LiveParts, most: int) -> None:
        self._parts = parts
        self._most = most
        self._open: set[Connection] = set()
        self._is_closing = False

    async def serve(self, caller: Caller | None, sender: Callable[[], Sender], receive: Receive, send: Send) -> None:
        """Accept a handshake that may be accepted, and serve the socket until its end.

        caller: who calls; None if the client says so in its first message.
        """
        await receive()
        await send({"type": "websocket.accept"})
        if self._is_closing or len(self._open) >= self._most:
            await send(self._refusal())
            return
        connection = Connection(self._parts, sender, receive, send)
        self._open.add(connection)
        try:
            await connection.run(caller)
        finally:
            self._open.discard(connection)

    def close(self) -> None:
        """End all sockets, also those to come: the process stops, and waits for them. Harmless when repeated."""
        self._is_closing = True
        for connection in self._open:
            connection.stop()
        self._parts.broadcasts.close()

    def _refusal(self) -> dict[str, object]:
        """A close frame: a browser tells its page nothing of a handshake that was refused."""
        if self._is_closing:
            return {"type": "websocket.close", "code": RESTART, "reason": "the server is stopping; connect again"}
        log.warning("too_many_sockets", limit=self._most)
        reason = f"{self._most} sockets are open, which is the limit; try again later"
        return {"type": "websocket.close", "code": TRY_LATER, "reason": reason}
