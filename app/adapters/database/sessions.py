"""Connections for definitions: one pool, and sessions that do not read behind the caller's back."""

from functools import partial
from typing import Any

import orjson
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from app.adapters.database.connecting import connect

CONNECT_SECONDS = 5.0
COMMAND_SECONDS = 30.0
POOL_WAIT_SECONDS = 5.0


def create_engine(
    url: str, pool_size: int, *, pooled: bool = False, command_seconds: float | None = COMMAND_SECONDS
) -> AsyncEngine:
    """A pool of at most `pool_size` connections, opened when needed; the caller disposes of it.

    `pooled` is as in `connecting`. A statement may take `command_seconds`, any time with None.

    No connection is probed before use: a dead one costs its first user `Unavailable` and is replaced.
    """
    statements = {"prepared_statement_cache_size": 0, "prepared_statement_name_func": _unnamed} if pooled else {}
    return create_async_engine(
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


def create_sessions(engine: AsyncEngine) -> async_sessionmaker[AsyncSession]:
    return async_sessionmaker(engine, expire_on_commit=False)


def _unnamed() -> str:
    """The name of the statement that the next one replaces, so that none is left behind on a pooler's connection."""
    return ""


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
