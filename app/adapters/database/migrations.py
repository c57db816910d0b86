"""Migrates the schema of the database to the revision that this program needs."""

import asyncio
import threading

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from app.adapters.database.schema import MIGRATIONS, Revisions, current_revision, revision_problem
from app.adapters.database.server import server_problem
from app.adapters.database.session import open_session
from app.adapters.database_url import StorageError

LOCK = 0x776F726B666C6F77  # "workflow", so that another program's advisory lock is unlikely to be the same
LOCK_SECONDS = 60
LOCK_NOT_AVAILABLE = "55P03"

_ONE_AT_A_TIME = threading.Lock()
"""Held during a migration: Alembic keeps its context in global variables."""


async def migrate(url: str) -> None:
    """Migrate the database at `url` (`postgresql+asyncpg://…`) to the newest revision. Raise `StorageError`.

    Quick when the schema is current. Processes that start together wait for the one that migrates.
    """
    revisions = Revisions.read()
    await require_usable_server(url)
    async with open_session(url) as session:
        current = await current_revision(session)
    if current == revisions.head:
        return
    if current is not None and current not in revisions.all:
        raise StorageError(revision_problem(current, revisions))
    await asyncio.to_thread(_upgrade, url)


async def require_usable_server(url: str) -> None:
    """Raise `StorageError` if this program cannot work on the server of `url`, so that nothing is created there."""
    async with open_session(url) as session:
        if problem := await server_problem(session):
            raise StorageError(problem)


def lock_migrations(connection: Connection) -> None:
    """Wait until no other process migrates, and keep others out until the transaction ends.

    Raise `StorageError` after `LOCK_SECONDS`.

    The lock belongs to the transaction that migrates. Behind a pooler, a lock of the session would be lost with the
    server connection, and a second connection for the lock would never be given by a pooler that has only one.
    """
    connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'"))
    connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
    try:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != LOCK_NOT_AVAILABLE:
            raise
        raise StorageError(
            f"Another process has been migrating the database for more than {LOCK_SECONDS} seconds; wait for it."
        ) from None


def _upgrade(url: str) -> None:
    """Run Alembic. Call it in a thread, because `env.py` runs an event loop of its own.

    Alembic is imported here, so that a process whose schema is current need not load it.
    """
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError
    from sqlalchemy.exc import SQLAlchemyError

    config = Config()
    config.set_main_option("path_separator", "os")
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    try:
        with _ONE_AT_A_TIME:
            command.upgrade(config, "head")
    except (CommandError, SQLAlchemyError) as error:
        cause = getattr(error, "orig", None) or error
        raise StorageError(f"The migration failed, and the database is as it was: {cause}.") from error
