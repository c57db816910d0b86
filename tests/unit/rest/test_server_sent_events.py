"""Server-sent events as they are written, and what a stream does while nothing comes, or something fails."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from app.api.rest.event_stream import EventStream, unbroken
from app.api.rest.live_streams import LiveStreams
from app.api.rest.server_sent_events import CHUNK_BYTES, Part, Parts, accepts_stream, chunks_of, comment
from app.background.backoff import Backoff
from app.domain.errors import NotFound, Unauthenticated, Unavailable

SCOPE = {"type": "http", "method": "GET", "path": "/events", "headers": []}
AT_ONCE = Backoff(0.0, 0.0)
NEVER = 3_600.0


def part(*numbers: int, reached: int | None = None) -> Part:
    return Part([(number, b"{}") for number in numbers], reached or numbers[-1])


@asynccontextmanager
async def for_ever() -> AsyncIterator[None]:
    yield


class Client:
    """Receives a stream, until it leaves; it takes what is sent only while it reads."""

    def __init__(self) -> None:
        self.text = b""
        self.sent = asyncio.Event()
        self.reads = asyncio.Event()
        self.reads.set()
        self.left = asyncio.Event()
        self.is_complete = False

    async def receive(self) -> dict[str, Any]:
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.text += message.get("body", b"")
        self.is_complete = message["type"] == "http.response.body" and not message["more_body"]
        self.sent.set()
        await self.reads.wait()

    async def until(self, text: bytes) -> None:
        async with asyncio.timeout(10):
            while text not in self.text:
                self.sent.clear()
                await self.sent.wait()

    async def read(self, parts: Parts, live: LiveStreams, told: int | None = 0, lasting: Any = None) -> bytes:
        await EventStream(parts, live, lasting or for_ever(), told)(SCOPE, self.receive, self.send)
        return self.text


async def of(*parts: Part | Exception) -> Parts:
    for one in parts:
        if isinstance(one, Exception):
            raise one
        yield one


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, False),
        ("", False),
        ("*/*", False),
        ("text/*", False),
        ("application/json", False),
        ("text/event-stream", True),
        ("Text/Event-Stream; charset=utf-8", True),
        ("application/json, text/event-stream", True),
        ("text/event-stream;q=0.4, application/json;q=0.5", False),
        ("text/event-stream;q=0", False),
        ("text/event-stream;q=.", False),
        ("text/html, text/event-stream;q=0.9, */*;q=0.1", True),
    ],
)
def test_who_wants_a_stream(accept: str | None, expected: bool) -> None:
    assert accepts_stream(accept) is expected


def test_small_events_are_sent_together_and_large_ones_alone() -> None:
    large = b'"' + CHUNK_BYTES * b"x" + b'"'
    chunks = list(chunks_of(Part([(1, b"{}"), (2, large), (3, b"{}"), (4, b"{}")], 9)))
    assert [last for last, _ in chunks] == [2, 4]
    assert chunks[1][1] == b"id: 3\ndata: {}\n\nid: 4\ndata: {}\n\n"
    assert b"".join(text for _, text in chunks).count(b"\n\n") == 4


def test_documents_are_made_only_when_they_are_sent() -> None:
    made: list[int] = []

    def events() -> Any:
        for number in range(100):
            made.append(number)
            yield number, CHUNK_BYTES * b"x"

    next(chunks_of(Part(events(), 100)))
    assert made == [0]


async def test_a_stream_begins_with_the_retry_and_ends_with_end() -> None:
    text = await Client().read(of(part(1, 2), part(3)), LiveStreams())
    assert text == (
        b'retry: 1000\n\nid: 1\ndata: {}\n\nid: 2\ndata: {}\n\nid: 3\ndata: {}\n\nevent: end\ndata: {"id":3}\n\n'
    )


async def test_while_nothing_comes_there_are_comments_and_they_tell_how_far_it_is() -> None:
    client, more = Client(), asyncio.Event()

    async def parts() -> Parts:
        yield part(1, reached=5)
        yield Part((), 8)
        await more.wait()
        yield part(9)

    reading = asyncio.create_task(client.read(parts(), LiveStreams(comment_seconds=0.01)))
    await client.until(comment(8))
    await client.until(comment(8) + comment(None))
    more.set()
    text = await reading
    assert text.index(b"id: 1\n") < text.index(comment(8)) < text.index(b"id: 9\n")
    assert comment(5) not in text


async def test_empty_parts_without_a_pause_do_not_keep_comments_away() -> None:
    client = Client()

    async def parts() -> Parts:
        number = 0
        while b"id: " not in client.text:
            number += 1
            yield Part((), number)
            await asyncio.sleep(0)

    async with asyncio.timeout(10):
        assert b":\nid: " in await client.read(parts(), LiveStreams(comment_seconds=0.01))


async def test_where_a_stream_begins_is_told_at_once() -> None:
    text = await Client().read(of(Part((), 17), Part((), 17)), LiveStreams(), told=None)
    assert text.startswith(b"retry: 1000\n\n:\nid: 17\n\n")


async def test_nothing_is_asked_for_while_the_client_does_not_read() -> None:
    client, asked = Client(), 0

    async def parts() -> Parts:
        nonlocal asked
        for number in range(1, 100):
            asked += 1
            yield part(number)

    client.reads.clear()
    reading = asyncio.create_task(client.read(parts(), LiveStreams()))
    await asyncio.sleep(0)
    for _ in range(100):
        await asyncio.sleep(0)
    assert asked == 0
    client.reads.set()
    await reading
    assert asked == 99


async def test_a_client_that_leaves_closes_the_parts_at_once() -> None:
    client, closed = Client(), asyncio.Event()

    async def parts() -> Parts:
        try:
            yield part(1)
            await asyncio.Event().wait()
        finally:
            closed.set()

    reading = asyncio.create_task(client.read(parts(), LiveStreams(comment_seconds=NEVER)))
    await client.until(b"id: 1\n")
    client.left.set()
    await reading
    assert closed.is_set()
    assert not client.is_complete


@pytest.mark.parametrize(
    ("error", "sent"),
    [
        (NotFound("execution", 7), b'"status":404'),
        (Unauthenticated.expired("API key"), b'"code":"credentials_expired"'),
        (Unavailable("no"), b'"status":503'),
        (RuntimeError("secret"), b'"code":"internal"'),
    ],
)
async def test_an_error_is_an_event_with_the_problem(error: Exception, sent: bytes) -> None:
    text = await Client().read(of(part(1), error), LiveStreams())
    last = text.split(b"\n\n")[-2]
    assert last.startswith(b"event: error\ndata: {")
    assert sent in last
    assert b"secret" not in text
    assert b"event: end" not in text


async def test_a_stream_that_ends_because_the_process_stops_says_nothing() -> None:
    live, client = LiveStreams(), Client()
    live.close()
    assert await client.read(of(part(1), Unavailable("stopping")), live) == b"retry: 1000\n\nid: 1\ndata: {}\n\n"
    assert client.is_complete


async def test_a_stream_waits_while_the_database_does_not_answer() -> None:
    opened: list[int | None] = []

    async def again(after: int | None) -> Parts:
        opened.append(after)
        if len(opened) == 1:
            raise Unavailable("still away")
        return of(part(4), part(5))

    parts = unbroken(again, of(part(1, reached=3), Unavailable("away")), 0, LiveStreams(), AT_ONCE)
    assert [one.reached async for one in parts] == [3, 4, 5]
    assert opened == [3, 3]


async def test_a_stream_that_waits_for_the_database_ends_with_the_process() -> None:
    live = LiveStreams()
    parts = unbroken(of, of(Unavailable("away")), 0, live, Backoff(NEVER, NEVER, jitter=0))  # type: ignore[arg-type]
    waiting = asyncio.ensure_future(anext(parts))
    await asyncio.sleep(0)
    live.close()
    with pytest.raises(Unavailable, match="stopping"):
        await waiting
