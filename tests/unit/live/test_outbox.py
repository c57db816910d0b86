"""What waits for a client that reads slowly."""

import asyncio

import orjson
import pytest

from app.api.live.frames import Frame
from app.api.live.outbox import MOST_REPLIES, Outbox


def frame(number: int, size: int = 10, channel: str = "a") -> Frame:
    return Frame(channel, number, b"x" * size)


async def taken(outbox: Outbox) -> list[bytes]:
    found = []
    while outbox.size:
        found.append(await outbox.take())
    return found


async def test_messages_are_taken_in_their_order() -> None:
    outbox = Outbox(100)
    outbox.reply(b"one")
    assert outbox.offer(frame(1)) == {}
    outbox.reply(b"two")
    assert await taken(outbox) == [b"one", b"x" * 10, b"two"]


async def test_without_room_all_frames_are_dropped_and_the_client_learns_where_to_read_on() -> None:
    outbox = Outbox(100)
    outbox.reply(b"reply")
    outbox.offer(frame(5, 50))
    outbox.offer(frame(7, 10, "b"))
    assert outbox.offer(frame(6, 50)) == {"a": 4, "b": 6}
    reply, *resyncs = await taken(outbox)
    assert reply == b"reply"
    assert [orjson.loads(text) for text in resyncs] == [
        {"type": "resync", "channel": channel, "data": {"channel": channel, "after": after}}
        for channel, after in (("a", 4), ("b", 6))
    ]


async def test_what_was_taken_is_not_lost() -> None:
    outbox = Outbox(100)
    outbox.offer(frame(1, 60))
    await outbox.take()
    outbox.offer(frame(2, 60))
    assert outbox.offer(frame(3, 60)) == {"a": 1}


async def test_a_frame_that_is_too_large_is_taken_alone() -> None:
    outbox = Outbox(100)
    outbox.reply(b"reply")
    assert outbox.offer(frame(1, 1_000)) == {}
    assert outbox.offer(frame(2, 1)) == {"a": 0}


async def test_room_is_awaited() -> None:
    outbox = Outbox(100)
    await outbox.room(1_000)
    outbox.offer(frame(1, 45))
    waiting = asyncio.ensure_future(outbox.room(45))
    await asyncio.sleep(0)
    assert not waiting.done()
    await outbox.take()
    await waiting


async def test_it_is_known_when_replies_are_not_read() -> None:
    outbox = Outbox(100)
    outbox.reply(b"x" * MOST_REPLIES)
    assert not outbox.is_unread
    outbox.reply(b"x")
    assert outbox.is_unread
    await taken(outbox)
    assert not outbox.is_unread


@pytest.mark.parametrize("sizes", [(10,), (60, 60, 60), (1_000, 1, 1_000)])
async def test_frames_never_take_more_than_their_limit(sizes: tuple[int, ...]) -> None:
    outbox = Outbox(100)
    for number, size in enumerate(50 * sizes):
        outbox.offer(frame(number, size))
        assert outbox._frame_bytes <= max(100, size)
