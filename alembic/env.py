"""Runs migrations on MIGRATION_DATABASE_URL, which is DATABASE_URL unless it is set, or on the `sqlalchemy.url` that a
caller in this program has set.
"""

import asyncio
import sys

from alembic import context
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from app.adapters.database import machine_tables, suggestion_tables  # noqa: F401 - their tables belong to the metadata
from app.adapters.database.connecting import is_pooled
from app.adapters.database.migrations import lock_migrations, require_usable_server
from app.adapters.database.sessions import create_engine
from app.adapters.database.tables import Base
from app.adapters.database.walls.raising import keep_walls
from app.adapters.database_url import MemoryAddress, StorageError, parse_database_url, server_url
from app.adapters.embedded import open_storage
from app.config import SettingsError, load_settings

GIVEN = context.config.get_main_option("sqlalchemy.url")
"""Set by a caller in this program, which turns errors into sentences itself."""


def wanted() -> str:
    """Every form of an address that the processes take. Raise `StorageError`, `SettingsError`."""
    if GIVEN:
        return GIVEN
    settings = load_settings()
    if (url := settings.migration_database_url) is not None:
        return server_url(url, "MIGRATION_DATABASE_URL")
    if isinstance(parse_database_url(url := settings.database_url), MemoryAddress):
        raise StorageError("DATABASE_URL is memory:, and each process migrates a database of its own there by itself.")
    return url


def migrate(connection: Connection) -> None:
    context.configure(
        connection=connection, target_metadata=Base.metadata, compare_type=True, compare_server_default=True
    )
    with context.begin_transaction():
        lock_migrations(connection)
        context.run_migrations()
        keep_walls(connection)


async def connect_and_migrate() -> None:
    async with open_storage(wanted()) as url:
        await require_usable_server(url)
        engine = create_engine(url, 1, pooled=await is_pooled(url), command_seconds=None)
        try:
            async with engine.connect() as connection:
                await connection.run_sync(migrate)
        finally:
            await engine.dispose()


def print_sql() -> None:
    context.configure(
        url="postgresql+asyncpg://", target_metadata=Base.metadata, literal_binds=True,
        dialect_opts={"paramstyle": "named"},
    )  # fmt: skip
    with context.begin_transaction():
        context.run_migrations()


def run() -> None:
    if context.is_offline_mode():
        print_sql()
    else:
        asyncio.run(connect_and_migrate())


if GIVEN:
    run()
else:
    try:
        run()
    except (StorageError, SettingsError) as error:
        sys.exit(f"alembic: {error}")
    except DBAPIError as error:
        sys.exit(f"alembic: the migration failed, and the database is as it was: {error.orig}")
