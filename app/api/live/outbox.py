"""What waits for one client. It is bounded, whatever the client reads."""

import asyncio
from collections import deque
from collections.abc import Mapping

from app.api.live.frames import RESYNC, Frame, message

MOST_REPLIES = 65_536
"""Bytes. A client that reads anything at all never has so many, since it may send few messages in a second."""

_NOTHING_LOST: Mapping[str, int] = {}


class Outbox:
    """The messages for one client that were not sent yet, in order: frames, and replies to its own messages.

    most_bytes: how large all frames may be together. One that is larger is taken if there is no other.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._queue: deque[Frame | bytes] = deque()
        self._frames = 0
        self._frame_bytes = 0
        self._reply_bytes = 0
        self._filled = asyncio.Event()
        self._emptied = asyncio.Event()

    @property
    def size(self) -> int:
        """In bytes."""
        return self._frame_bytes + self._reply_bytes

    @property
    def is_unread(self) -> bool:
        """Whether the client sends messages and reads no reply. The socket must be closed then."""
        return self._reply_bytes > MOST_REPLIES

    def reply(self, text: bytes) -> None:
        """Add a reply, behind the frames that are there."""
        self._reply_bytes += len(text)
        self._queue.append(text)
        self._filled.set()

    def offer(self, frame: Frame) -> Mapping[str, int]:
        """Add a frame. Never waits. Without room for it all frames are dropped, and this one, too.

        Return what was lost: by channel, the number after which to read on. The client is told so.
        """
        size = len(frame.text)
        if self._frames and self._frame_bytes + size > self._most_bytes:
            return self._lose(frame)
        self._frames += 1
        self._frame_bytes += size
        self._queue.append(frame)
        self._filled.set()
        return _NOTHING_LOST

    def tell_lost(self, channel: str, after: int | None) -> None:
        """Add that the client misses what follows this number; None if it must begin anew."""
        self.reply(message(RESYNC, channel, {"channel": channel, "after": after}))

    async def room(self, size: int) -> None:
        """Wait until there is room for a frame of this size, and for as much again."""
        while self._frames and self._frame_bytes + size > self._most_bytes // 2:
            self._emptied.clear()
            await self._emptied.wait()

    async def take(self) -> bytes:
        """Remove and return the first message; wait until there is one."""
        while not self._queue:
            self._filled.clear()
            await self._filled.wait()
        first = self._queue.popleft()
        if isinstance(first, bytes):
            self._reply_bytes -= len(first)
            return first
        self._frames -= 1
        self._frame_bytes -= len(first.text)
        self._emptied.set()
        return first.text

    def drop_frames(self) -> None:
        """Keep only the replies."""
        self._queue = deque(item for item in self._queue if isinstance(item, bytes))
        self._frames = self._frame_bytes = 0
        self._emptied.set()

    def _lose(self, frame: Frame) -> Mapping[str, int]:
        lost: dict[str, int] = {}
        for dropped in (*self._queue, frame):
            if not isinstance(dropped, bytes):
                lost.setdefault(dropped.channel, dropped.number - 1)
        self.drop_frames()
        for channel, after in lost.items():
            self.tell_lost(channel, after)
        return lost
