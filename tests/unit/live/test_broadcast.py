"""The newest state of each execution, from time to time: the test says when."""

from collections.abc import AsyncGenerator, Callable
from typing import Any
from uuid import UUID

import orjson

from app.api.live.broadcast import NEWEST_SECONDS, Broadcast
from app.api.live.channels import Channel, Kind
from app.api.live.frames import Frame
from app.domain.callers import ANONYMOUS
from app.engine.watching.updates import Update
from app.feed.entries import FeedBatch, FeedEvent
from tests.support.histories import note

ONE, TWO = UUID(int=1), UUID(int=2)


class House:
    """A broadcast that has begun, and the time."""

    def __init__(self) -> None:
        self.timers: list[tuple[float, Callable[[], None]]] = []
        self.broadcast = Broadcast(ANONYMOUS, NoFeed(), self._fail, lambda *timer: self.timers.append(timer))
        self.send(0)

    def send(self, through: int, *found: FeedEvent) -> None:
        self.broadcast._send(FeedBatch(self.broadcast.through, through, found))

    def ring(self) -> None:
        timers, self.timers = self.timers, []
        for seconds, ring in timers:
            assert seconds == NEWEST_SECONDS
            ring()

    def listener(self, channel: Channel, *, every: bool) -> "Listener":
        listener = Listener()
        self.broadcast.add(channel, listener, every=every)
        return listener

    def _fail(self, error: Exception) -> None:
        raise AssertionError from error


class NoFeed:
    async def watch(self, *_: Any) -> AsyncGenerator[FeedBatch]:
        raise AssertionError


class Listener:
    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.is_lost = False

    def deliver(self, frame: Frame) -> None:
        self.frames.append(frame)

    tell = deliver

    def lose(self) -> None:
        self.is_lost = True

    def positions(self) -> list[int]:
        return [orjson.loads(frame.text)["data"]["position"] for frame in self.frames]


def found(position: int, execution_id: UUID, sequence: int) -> FeedEvent:
    return FeedEvent(position, Update(execution_id, 7, note(sequence), None))


def test_every_event_at_once_or_the_newest_ones_later() -> None:
    house = House()
    every = house.listener(Channel("executions", Kind.EXECUTIONS), every=True)
    newest = house.listener(Channel("executions", Kind.EXECUTIONS), every=False)
    house.send(3, found(1, ONE, 1), found(2, TWO, 1), found(3, ONE, 2))
    house.send(4, found(4, ONE, 3))
    assert (every.positions(), newest.positions()) == ([1, 2, 3, 4], [])
    house.ring()
    assert newest.positions() == [2, 4]
    assert house.timers == []
    house.send(5, found(5, TWO, 2))
    house.ring()
    assert newest.positions() == [2, 4, 5]


def test_a_frame_is_made_once_for_all() -> None:
    house = House()
    channel = Channel("executions", Kind.EXECUTIONS)
    listeners = [house.listener(channel, every=True) for _ in range(3)]
    house.send(1, found(1, ONE, 1))
    assert len({id(listener.frames[0]) for listener in listeners}) == 1


def test_each_channel_has_its_own_events_and_its_name_as_it_was_written() -> None:
    house = House()
    of_one = house.listener(Channel(f"execution:{ONE}", Kind.EXECUTION, ONE), every=True)
    by_key = house.listener(Channel("workflow:w", Kind.WORKFLOW, 7), every=True)
    by_id = house.listener(Channel("workflow:7", Kind.WORKFLOW, 7), every=True)
    other = house.listener(Channel("workflow:8", Kind.WORKFLOW, 8), every=True)
    house.send(2, found(1, ONE, 1), found(2, TWO, 1))
    assert of_one.positions() == [1]
    assert by_key.positions() == by_id.positions() == [1, 2]
    assert other.positions() == []
    assert {frame.channel for frame in by_key.frames} == {"workflow:w"}


def test_who_has_left_gets_nothing() -> None:
    house = House()
    channel = Channel("executions", Kind.EXECUTIONS)
    listener = house.listener(channel, every=False)
    house.send(1, found(1, ONE, 1))
    house.broadcast.remove(channel, listener)
    house.broadcast.remove(channel, listener)
    house.ring()
    assert listener.frames == []
    assert not house.broadcast._audiences


def test_who_cannot_be_told_what_has_happened_is_told_that() -> None:
    house = House()
    listener = house.listener(Channel("executions", Kind.EXECUTIONS), every=True)
    house.broadcast._lose()
    assert listener.is_lost
    assert not house.broadcast.is_following
