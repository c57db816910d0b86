"""Connections to PostgreSQL for the engine's own SQL."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any
from uuid import UUID

import asyncpg
import asyncpg.pgproto.pgproto
from asyncpg.pool import PoolConnectionProxy

from app.adapters.database.connecting import connect_options
from app.adapters.database_url import driver_dsn
from app.adapters.unreachable import NO_CONNECTION, opening

DriverUUID: Callable[[bytes], UUID] = asyncpg.pgproto.pgproto.UUID
"""asyncpg's own subclass of `uuid.UUID`, which it returns: made, hashed, compared and written much quicker."""

# What asyncpg raises before it sends anything over a connection on which the server has said goodbye.
_UNSENT = (asyncpg.InternalClientError,)

# What it raises when the connection ends before the answer has come.
_LOST = (asyncpg.ConnectionDoesNotExistError, asyncpg.AdminShutdownError, ConnectionError)


class Pool:
    """The connections of a process. All methods raise what asyncpg raises.

    A statement that could not be sent, because the server has ended the connection, is sent over another one. `read`,
    `read_row` and `read_value` also ask again when the answer is lost: use them for statements that change nothing.
    """

    def __init__(self, connections: asyncpg.Pool) -> None:
        self._connections = connections

    async def fetch(self, query: str, *arguments: Any) -> list[asyncpg.Record]:
        found: list[asyncpg.Record] = await self._call("fetch", query, arguments, _UNSENT)
        return found

    async def fetchrow(self, query: str, *arguments: Any) -> asyncpg.Record | None:
        found: asyncpg.Record | None = await self._call("fetchrow", query, arguments, _UNSENT)
        return found

    async def fetchval(self, query: str, *arguments: Any) -> Any:
        return await self._call("fetchval", query, arguments, _UNSENT)

    async def execute(self, query: str, *arguments: Any) -> None:
        await self._call("execute", query, arguments, _UNSENT)

    async def read(self, query: str, *arguments: Any) -> list[asyncpg.Record]:
        found: list[asyncpg.Record] = await self._call("fetch", query, arguments, (*_UNSENT, *_LOST))
        return found

    async def read_row(self, query: str, *arguments: Any) -> asyncpg.Record | None:
        found: asyncpg.Record | None = await self._call("fetchrow", query, arguments, (*_UNSENT, *_LOST))
        return found

    async def read_value(self, query: str, *arguments: Any) -> Any:
        return await self._call("fetchval", query, arguments, (*_UNSENT, *_LOST))

    def acquire(self) -> AbstractAsyncContextManager[PoolConnectionProxy]:
        """A connection for a transaction."""
        return self._connections.acquire()

    async def _call(
        self, method: str, query: str, arguments: Sequence[Any], repeat_on: tuple[type[Exception], ...]
    ) -> Any:
        """Each failure removes a connection, so that a fresh one is tried at the latest when all were stale."""
        for _ in range(self._connections.get_size()):
            async with self._connections.acquire() as connection:
                try:
                    return await getattr(connection, method)(query, *arguments)
                except repeat_on:
                    _end(connection)
        async with self._connections.acquire() as connection:
            return await getattr(connection, method)(query, *arguments)


def _end(connection: PoolConnectionProxy) -> None:
    """One whose end the driver has noticed meanwhile has left the pool already."""
    with suppress(asyncpg.InterfaceError):
        connection.terminate()


@asynccontextmanager
async def open_pool(dsn: str, size: int, timeout_seconds: float, *, pooled: bool = False) -> AsyncIterator[Pool]:
    """A pool of at most `size` connections to `dsn`; a statement that takes `timeout_seconds` counts as unanswered.

    `pooled` is as in `connecting`.
    """
    with opening():
        connections = await asyncpg.create_pool(
            driver_dsn(dsn),
            min_size=1,
            max_size=size,
            timeout=timeout_seconds,
            command_timeout=timeout_seconds,
            reset=_leave_as_it_is,
            **connect_options(pooled=pooled),
        )
    try:
        yield Pool(connections)
    finally:
        await _close(connections)


async def _close(pool: asyncpg.Pool) -> None:
    """Give connections a moment to end; do not wait for a database that is gone."""
    try:
        async with asyncio.timeout(2):
            await pool.close()
    except NO_CONNECTION:
        pool.terminate()


async def _leave_as_it_is(connection: asyncpg.Connection) -> None:
    """Nothing here changes a session, so the pool's reset query would be a round trip for nothing."""
