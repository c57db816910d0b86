"""Runs migrations on DATABASE_URL, or on the `sqlalchemy.url` that a caller in this repository has set."""

import asyncio

from alembic import context
from sqlalchemy import Connection, pool
from sqlalchemy.ext.asyncio import create_async_engine

from app.adapters.database.tables import Base
from app.config import load_settings


def address() -> str:
    url = context.config.get_main_option("sqlalchemy.url") or load_settings().database_url
    if not url.startswith("postgresql+asyncpg://"):
        raise SystemExit(
            f"Migrations need DATABASE_URL=postgresql+asyncpg://…, not {url!r}; "
            "`workflow up` migrates an embedded database by itself."
        )
    return url


def migrate(connection: Connection) -> None:
    context.configure(
        connection=connection, target_metadata=Base.metadata, compare_type=True, compare_server_default=True
    )
    with context.begin_transaction():
        context.run_migrations()


async def connect_and_migrate() -> None:
    engine = create_async_engine(address(), poolclass=pool.NullPool)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(migrate)
    finally:
        await engine.dispose()


if context.is_offline_mode():
    context.configure(
        url=address(), target_metadata=Base.metadata, literal_binds=True, dialect_opts={"paramstyle": "named"}
    )
    with context.begin_transaction():
        context.run_migrations()
else:
    asyncio.run(connect_and_migrate())
