"""Connections to PostgreSQL for the engine's own SQL."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from uuid import UUID

import asyncpg
import asyncpg.pgproto.pgproto

from app.adapters.database.connecting import connect_options
from app.adapters.database_url import driver_dsn
from app.engine.ports import StoreUnreachable

Pool = asyncpg.Pool
DriverUUID: Callable[[bytes], UUID] = asyncpg.pgproto.pgproto.UUID
"""asyncpg's own subclass of `uuid.UUID`, which it answers: made, hashed, compared and written much quicker."""

# Also a database that is full, out of memory or just a standby: the same statement may succeed later. And what the
# driver says of a connection that the server has just ended, before it has noticed.
_UNREACHABLE = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a connection that the server has said goodbye on, and whose end is still on its way
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.PostgresSystemError,
    asyncpg.TransactionRollbackError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.LockNotAvailableError,
)


@contextmanager
def reaching() -> Iterator[None]:
    """Turn every way in which a database can fail to answer into `StoreUnreachable`."""
    try:
        yield
    except _UNREACHABLE as error:
        if isinstance(error, ValueError):  # asyncpg's word for an argument that cannot be encoded
            raise
        raise StoreUnreachable(f"the database does not answer: {str(error) or type(error).__name__}") from error


@asynccontextmanager
async def open_pool(dsn: str, size: int, timeout_seconds: float, *, pooled: bool = False) -> AsyncIterator[Pool]:
    """A pool of at most `size` connections to `dsn`; a statement that takes `timeout_seconds` counts as unanswered.

    `pooled` is as in `connecting`.
    """
    with reaching():
        pool = await asyncpg.create_pool(
            driver_dsn(dsn),
            min_size=1,
            max_size=size,
            timeout=timeout_seconds,
            command_timeout=timeout_seconds,
            reset=_leave_as_it_is,
            **connect_options(pooled=pooled),
        )
    try:
        yield pool
    finally:
        await _close(pool)


async def _close(pool: Pool) -> None:
    """Give connections a moment to end; do not wait for a database that is gone."""
    try:
        async with asyncio.timeout(2):
            await pool.close()
    except (TimeoutError, *_UNREACHABLE):
        pool.terminate()


async def _leave_as_it_is(connection: asyncpg.Connection) -> None:
    """Nothing here changes a session, so the pool's reset query would be a round trip for nothing."""
