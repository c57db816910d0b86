"""Sends the events of a tenant to those who listen: the feed is followed once, and each frame is made once."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Protocol

from app.api.live.channels import Channel, Newest, Topic, topics_of
from app.api.live.frames import Frame
from app.background.loop import Loop, OnDefect
from app.domain.callers import Caller
from app.domain.errors import Invalid, PositionExpired, Unavailable
from app.feed.entries import FeedBatch, FeedEvent, FeedFilter

BEGIN_SECONDS = 5.0
NEWEST_SECONDS = 0.2

Later = Callable[[float, Callable[[], None]], object]
"""Calls a function after so many seconds."""


class Feed(Protocol):
    """The feed, which `FeedService` reads."""

    async def watch(self, caller: Caller, after: int | None, wanted: FeedFilter = ...) -> AsyncGenerator[FeedBatch]: ...


class Listener(Protocol):
    """A socket that follows a channel."""

    def deliver(self, frame: Frame) -> None:
        """Take the frame of an event. Never waits."""

    def tell(self, frame: Frame) -> None:
        """Take something that is not in the feed. Never waits."""

    def lose(self) -> None:
        """Nothing will follow, because it is not known what has happened meanwhile."""


@dataclass(eq=False, slots=True)
class Audience:
    """Those who listen to one channel.

    channel: what they listen to.
    of_all: those who get every event.
    of_newest: those who get the newest ones from time to time.
    """

    channel: Channel
    of_all: set[Listener] = field(default_factory=set)
    of_newest: set[Listener] = field(default_factory=set)
    newest: Newest = field(init=False)

    def __post_init__(self) -> None:
        self.newest = Newest(self.channel)

    @property
    def listeners(self) -> set[Listener]:
        return self.of_all | self.of_newest

    def offer(self, found: FeedEvent) -> None:
        if self.of_all:
            _deliver(self.channel.frame_of(found), self.of_all)
        if self.of_newest:
            self.newest.put(found)

    def flush(self) -> None:
        for found in self.newest.take():
            _deliver(self.channel.frame_of(found), self.of_newest)


class Broadcast:
    """The events of one tenant, for the sockets of this process.

    caller: someone of the tenant.
    feed: where the events come from.
    on_defect: called with the error when following ends with a defect.
    later: calls a function after some time.
    """

    def __init__(self, caller: Caller, feed: Feed, on_defect: OnDefect, later: Later | None = None) -> None:
        self._caller = caller
        self._feed = feed
        self._on_defect = on_defect
        self._later = later or _call_later
        self._audiences: defaultdict[Topic, dict[str, Audience]] = defaultdict(dict)
        self._flush_is_set = False
        self._began = asyncio.Event()
        self._loop = Loop(f"live events of tenant {caller.tenant_id}", self._follow, _at_once)
        self._position: int | None = None

    @property
    def is_following(self) -> bool:
        """Whether it knows where it is."""
        return self._position is not None

    @property
    def through(self) -> int:
        """All events up to this position were sent. Ask after `begin` has returned."""
        return self._position or 0

    async def begin(self) -> None:
        """Return when it follows the feed. Raise `Unavailable` when that takes too long."""
        self._loop.start(self._on_defect)
        try:
            async with asyncio.timeout(BEGIN_SECONDS):
                await self._began.wait()
        except TimeoutError:
            raise Unavailable("the events cannot be read now; subscribe again later") from None

    def stop(self) -> None:
        self._loop.stop()

    def add(self, channel: Channel, listener: Listener, *, every: bool) -> None:
        """Deliver to the listener what follows `through`: every event, or from time to time the newest ones."""
        audience = self._audiences[channel.topic].setdefault(channel.name, Audience(channel))
        (audience.of_all if every else audience.of_newest).add(listener)

    def remove(self, channel: Channel, listener: Listener) -> None:
        """Harmless when repeated."""
        audiences = self._audiences.get(channel.topic, {})
        if (audience := audiences.get(channel.name)) is None:
            return
        audience.of_all.discard(listener)
        audience.of_newest.discard(listener)
        if not audience.listeners:
            del audiences[channel.name]
        if not audiences:
            self._audiences.pop(channel.topic, None)

    def tell(self, topics: Iterable[Topic], make: Callable[[Channel], bytes]) -> None:
        """Send to all who listen to these topics something that is not in the feed. `make` makes its text."""
        for topic in topics:
            for audience in self._audience_of(topic):
                frame = Frame(audience.channel.name, self.through + 1, make(audience.channel))
                for listener in audience.listeners:
                    listener.tell(frame)

    async def _follow(self) -> bool:
        """Send what is new. Returns when it must begin anew."""
        try:
            async with aclosing(await self._feed.watch(self._caller, self._position)) as batches:
                async for batch in batches:
                    self._send(batch)
        except (PositionExpired, Invalid):
            # It has not read for days, or the database is another one.
            self._lose()
        return True

    def _send(self, batch: FeedBatch) -> None:
        for found in batch.events:
            for topic in topics_of(found):
                for audience in self._audience_of(topic):
                    audience.offer(found)
        self._position = batch.last
        self._began.set()
        if batch.events and not self._flush_is_set:
            self._flush_is_set = True
            self._later(NEWEST_SECONDS, self._flush)

    def _flush(self) -> None:
        self._flush_is_set = False
        for audience in self._all():
            audience.flush()

    def _lose(self) -> None:
        self._position = None
        self._began.clear()
        for audience in self._all():
            for listener in audience.listeners:
                listener.lose()

    def _all(self) -> Iterator[Audience]:
        """Those that there are now: listeners may leave while they are told something."""
        return iter([audience for audiences in self._audiences.values() for audience in audiences.values()])

    def _audience_of(self, topic: Topic) -> Iterable[Audience]:
        audiences = self._audiences.get(topic)
        return tuple(audiences.values()) if audiences else ()


def _deliver(frame: Frame, listeners: set[Listener]) -> None:
    for listener in tuple(listeners):
        listener.deliver(frame)


def _call_later(seconds: float, call: Callable[[], None]) -> None:
    asyncio.get_running_loop().call_later(seconds, call)


async def _at_once() -> None:
    """The pause of a loop that has none."""
