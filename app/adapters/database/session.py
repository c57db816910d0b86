"""One short connection outside of any pool, to check the server and the schema, or to prepare a migration."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from app.adapters.database_url import StorageError, driver_dsn
from app.adapters.unreachable import NO_CONNECTION

CONNECT_SECONDS = 10.0


@asynccontextmanager
async def open_session(url: str) -> AsyncIterator[asyncpg.Connection]:
    """Raise `StorageError` when the database at `url` cannot be reached, or refuses a statement within the context.

    No statement is prepared under a name, so that the session works through a pooler in transaction mode.
    """
    try:
        session = await asyncpg.connect(driver_dsn(url), timeout=CONNECT_SECONDS, statement_cache_size=0)
    except NO_CONNECTION as error:
        raise StorageError(f"The database cannot be reached: {_reason(error)}.") from None
    except ValueError as error:  # asyncpg raises it for an option of the address that it does not support
        raise StorageError(f"DATABASE_URL cannot be used: {error}.") from None
    try:
        yield session
    except asyncpg.PostgresError as error:
        raise StorageError(f"The database refuses what this program needs: {_reason(error)}.") from None
    except NO_CONNECTION as error:
        raise StorageError(f"The connection to the database was lost: {_reason(error)}.") from None
    finally:
        session.terminate() if session.is_closed() else await _close(session)


async def _close(session: asyncpg.Connection) -> None:
    try:
        await session.close(timeout=1.0)
    except NO_CONNECTION:
        session.terminate()


def _reason(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0].rstrip(".")
