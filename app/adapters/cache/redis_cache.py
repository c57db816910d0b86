"""Definitions in Redis.

Under each ref lies a hash of two fields: `token`, set by the first reader that finds nothing, and `entry`, the document
together with the token of the vacancy that it fills. An entry counts only while both tokens are equal. Invalidating
deletes the hash, so the next reader sets a new token, and whatever slower readers still fill in does not count: no
older document can come back, however late it is written, also when Redis itself drops the hash. No step needs a script.

A process that could not delete a hash remembers the ref and deletes it before it does anything else in Redis, so it
never reads an entry that it knows to be outdated.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from itertools import count
from typing import TypeVar, cast
from uuid import uuid4

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from app.adapters.cache.outage import Outage
from app.definitions.ports import StoredDocument, Vacancy

PREFIX = "workflow:definition:1:"
MAX_CONNECTIONS = 32
PAUSE_SECONDS = 1.0
VACANCY_SECONDS = 30
MAX_REMEMBERED = 10_000

Answer = TypeVar("Answer")


class RedisDefinitionCache:
    """Entries live `ttl_seconds`. No call takes longer than `timeout_seconds`, and hardly one during an outage."""

    def __init__(
        self, client: Redis, ttl_seconds: float, timeout_seconds: float, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._ttl_seconds = ttl_seconds
        self._timeout_seconds = timeout_seconds
        self._monotonic = monotonic
        self._outage = Outage("Redis", PAUSE_SECONDS, monotonic)
        self._outdated: dict[str, int] = {}
        self._numbers = count()
        self._distrusted_until = float("-inf")

    async def get(self, ref: str) -> StoredDocument | Vacancy:
        return await self._attempt(lambda: self._look_up(ref)) or Vacancy(ref)

    async def put(self, vacancy: Vacancy, document: StoredDocument) -> None:
        token = vacancy.token
        if token is not None:
            await self._attempt(lambda: self._fill(vacancy.ref, pack(token, document)))

    async def invalidate(self, refs: Sequence[str]) -> None:
        number = next(self._numbers)
        self._outdated |= dict.fromkeys(refs, number)
        if len(self._outdated) > MAX_REMEMBERED:
            self._distrust_everything()
        await self._attempt(self._forget_outdated)

    def _distrust_everything(self) -> None:
        """Instead of remembering ever more refs, leave Redis alone until no entry of today is alive."""
        self._distrusted_until = self._monotonic() + self._ttl_seconds
        self._outdated.clear()

    async def _attempt(self, call: Callable[[], Awaitable[Answer]]) -> Answer | None:
        """None when Redis fails, or is known to."""
        if self._monotonic() < self._distrusted_until or not self._outage.may_try():
            return None
        try:
            async with asyncio.timeout(self._timeout_seconds):
                await self._forget_outdated()
                answer = await call()
        except (RedisError, OSError) as error:
            self._outage.failed(error)
            return None
        self._outage.worked()
        return answer

    async def _forget_outdated(self) -> None:
        numbers = dict(self._outdated)
        if not numbers:
            return
        await self._client.delete(*(PREFIX + ref for ref in numbers))
        for ref, number in numbers.items():
            # A ref that was invalidated once more in the meantime has to be deleted once more.
            if self._outdated.get(ref) == number:
                del self._outdated[ref]

    async def _look_up(self, ref: str) -> StoredDocument | Vacancy:
        found = await self._client.hmget(PREFIX + ref, ["token", "entry"])
        token, entry = cast("list[bytes | None]", found)
        if token is None:
            return Vacancy(ref, await self._new_token(ref))
        return unpack(token, entry) or Vacancy(ref, token)

    async def _new_token(self, ref: str) -> bytes:
        async with self._client.pipeline(transaction=True) as pipeline:
            pipeline.hsetnx(PREFIX + ref, "token", uuid4().bytes)
            pipeline.expire(PREFIX + ref, VACANCY_SECONDS)
            pipeline.hget(PREFIX + ref, "token")
            token: bytes = (await pipeline.execute())[-1]
        return token

    async def _fill(self, ref: str, entry: bytes) -> None:
        async with self._client.pipeline(transaction=True) as pipeline:
            pipeline.hset(PREFIX + ref, "entry", entry)
            pipeline.pexpire(PREFIX + ref, round(self._ttl_seconds * 1000))
            await pipeline.execute()


@asynccontextmanager
async def open_redis_cache(url: str, ttl_seconds: float, timeout_seconds: float) -> AsyncIterator[RedisDefinitionCache]:
    """The cache and its connections. Redis need not answer, now or later; raise `ValueError` for a malformed `url`."""
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=MAX_CONNECTIONS,
        timeout=timeout_seconds,
        socket_timeout=timeout_seconds,
        socket_connect_timeout=timeout_seconds,
        retry=Retry(NoBackoff(), 0),
    )
    client = Redis(connection_pool=pool)
    try:
        yield RedisDefinitionCache(client, ttl_seconds, timeout_seconds)
    finally:
        await client.aclose()
        await pool.disconnect()


def pack(token: bytes, document: StoredDocument) -> bytes:
    header = f"{token.hex()} {document.workflow_id} {document.revision} {document.key or ''}\n"
    return header.encode() + document.body


def unpack(token: bytes, entry: bytes | None) -> StoredDocument | None:
    """None when there is no entry, or one that fills an older vacancy."""
    header, newline, body = (entry or b"").partition(b"\n")
    if not newline or not header.startswith(token.hex().encode() + b" "):
        return None
    _, workflow_id, revision, key = header.decode().split(" ")
    return StoredDocument(int(workflow_id), key or None, int(revision), body)
