"""Counts requests in Redis for all processes, and in this process while Redis does not answer."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from limits.aio.storage import RedisStorage
from redis.asyncio import BlockingConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from app.adapters.outage import Outage
from app.adapters.rates.memory import BoundedMemory
from app.adapters.rates.windows import SlidingWindows
from app.adapters.redis_address import connection_options
from app.identity.ports import Taken

PREFIX = "workflow:rate"
PATIENCE_SECONDS = 0.005
"""How long a request waits for Redis at most."""

PAUSE_SECONDS = 1.0
MOST_CONNECTIONS = 8


class LocalCounters:
    """Counts in this process alone. See `RateCounters`.

    monotonic: seconds on a clock that is never set.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._windows = SlidingWindows(BoundedMemory(monotonic))

    async def take(self, subject: str, per_minute: int, wanted: int) -> Taken:
        return await self._windows.take(subject, per_minute, wanted)


class SharedCounters:
    """Counts in Redis. While Redis does not answer, or when it does not answer soon, this process counts by itself.
    See `RateCounters`.

    shared: the windows in Redis.
    local: counts while Redis does not answer.
    timeout_seconds: after which time Redis counts as unreachable.
    monotonic: seconds on a clock that is never set.
    """

    def __init__(
        self,
        shared: SlidingWindows,
        local: LocalCounters,
        timeout_seconds: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._shared = shared
        self._local = local
        self._timeout_seconds = timeout_seconds
        self._outage = Outage("Redis (rate limits)", PAUSE_SECONDS, monotonic)
        self._asking: set[asyncio.Task[Taken | None]] = set()

    async def take(self, subject: str, per_minute: int, wanted: int) -> Taken:
        taken = await self._soon(subject, per_minute, wanted) if self._outage.may_try() else None
        return taken or await self._local.take(subject, per_minute, wanted)

    async def close(self) -> None:
        for task in self._asking:
            task.cancel()
        if self._asking:
            await asyncio.wait(self._asking)

    async def _soon(self, subject: str, per_minute: int, wanted: int) -> Taken | None:
        """What Redis allows; None if it does not answer soon. A late answer still ends or begins an outage."""
        asking = asyncio.create_task(self._ask(subject, per_minute, wanted), name="rate limit in redis")
        self._asking.add(asking)
        asking.add_done_callback(self._asking.discard)
        done, _ = await asyncio.wait([asking], timeout=PATIENCE_SECONDS)
        return asking.result() if done and not asking.cancelled() else None

    async def _ask(self, subject: str, per_minute: int, wanted: int) -> Taken | None:
        try:
            async with asyncio.timeout(self._timeout_seconds):
                taken = await self._shared.take(subject, per_minute, wanted)
        except (RedisError, OSError, ValueError) as error:
            self._outage.failed(error)
            return None
        self._outage.worked()
        return taken


@asynccontextmanager
async def open_shared_counters(url: str, timeout_seconds: float) -> AsyncIterator[SharedCounters]:
    """Redis may be unreachable at any time. Raise `ValueError` for an invalid `url`, as `connection_options`."""
    own: dict[str, Any] = {"retry": Retry(NoBackoff(), 0), "socket_connect_timeout": timeout_seconds}
    waiting: dict[str, Any] = {"max_connections": MOST_CONNECTIONS, "timeout": timeout_seconds}
    pool: Any = BlockingConnectionPool(**waiting, **connection_options(url), **own)
    storage = RedisStorage("async+redis://", implementation="redispy", key_prefix=PREFIX, connection_pool=pool)
    counters = SharedCounters(SlidingWindows(storage), LocalCounters(), timeout_seconds)
    try:
        yield counters
    finally:
        await counters.close()
        await pool.disconnect()
