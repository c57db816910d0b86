"""What REST gives the connections of WebSocket to."""

from collections.abc import Callable
from typing import Protocol

from starlette.types import Receive, Send

from app.domain.callers import Caller
from app.identity.client_addresses import Sender


class Sockets(Protocol):
    """What serves sockets."""

    async def serve(self, caller: Caller | None, sender: Callable[[], Sender], receive: Receive, send: Send) -> None:
        """Accept the handshake. `caller` is None if the client says who calls in its first message."""
