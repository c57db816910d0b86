"""Connections for definitions: a SQLAlchemy pool, and sessions that never reload an object implicitly."""

import time
from functools import partial
from typing import Any, cast

import orjson
from sqlalchemy import event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.util import await_only

from app.adapters.database.connecting import connect

CONNECT_SECONDS = 5.0
COMMAND_SECONDS = 30.0
POOL_WAIT_SECONDS = 5.0
PROBE_AFTER_SECONDS = 0.05
"""How long a connection may be idle before it is probed at its next use. Under load, connections are never idle so
long, and no probe is made.
"""

_USED_AT = "used_at"


def create_engine(
    url: str, pool_size: int, *, pooled: bool = False, command_seconds: float | None = COMMAND_SECONDS
) -> AsyncEngine:
    """Return a pool that opens connections when they are needed; the caller disposes of it.

    url: `postgresql+asyncpg://…`.
    pool_size: the largest number of connections.
    pooled: see `connecting`.
    command_seconds: how long a statement may take; None means without limit.

    A connection that has been idle is probed before use. When the server has ended it, as it does when it restarts, the
    connection is replaced.
    """
    statements = {"prepared_statement_cache_size": 0, "prepared_statement_name_func": _unnamed} if pooled else {}
    engine = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=partial(connect, url, CONNECT_SECONDS, pooled=pooled, command_timeout=command_seconds),
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=POOL_WAIT_SECONDS,
        pool_pre_ping=False,
        json_serializer=_json,
        json_deserializer=orjson.loads,
        connect_args=statements,
    )
    event.listen(engine.sync_engine, "checkout", _probe)
    event.listen(engine.sync_engine, "checkin", _note_use)
    return engine


def _note_use(_connection: DBAPIConnection | None, record: ConnectionPoolEntry) -> None:
    record.info[_USED_AT] = time.monotonic()


def _probe(_connection: DBAPIConnection, record: ConnectionPoolEntry, _proxy: object) -> None:
    """Send an empty statement over a connection that was idle for `PROBE_AFTER_SECONDS`.

    Raise `InvalidatePoolError` when that fails: the pool then replaces all its connections, because a restart of the
    server has ended the others, too.
    """
    used_at = record.info.get(_USED_AT)
    if used_at is None or time.monotonic() - used_at < PROBE_AFTER_SECONDS:
        return
    try:
        await_only(cast(Any, record.driver_connection).execute(";"))
    except Exception as error:
        record.info.pop(_USED_AT)
        raise InvalidatePoolError("the server has ended the connection") from error


def create_sessions(engine: AsyncEngine) -> async_sessionmaker[AsyncSession]:
    return async_sessionmaker(engine, expire_on_commit=False)


def _unnamed() -> str:
    """The name of each prepared statement. PostgreSQL replaces an unnamed statement by the next one, so none is left on
    a server connection that a pooler gives to other clients.
    """
    return ""


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
