"""One channel that one socket follows: what it has missed, then what is new, without a gap and without a repeat."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Protocol

from app.api.live.broadcast import Broadcast
from app.api.live.channels import Channel, Newest
from app.api.live.frames import Frame
from app.api.live.outbox import Outbox
from app.feed.documents import history_event_json
from app.feed.entries import AnyUpdate, FeedBatch

PAGE = 200
HELD_BYTES = 262_144
MOST_CHOSEN = 1_000
"""So many newest events are chosen from what is replayed before they are sent."""

Batches = AsyncGenerator[FeedBatch]

OnLost = Callable[[Mapping[str, int | None]], None]
"""Called with the channels whose subscriptions are over, because the client was too slow for them."""


class Subscription:
    """Takes the frames of a channel for one socket.

    channel: what is followed.
    broadcast: where its events come from.
    outbox: what waits for the client.
    after: the client has what is up to this number.
    every: whether the client wants every event, or from time to time the newest ones.
    on_lost: told when frames were dropped, of whichever channel.
    """

    def __init__(
        self, channel: Channel, broadcast: Broadcast, outbox: Outbox, after: int, on_lost: OnLost, *, every: bool
    ) -> None:
        self.channel = channel
        self.every = every
        self.after = after
        self._broadcast = broadcast
        self._outbox = outbox
        self._on_lost = on_lost
        self._held: Held | None = None
        self._is_over = False

    def join(self) -> None:
        """Take what the broadcast sends from now on."""
        if not self._is_over:
            self._broadcast.add(self.channel, self, every=self.every)

    def leave(self) -> None:
        """Take nothing more. Harmless when repeated."""
        self._is_over = True
        self._broadcast.remove(self.channel, self)

    def deliver(self, frame: Frame) -> None:
        if frame.number <= self.after:
            return
        if self._held is not None:
            self._held.put(frame)
        else:
            self.tell(frame)

    def tell(self, frame: Frame) -> None:
        if not self._is_over and (lost := self._outbox.offer(frame)):
            self._on_lost(lost)

    def lose(self) -> None:
        self._outbox.tell_lost(self.channel.name, None)
        self._on_lost({self.channel.name: None})

    def has_caught_up(self) -> bool:
        """Whether all that the broadcast has sent so far is known to the client."""
        return self._broadcast.is_following and self.after >= self._broadcast.through

    async def replay(self, batches: Batches) -> None:
        """Send what the batches behind `after` have, until the broadcast continues from there; then join it."""
        async with aclosing(batches):
            if self.has_caught_up():
                self.join()
                return
            chosen = Newest(self.channel)
            async for batch in batches:
                await self._take(batch, chosen)
                if len(chosen) and len(chosen) < MOST_CHOSEN and batch.last < self._broadcast.through:
                    continue
                for found in chosen.take():
                    await self._put(self.channel.frame_of(found))
                self.after = batch.last
                # Nothing runs between these two lines, so the next event comes from the broadcast.
                if self.has_caught_up():
                    self.join()
                    return

    async def replay_history(self, read: "ReadHistory") -> None:
        """Join the broadcast, and send what the history has behind `after` before what comes from there."""
        self._held = Held()
        self.join()
        while True:
            self._held.begin()
            page = await read(self.after, PAGE)
            for update in page:
                await self._put(self._frame_of(update))
                self.after = update.event.sequence
            if len(page) < PAGE and not self._held.missed:
                break
        held, self._held = self._held, None
        for frame in held.frames:
            self.deliver(frame)

    async def _take(self, batch: FeedBatch, chosen: Newest) -> None:
        """Send every event, or choose the newest ones."""
        for found in batch.events:
            if not self.channel.sends(found):
                continue
            if self.every:
                await self._put(self.channel.frame_of(found))
            else:
                chosen.put(found)

    def _frame_of(self, update: AnyUpdate) -> Frame:
        return self.channel.frame(update, update.event.sequence, history_event_json(update))

    async def _put(self, frame: Frame) -> None:
        """Waits until there is room: what was not sent yet is in the database."""
        await self._outbox.room(len(frame.text))
        self.tell(frame)


class ReadHistory(Protocol):
    def __call__(self, after: int, limit: int) -> Awaitable[Sequence[AnyUpdate]]:
        """Read at most so many events behind a number."""


class Held:
    """What the broadcast has sent while the history is read.

    frames: the frames in their order.
    missed: whether there were too many since `begin`. Those are in the database.
    """

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.missed = False
        self._bytes = 0

    def begin(self) -> None:
        """What comes from now on may not be seen by the next read."""
        self.missed = False

    def put(self, frame: Frame) -> None:
        self._bytes += len(frame.text)
        if self._bytes > HELD_BYTES:
            self.frames, self._bytes, self.missed = [], 0, True
        else:
            self.frames.append(frame)
