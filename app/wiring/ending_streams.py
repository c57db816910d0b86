"""Ends the streams of the REST process when it is told to stop: uvicorn waits for responses, and a stream has no end.

`app.main` runs a server of its own. `uvicorn app.main:app` runs that of uvicorn, where only the lifespan is ours.
"""

import asyncio
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import uvicorn

NUMBERS = (signal.SIGTERM, signal.SIGINT)


class EndingServer(uvicorn.Server):
    """A server that first calls `end` when it stops, for whatever reason."""

    def __init__(self, config: uvicorn.Config, end: Callable[[], None]) -> None:
        super().__init__(config)
        self._end = end

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Nothing runs between this and the end of listening, so no client can come back to this process.
        self._end()
        await super().shutdown(sockets)


@contextmanager
def ending_at_signals(end: Callable[[], None], seconds: int) -> Iterator[None]:
    """Call `end` at a signal to stop, and then what was to be called before. Other threads get no signals.

    seconds: how long uvicorn's server then waits for its connections, if its own options do not say.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in NUMBERS}
    _bound_waiting(before[signal.SIGTERM], seconds)

    def handle(number: int, frame: FrameType | None) -> Any:
        loop.call_soon_threadsafe(end)
        handler = before[signal.Signals(number)]
        return handler(number, frame) if callable(handler) else None

    for number in NUMBERS:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _bound_waiting(handler: object, seconds: int) -> None:
    """Without a bound the server waits for as long as a client likes to read nothing. It handles signals itself."""
    server = getattr(handler, "__self__", None)
    if isinstance(server, uvicorn.Server) and server.config.timeout_graceful_shutdown is None:
        server.config.timeout_graceful_shutdown = seconds
