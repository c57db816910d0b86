"""Connections for definitions: one pool, and sessions that do not read behind the caller's back."""

from typing import Any

import orjson
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

CONNECT_SECONDS = 5.0
COMMAND_SECONDS = 30.0
POOL_WAIT_SECONDS = 5.0


def create_engine(url: str, pool_size: int) -> AsyncEngine:
    """A pool of at most `pool_size` connections, opened when needed; the caller disposes of it.

    No connection is probed before use: a dead one costs its first user `Unavailable` and is replaced.
    """
    return create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=POOL_WAIT_SECONDS,
        pool_pre_ping=False,
        json_serializer=_json,
        json_deserializer=orjson.loads,
        connect_args={"timeout": CONNECT_SECONDS, "command_timeout": COMMAND_SECONDS},
    )


def create_sessions(engine: AsyncEngine) -> async_sessionmaker[AsyncSession]:
    return async_sessionmaker(engine, expire_on_commit=False)


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
