"""Caches definitions in Redis. docs/decisions/0013-cache-correctness.md proves that no read is outdated. In short:

Each ref has a token (`:t`), an entry (`:e`) and the intents of writers (`:w`). The first reader that finds no entry
sets a new token, reads the database, and stores the entry under that token. An entry is valid only while its token
exists. A token expires `ttl_seconds` after it was set, on Redis's clock, and is never extended. So an entry that was
read from the database before a commit is invalid `ttl_seconds` after that commit, however late it was stored.

Before the commit, a writer removes the tokens of its refs and sets a write intent; while it exists, no reader may store
an entry. After the commit, the writer removes the tokens again, and its intent. If it cannot reach Redis, it waits
until all older entries have expired, and acknowledges the write only then. The intent of a writer that dies expires
after `INTENT_SECONDS`. No step needs a script.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

from redis.asyncio import ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from app.adapters.cache.entries import pack, unpack
from app.adapters.cache.link import Command, RedisLink, Session
from app.adapters.cache.waiting import Patience
from app.adapters.outage import Outage
from app.adapters.redis_address import connection_options
from app.definitions.ports import Content, Vacancy, WriteIntent
from app.domain.refs import Ref

PREFIX = "workflow:definition:3:"
PAUSE_SECONDS = 1.0
INTENT_SECONDS = 30


class RedisDefinitionCache:
    """No call takes longer than `timeout_seconds`, and during an outage nearly all return at once. The exception is
    `invalidate`, which waits until the entries that it could not remove have expired.

    link: the connection.
    ttl_seconds: how long entries live; the same in every process.
    timeout_seconds: how long a call may take.
    monotonic: the clock of this process, in seconds.
    sleep: waits for a number of seconds.
    """

    def __init__(
        self,
        link: RedisLink,
        ttl_seconds: float,
        timeout_seconds: float,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._link = link
        self._ttl_milliseconds = round(ttl_seconds * 1000)
        self._timeout_seconds = timeout_seconds
        self._patience = Patience(ttl_seconds, monotonic, sleep)
        self._outage = Outage("Redis", PAUSE_SECONDS, monotonic)

    async def get(self, ref: Ref) -> Content | None:
        replies = await self._read(("MGET", *_token_and_entry(ref)))
        return None if replies is None else unpack(ref, *replies[0])

    async def reserve(self, ref: Ref) -> Content | Vacancy:
        token_key, entry_key = _token_and_entry(ref)
        replies = await self._read(
            ("MULTI",),
            ("SET", token_key, uuid4().bytes, "NX", "PX", self._ttl_milliseconds),
            ("MGET", token_key, entry_key),
            ("EXISTS", _intents(ref)),
            ("EXEC",),
        )
        if replies is None:
            return Vacancy(ref)
        _, (token, entry), is_being_written = replies[-1]
        return unpack(ref, token, entry) or Vacancy(ref, None if is_being_written else token)

    async def put(self, vacancy: Vacancy, content: Content) -> None:
        if vacancy.token is not None:
            _, entry_key = _token_and_entry(vacancy.ref)
            entry = pack(vacancy.token, content)
            await self._attempt(("SET", entry_key, entry, "PX", self._ttl_milliseconds))

    async def begin_write(self, refs: Collection[Ref]) -> WriteIntent:
        intent = WriteIntent(uuid4().hex, frozenset(refs))
        beginning = [
            command
            for key in map(_intents, refs)
            for command in (("HSET", key, intent.id, 1), ("PEXPIRE", key, INTENT_SECONDS * 1000))
        ]
        if refs:
            await self._attempt(("MULTI",), _removal(refs), *beginning, ("EXEC",))
        return intent

    async def release(self, intent: WriteIntent) -> None:
        if intent.refs:
            await self._attempt(*_ending(intent))

    async def invalidate(self, intent: WriteIntent, refs: Collection[Ref]) -> None:
        commands = ("MULTI",), _removal(refs), *_ending(intent), ("EXEC",)
        await self._patience.until(lambda: self._succeeds(*commands))

    async def is_reachable(self) -> bool:
        return await self._succeeds(("PING",))

    async def _succeeds(self, *commands: Command) -> bool:
        """Call Redis even during an outage: the writer's caller waits for the acknowledgement."""
        return await self._call(commands, reading=False) is not None

    async def _read(self, *commands: Command) -> list[Any] | None:
        return await self._call(commands, reading=True) if self._outage.may_try() else None

    async def _attempt(self, *commands: Command) -> list[Any] | None:
        return await self._call(commands, reading=False) if self._outage.may_try() else None

    async def _call(self, commands: Sequence[Command], reading: bool) -> list[Any] | None:
        """The replies; None when Redis fails, or must not be read yet."""
        try:
            session = self._link.open_session
            if session is not None:
                replies = await self._ask(session, commands, reading)
            else:
                async with asyncio.timeout(self._timeout_seconds):
                    replies = await self._ask(await self._link.session(), commands, reading)
        except (RedisError, OSError) as error:
            self._outage.failed(error)
            if isinstance(error, TimeoutError):
                await self._link.drop()
            return None
        if replies is not None:
            self._outage.worked()
        return replies

    async def _ask(self, session: Session, commands: Sequence[Command], reading: bool) -> list[Any] | None:
        """The replies; None when the session must not be read yet. Raise an error that Redis returns."""
        if reading and not session.readable:
            return None
        replies = await session.call(commands, self._timeout_seconds)
        _raise_errors(replies)
        return replies


@asynccontextmanager
async def open_redis_cache(url: str, ttl_seconds: float, timeout_seconds: float) -> AsyncIterator[RedisDefinitionCache]:
    """The cache and its connection. Redis may be unreachable at any time. Raise `ValueError` for an invalid `url`."""
    async with open_redis_link(url, ttl_seconds) as link:
        yield RedisDefinitionCache(link, ttl_seconds, timeout_seconds)


@asynccontextmanager
async def open_redis_link(url: str, ttl_seconds: float) -> AsyncIterator[RedisLink]:
    never = Retry(NoBackoff(), 0)
    own: dict[str, Any] = {"protocol": 2, "socket_timeout": None, "socket_connect_timeout": None, "retry": never}
    pool = ConnectionPool(**connection_options(url), **own)
    # Redis counts its age in whole seconds.
    link = RedisLink(pool.make_connection, settling_seconds=ttl_seconds + 1)
    try:
        yield link
    finally:
        await link.close()


def _token_and_entry(ref: Ref) -> tuple[str, str]:
    return f"{_name(ref)}:t", f"{_name(ref)}:e"


def _intents(ref: Ref) -> str:
    return f"{_name(ref)}:w"


def _name(ref: Ref) -> str:
    """Equal names of two tenants have different keys."""
    return f"{PREFIX}{ref.tenant_id}:{ref}"


def _removal(refs: Collection[Ref]) -> Command:
    return ("DEL", *(key for ref in refs for key in _token_and_entry(ref)))


def _ending(intent: WriteIntent) -> list[Command]:
    return [("HDEL", _intents(ref), intent.id) for ref in intent.refs]


def _raise_errors(replies: Sequence[Any]) -> None:
    """Raise the first error. It may be the reply to a command, or an item in the reply to a transaction."""
    for reply in replies:
        if isinstance(reply, RedisError):
            raise reply
        if isinstance(reply, list):
            _raise_errors(reply)
