"""How this program connects to PostgreSQL: all connections read an address alike."""

from collections.abc import Mapping
from typing import Any

import asyncpg

from app.adapters.database.session import open_session
from app.adapters.database_url import driver_dsn

_NAME = {"application_name": "workflow"}

# A pooler in transaction mode gives each transaction another server connection, on which a statement that was prepared
# under a name is not there, or is another client's. Without a cache, asyncpg sends the statement with every call.
_UNPREPARED: Mapping[str, Any] = {"statement_cache_size": 0}


def connect_options(*, pooled: bool) -> dict[str, Any]:
    """What asyncpg is told about a connection; `pooled` says that a pooler may stand between it and the server."""
    return {"server_settings": _NAME, **(_UNPREPARED if pooled else {})}


async def connect(url: str, timeout_seconds: float, *, pooled: bool = False, **options: Any) -> asyncpg.Connection:
    """Raise what asyncpg raises. `url` is `postgresql+asyncpg://…`; `options` are asyncpg's own."""
    made: asyncpg.Connection = await asyncpg.connect(
        driver_dsn(url), timeout=timeout_seconds, **connect_options(pooled=pooled), **options
    )
    return made


async def is_pooled(url: str) -> bool:
    """Whether a pooler such as PgBouncer stands between this program and the server at `url`.

    A pooler makes up the process number that it gives with the cancellation key, since the server process changes.
    Raise `StorageError`.
    """
    async with open_session(url) as session:
        return bool(await session.fetchval("SELECT pg_backend_pid()") != session.get_server_pid())
