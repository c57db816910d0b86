"""Notices a client that takes nothing of what is sent to it."""

import asyncio
from collections.abc import Callable

LEAST_BYTES = 16_384
"""A client that takes less between two looks takes nothing: it must not keep memory for long by a byte now and then."""


class UnreadTimer:
    """Runs while a connection is too full to be written to.

    loop: has its timers.
    transport: of the connection.
    seconds: the interval between two looks.
    give_up: called once, if the client has taken nothing since the last look.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        transport: asyncio.WriteTransport,
        seconds: float,
        give_up: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._transport = transport
        self._seconds = seconds
        self._give_up = give_up
        self._unread = 0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def runs(self) -> bool:
        return self._timer is not None

    def start(self) -> None:
        self.stop()
        self._unread = self._transport.get_write_buffer_size()
        self._timer = self._loop.call_later(self._seconds, self._look)

    def stop(self) -> None:
        """Harmless when repeated."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = None
        if self._unread - self._transport.get_write_buffer_size() < LEAST_BYTES:
            self._give_up()
        else:
            self.start()
