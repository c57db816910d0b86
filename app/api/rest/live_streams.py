"""What all server-sent event streams of a process have in common: when they are silent for long, and that they end
before the process does."""

import asyncio
from collections.abc import Callable

from app.domain.errors import Unavailable

COMMENT_SECONDS = 15.0
"""Proxies close connections that are silent for longer; most wait a minute."""


class LiveStreams:
    """The open streams.

    ends: end all that follow executions, or the feed, in this process.
    comment_seconds: a stream that had nothing to send for so long sends a comment.
    """

    def __init__(self, *ends: Callable[[], None], comment_seconds: float = COMMENT_SECONDS) -> None:
        self._ends = ends
        self._closed = asyncio.Event()
        self.comment_seconds = comment_seconds

    @property
    def is_closing(self) -> bool:
        return self._closed.is_set()

    def close(self) -> None:
        """End all streams, also those to come: the process stops, and waits for the responses that are open. Harmless
        when repeated."""
        self._closed.set()
        for end in self._ends:
            end()

    async def pause(self, seconds: float) -> None:
        """Wait so long. Raise `Unavailable` as soon as the process stops."""
        try:
            await asyncio.wait_for(self._closed.wait(), seconds)
        except TimeoutError:
            return
        raise Unavailable("the server is stopping; read on from the last event")
