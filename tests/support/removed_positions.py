"""A feed whose first positions have been removed, as long as a test looks at it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from app.adapters.database_url import driver_dsn


@asynccontextmanager
async def removed_positions(database_url: str, through: int) -> AsyncIterator[None]:
    """Up to `through`, which may lie within a row. The rows stay, so the feed is whole again in the end."""
    connection = await asyncpg.connect(driver_dsn(database_url))
    try:
        await connection.execute("UPDATE feed_head SET removed = $1", through)
        yield
        await connection.execute("UPDATE feed_head SET removed = 0")
    finally:
        await connection.close()
