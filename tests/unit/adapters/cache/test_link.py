"""A connection to Redis that is out of step or has a defect: it ends, and those who wait are told."""

import asyncio
from typing import Any

import pytest
from redis.exceptions import ConnectionError as LinkBroken
from redis.exceptions import TimeoutError as AnswerOverdue

from app.adapters.cache.link import RedisLink, Session

TIMEOUT = 3_600.0


class Connection:
    """Plays a connection: replies with what the test puts in, raises it when it is an error."""

    def __init__(self) -> None:
        self.replies: asyncio.Queue[Any] = asyncio.Queue()
        self.sent = asyncio.Event()
        self.is_open = True

    async def send_packed_command(self, _: bytes, **__: Any) -> None:
        self.sent.set()

    async def read_response(self, **_: Any) -> Any:
        reply = await self.replies.get()
        if isinstance(reply, Exception):
            raise reply
        return reply

    async def disconnect(self, **_: Any) -> None:
        self.is_open = False


@pytest.fixture
async def connection() -> Connection:
    return Connection()


@pytest.fixture
async def session(connection: Connection) -> Session:
    return Session(connection, lambda: True)  # type: ignore[arg-type]


async def test_a_reply_to_no_command_ends_the_session(session: Session, connection: Connection) -> None:
    connection.replies.put_nowait(b"PONG")
    while not session.has_ended:
        await asyncio.sleep(0)
    assert not connection.is_open
    with pytest.raises(LinkBroken):
        await session.call([("GET", "a")], TIMEOUT)


async def test_a_defect_ends_the_session_at_once_and_is_logged(
    session: Session, connection: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    """Those who wait would learn of it no earlier than when their time is over."""
    answer = session.call([("GET", "a")], TIMEOUT)
    connection.replies.put_nowait(ZeroDivisionError("a defect"))
    with pytest.raises(LinkBroken, match="given up after a defect"):
        await answer
    assert session.has_ended
    assert not connection.is_open
    assert "ZeroDivisionError: a defect" in caplog.text


async def test_the_oldest_call_decides_when_the_session_is_overdue(session: Session, connection: Connection) -> None:
    first, second = session.call([("GET", "a")], TIMEOUT), session.call([("GET", "b")], 0.01)
    connection.replies.put_nowait(b"1")
    assert await first == [b"1"]
    with pytest.raises(AnswerOverdue):
        await second
    assert session.has_ended


class Connecting(Connection):
    """Never gets a connection."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = asyncio.Event()

    async def connect_check_health(self, **_: Any) -> None:
        self.begun.set()
        await asyncio.Event().wait()


async def test_who_waits_for_an_opening_that_another_gives_up_is_told() -> None:
    connecting = Connecting()
    link = RedisLink(lambda: connecting, 0.0)  # type: ignore[arg-type,return-value]
    waiting = [asyncio.create_task(link.session()) for _ in range(2)]
    await connecting.begun.wait()
    await link.drop()
    for one in waiting:
        with pytest.raises(LinkBroken, match="given up while it was being opened"):
            await one


async def test_who_is_cancelled_while_it_waits_for_an_opening_is_cancelled() -> None:
    connecting = Connecting()
    link = RedisLink(lambda: connecting, 0.0)  # type: ignore[arg-type,return-value]
    waiting = asyncio.create_task(link.session())
    await connecting.begun.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await link.close()
