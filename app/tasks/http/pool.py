"""The connection pool of all `http` tasks: how many connections there are, and which of them can be reused."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import NamedTuple

from app.tasks.http.connection import Connection
from app.tasks.http.network import Origin


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """Limits of the pool.

    max_requests: how many calls are made at the same time; further ones wait, of all workflows in turn.
    max_idle: how many idle connections are kept.
    idle_seconds: how long an idle connection is kept. Less than 5 s, after which many servers close, so that a server
        seldom closes a connection just while a request is sent on it.
    cooldown_seconds: how long a connection is not reused after a response. A faulty server sends excess bytes with its
        response, or when the response is acknowledged (Nagle's algorithm), which Linux delays by at most 40 ms. Bytes
        that come during the cooldown are noticed.
    no_reuse_seconds: how long connections to a server that has sent excess bytes are not reused at all.
    """

    max_requests: int = 1_000
    max_idle: int = 200
    idle_seconds: float = 4.0
    cooldown_seconds: float = 0.1
    no_reuse_seconds: float = 600.0


Connect = Callable[[Origin], Awaitable[Connection]]
Clock = Callable[[], float]


class _Idle(NamedTuple):
    origin: Origin
    connection: Connection
    since: float


class ConnectionPool:
    """Each connection that `acquire` returns must be released. `clock` is monotonic, in seconds."""

    def __init__(self, connect: Connect, clock: Clock, limits: PoolLimits) -> None:
        self._connect = connect
        self._clock = clock
        self._limits = limits
        self._idle: list[_Idle] = []
        self._faulty_until: dict[Origin, float] = {}
        self._sweep: asyncio.TimerHandle | None = None

    async def acquire(self, origin: Origin, is_new: bool = False) -> Connection:
        """A connection without a request; a new one if `is_new`. Raise what `connect` raises."""
        found = None if is_new else self._take_reusable(origin)
        return found or await self._connect(origin)

    def release(self, origin: Origin, connection: Connection) -> None:
        """Finish the connection's request; keep the connection if it is reusable, otherwise close it."""
        connection.finish()
        if connection.has_unexpected_bytes:
            self._mark_faulty(origin)
        if connection.is_reusable and not self._is_faulty(origin) and len(self._idle) < self._limits.max_idle:
            self._idle.append(_Idle(origin, connection, self._clock()))
            self._schedule_sweep()
        else:
            connection.abort()

    async def close(self) -> None:
        """Close the idle connections. Can be called twice."""
        idle, self._idle = self._idle, []
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None
        for _, connection, _ in idle:
            connection.abort()
        await asyncio.gather(*(connection.wait_closed() for _, connection, _ in idle))

    def _take_reusable(self, origin: Origin) -> Connection | None:
        """The connection that has been idle longest, since excess bytes are most likely to have been received there."""
        idle_since = self._clock() - self._limits.cooldown_seconds
        for idle in [idle for idle in self._idle if idle.origin == origin and idle.since <= idle_since]:
            self._idle.remove(idle)
            if self._is_reusable(idle):
                return idle.connection
            idle.connection.abort()
        return None

    def _is_reusable(self, idle: _Idle) -> bool:
        if idle.connection.has_unexpected_bytes:
            self._mark_faulty(idle.origin)
        is_expired = idle.since < self._clock() - self._limits.idle_seconds
        return idle.connection.is_reusable and not is_expired and not self._is_faulty(idle.origin)

    def _mark_faulty(self, origin: Origin) -> None:
        now = self._clock()
        self._faulty_until = {faulty: until for faulty, until in self._faulty_until.items() if until > now}
        self._faulty_until[origin] = now + self._limits.no_reuse_seconds

    def _is_faulty(self, origin: Origin) -> bool:
        return self._faulty_until.get(origin, 0.0) > self._clock()

    def _schedule_sweep(self) -> None:
        if self._sweep is None:
            self._sweep = asyncio.get_running_loop().call_later(self._limits.idle_seconds, self._close_expired)

    def _close_expired(self) -> None:
        self._sweep = None
        kept = [idle for idle in self._idle if self._is_reusable(idle)]
        for idle in self._idle:
            if idle not in kept:
                idle.connection.abort()
        self._idle = kept
        if kept:
            self._schedule_sweep()
