"""Pools of connections to PostgreSQL for statements in `queries/`."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any
from uuid import UUID

import asyncpg
import asyncpg.pgproto.pgproto
from asyncpg.pool import PoolConnectionProxy
from asyncpg.transaction import Transaction

from app.adapters.database.connecting import connect_options
from app.adapters.database_url import driver_dsn
from app.adapters.unreachable import NO_CONNECTION, opening

DriverUUID: Callable[[bytes], UUID] = asyncpg.pgproto.pgproto.UUID
"""The subclass of `uuid.UUID` that asyncpg returns: faster to make, hash, compare and write."""

# What asyncpg raises before it sends anything over a connection that the server has ended.
_UNSENT = (asyncpg.InternalClientError,)

# What it raises when the connection ends before the result has arrived.
_LOST = (asyncpg.ConnectionDoesNotExistError, asyncpg.AdminShutdownError, ConnectionError)

_ENTER = "SELECT set_config('app.tenant', $1, true)"


class Pool:
    """The connections of a process. All methods raise what asyncpg raises.

    A statement that could not be sent, because the server has ended the connection, is sent over another one. `read`,
    `read_row` and `read_value` also repeat the statement when its result is lost: use them only for statements that
    change nothing, because the lost statement may have been executed.
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

    @asynccontextmanager
    async def transaction(self, tenant_id: int, *, consistent: bool = False) -> AsyncIterator[PoolConnectionProxy]:
        """A connection within a transaction, which is committed at the end. As `read`, it tries other connections while
        the beginning of the transaction fails.

        tenant_id: the tenant that the transaction is bound to.
        consistent: whether it only reads, and all its statements see the same moment.
        """
        options: dict[str, Any] = {"isolation": "repeatable_read", "readonly": True} if consistent else {}
        for left in range(self._connections.get_size(), -1, -1):
            async with self._connections.acquire() as connection:
                transaction = connection.transaction(**options)
                try:
                    await transaction.start()
                except (*_UNSENT, *_LOST):
                    _end(connection)
                    if left:
                        continue
                    raise
                async with _ending(transaction, connection):
                    await connection.fetchval(_ENTER, str(tenant_id))
                    yield connection
                return

    async def _call(
        self, method: str, query: str, arguments: Sequence[Any], repeat_on: tuple[type[Exception], ...]
    ) -> Any:
        """Try as many connections as the pool has, then one more.

        Each failure removes a connection. So when all were stale, as after a restart of the server, the last try gets a
        new one.
        """
        for _ in range(self._connections.get_size()):
            async with self._connections.acquire() as connection:
                try:
                    return await getattr(connection, method)(query, *arguments)
                except repeat_on:
                    _end(connection)
        async with self._connections.acquire() as connection:
            return await getattr(connection, method)(query, *arguments)


@asynccontextmanager
async def _ending(transaction: Transaction, connection: PoolConnectionProxy) -> AsyncIterator[None]:
    """Commit a transaction that has begun, or roll it back after an error."""
    try:
        yield
    except BaseException:
        if not connection.is_closed():
            await transaction.rollback()
        raise
    await transaction.commit()


def _end(connection: PoolConnectionProxy) -> None:
    """Remove the connection. The driver may have noticed its end already, and then it is no longer in the pool."""
    with suppress(asyncpg.InterfaceError):
        connection.terminate()


@asynccontextmanager
async def open_pool(dsn: str, size: int, timeout_seconds: float, *, pooled: bool = False) -> AsyncIterator[Pool]:
    """A pool of connections.

    dsn: `postgresql+asyncpg://…`.
    size: the largest number of connections.
    timeout_seconds: how long connecting or a statement may take; after that, the database counts as unreachable.
    pooled: see `connecting`.
    """
    logging.getLogger("asyncpg.pool").addFilter(_without_traceback)
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


def _without_traceback(record: logging.LogRecord) -> bool:
    """Let the driver's warnings through with their reason: it adds a traceback whenever it cannot connect again."""
    if record.exc_info and isinstance(error := record.exc_info[1], NO_CONNECTION):
        record.msg, record.args = f"{record.getMessage()} ({str(error) or type(error).__name__})", None
        record.exc_info = None
    return True


async def _close(pool: asyncpg.Pool) -> None:
    """Close the connections in an orderly way, but do not wait long for a database that is gone."""
    try:
        async with asyncio.timeout(2):
            await pool.close()
    except NO_CONNECTION:
        pool.terminate()


async def _leave_as_it_is(connection: asyncpg.Connection) -> None:
    """Replaces the pool's reset query: no statement changes the session, so the query would be a useless round trip."""
