"""One connection to Redis that all callers share.

The commands of many callers are sent in one write, and Redis replies in their order. That costs far less than a
connection for each call. A connection is never repaired: any failure ends it, and the next caller opens a new one.
"""

import asyncio
import logging
import math
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

from hiredis import pack_command
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as LinkBroken
from redis.exceptions import RedisError, ResponseError
from redis.exceptions import TimeoutError as AnswerOverdue

from app.background.alarm import Alarm

logger = logging.getLogger(__name__)

Command = tuple[bytes | str | int, ...]


class RedisLink:
    """Opens a session when one is needed.

    make_connection: returns a new connection that is not connected yet and has no timeouts of its own.
    settling_seconds: how long entries live at most. A server that may have loaded entries from its disk is not
        `readable` for so long after its start, because outdated entries may be among them.
    monotonic: the clock of this process, in seconds.
    """

    def __init__(
        self,
        make_connection: Callable[[], AbstractConnection],
        settling_seconds: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._make_connection = make_connection
        self._settling_seconds = settling_seconds
        self._monotonic = monotonic
        self._opening: asyncio.Task[Session] | None = None
        self._closed = False

    @property
    def open_session(self) -> "Session | None":
        """The open session; None when one must be opened first."""
        opening = self._opening
        return None if opening is None or not opening.done() or _has_ended(opening) else opening.result()

    async def session(self) -> "Session":
        """The open session, or a new one. Raise `RedisError` or `OSError` when none can be opened, or after `close`."""
        if self._closed:
            raise LinkBroken("the link is closed")
        if self._opening is None or _has_ended(self._opening):
            self._opening = asyncio.create_task(self._open(), name="redis link")
        opening = self._opening
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            me = asyncio.current_task()
            if opening.cancelled() and me is not None and not me.cancelling():
                # `drop` has cancelled the opening, for another caller. This one was not cancelled.
                raise LinkBroken("the connection was given up while it was being opened") from None
            raise

    async def close(self) -> None:
        """End the session and open no other one. A call in progress would otherwise open one that is never closed."""
        self._closed = True
        await self.drop()

    async def drop(self) -> None:
        """End the session. Calls that wait for replies raise `LinkBroken`; the next call opens a new session."""
        opening, self._opening = self._opening, None
        if opening is None:
            return
        opening.cancel()
        await asyncio.wait([opening])
        if not opening.cancelled() and opening.exception() is None:
            await opening.result().end(LinkBroken("the connection was given up"))

    async def _open(self) -> "Session":
        connection = self._make_connection()
        try:
            await connection.connect_check_health(check_health=False)
            age = await _seconds_since_entries_came_back(connection)
        except BaseException:
            await connection.disconnect(nowait=True)
            raise
        settled_at = self._monotonic() + self._settling_seconds - age
        return Session(connection, lambda: self._monotonic() >= settled_at)


class _Question(NamedTuple):
    answer: asyncio.Future[list[Any]]
    commands: int
    deadline: float


class Session:
    """An open connection, with one task that writes and one that reads.

    Replies arrive in the order of the calls, and all calls have the same timeout. So only the oldest call needs a
    timer: when its reply is overdue, the session ends.
    """

    def __init__(self, connection: AbstractConnection, is_readable: Callable[[], bool]) -> None:
        self._connection = connection
        self._is_readable = is_readable
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[_Question] = deque()
        self._outbox: list[bytes] = []
        self._has_output = asyncio.Event()
        self._tasks = [
            asyncio.create_task(self._until_broken(work), name=name)
            for name, work in (("redis writer", self._write), ("redis reader", self._read))
        ]
        self._overdue = Alarm(self._end_overdue)
        self._ending: asyncio.Task[None] | None = None
        self.has_ended = False

    @property
    def readable(self) -> bool:
        return self._is_readable()

    def call(self, commands: Sequence[Command], timeout_seconds: float) -> asyncio.Future[list[Any]]:
        """Send commands; the future returns the reply to each. An error that Redis returns is a reply, too.

        When the replies take longer than `timeout_seconds`, which must be the same for all callers, the session ends
        and the future raises `AnswerOverdue`.
        """
        answer: asyncio.Future[list[Any]] = self._loop.create_future()
        if self.has_ended:
            answer.set_exception(LinkBroken("the connection has ended"))
            return answer
        self._waiting.append(_Question(answer, len(commands), self._loop.time() + timeout_seconds))
        if len(self._waiting) == 1:
            self._watch_oldest()
        # hiredis declares that a command is a single word, but accepts tuples.
        self._outbox += [pack_command(command) for command in commands]  # type: ignore[arg-type]
        self._has_output.set()
        return answer

    async def end(self, error: Exception) -> None:
        if self.has_ended:
            return
        self.has_ended = True
        self._overdue.close()
        for question in self._waiting:
            if not question.answer.done():
                question.answer.set_exception(error)
                question.answer.exception()  # no caller may be waiting for it any more
        self._waiting.clear()
        for task in self._tasks:
            if task is not asyncio.current_task():
                task.cancel()
        await self._connection.disconnect(nowait=True)

    def _watch_oldest(self) -> None:
        if self._waiting:
            self._overdue.set(self._waiting[0].deadline, self._loop)
        else:
            self._overdue.clear()

    def _end_overdue(self) -> None:
        self._ending = asyncio.create_task(self.end(AnswerOverdue()), name="redis link overdue")

    async def _until_broken(self, work: Callable[[], Awaitable[None]]) -> None:
        """Any error in one task ends the session, and with it the other task. The next caller opens a new session."""
        try:
            await work()
        except (RedisError, OSError) as error:
            await self.end(error)
        except Exception:
            logger.exception("the connection to Redis is given up after a defect")
            await self.end(LinkBroken("the connection was given up after a defect"))

    async def _write(self) -> None:
        while True:
            await self._has_output.wait()
            self._has_output.clear()
            packed, self._outbox = self._outbox, []
            await self._connection.send_packed_command(b"".join(packed), check_health=False)

    async def _read(self) -> None:
        while True:
            first = await self._reply()
            if not self._waiting:
                raise LinkBroken("there was a reply to no command")
            answer, commands, _ = self._waiting[0]
            replies = [first, *[await self._reply() for _ in range(commands - 1)]]
            self._waiting.popleft()
            self._watch_oldest()
            if not answer.done():
                answer.set_result(replies)

    async def _reply(self) -> Any:
        try:
            return await self._connection.read_response(timeout=math.inf)
        except ResponseError as error:
            return error


def _has_ended(opening: "asyncio.Task[Session]") -> bool:
    if not opening.done():
        return False
    return opening.cancelled() or opening.exception() is not None or opening.result().has_ended


async def _seconds_since_entries_came_back(connection: AbstractConnection) -> float:
    """How long ago the server may have loaded entries from its disk.

    Infinity when it has loaded none; 0 when it does not report its uptime.
    """
    await connection.send_command("INFO")
    try:
        answer = await connection.read_response()
    except ResponseError as error:
        # A server without INFO is a replacement for Redis that has no persistence.
        return math.inf if "unknown command" in str(error).lower() else 0.0
    facts = dict(line.partition(":")[::2] for line in answer.decode().splitlines())
    if facts.get("aof_enabled") == "0" and facts.get("rdb_last_load_keys_loaded") == "0":
        return math.inf
    return float(facts.get("uptime_in_seconds", 0))
