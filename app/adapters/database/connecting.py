"""Connects to PostgreSQL. All connections of this program interpret an address in the same way."""

from collections.abc import Mapping
from typing import Any

import asyncpg

from app.adapters.database.session import open_session
from app.adapters.database_url import driver_dsn

_NAME = {"application_name": "workflow"}

# A pooler in transaction mode may use another server connection for each transaction. A statement that was prepared
# under a name does not exist there, or belongs to another client. Without a cache, asyncpg sends the statement with
# each call.
_UNPREPARED: Mapping[str, Any] = {"statement_cache_size": 0}


def connect_options(*, pooled: bool) -> dict[str, Any]:
    """Return asyncpg's options for a connection. `pooled`: a pooler may be between this program and the server."""
    return {"server_settings": _NAME, **(_UNPREPARED if pooled else {})}


async def connect(url: str, timeout_seconds: float, *, pooled: bool = False, **options: Any) -> asyncpg.Connection:
    """Return a new connection. Raise what asyncpg raises.

    url: `postgresql+asyncpg://…`.
    timeout_seconds: how long connecting may take.
    pooled: see `connect_options`.
    options: further options of `asyncpg.connect`.
    """
    made: asyncpg.Connection = await asyncpg.connect(
        driver_dsn(url), timeout=timeout_seconds, **connect_options(pooled=pooled), **options
    )
    return made


async def is_pooled(url: str) -> bool:
    """Whether a pooler such as PgBouncer is between this program and the server at `url`. Raise `StorageError`.

    When a client connects, a server sends its process id together with the cancellation key. A pooler sends an invented
    id, because the server process behind it changes. So the ids differ only when there is a pooler.
    """
    async with open_session(url) as session:
        return bool(await session.fetchval("SELECT pg_backend_pid()") != session.get_server_pid())
