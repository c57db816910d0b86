"""Bringing the database's schema to the revision that this program was written for."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from app.adapters.database_url import StorageError, driver_dsn

REPOSITORY = Path(__file__).parents[3]
VERSIONS = REPOSITORY / "alembic" / "versions"
LOCK = 0x776F726B666C6F77  # "workflow", so that another program's advisory lock is unlikely to be the same
LOCK_SECONDS = 60
CONNECT_SECONDS = 10.0
MIGRATE = "run `alembic upgrade head` with the same DATABASE_URL, or `workflow up`"

_ASSIGNMENT = re.compile(r'^(revision|down_revision) = (?:"([^"]+)"|None)$', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Revisions:
    """The revisions that this program knows, read from its files without importing Alembic."""

    all: frozenset[str]
    head: str

    @classmethod
    def read(cls, folder: Path = VERSIONS) -> "Revisions":
        """Raise `StorageError` when the files do not form one line."""
        found = [dict(_ASSIGNMENT.findall(file.read_text("utf-8"))) for file in sorted(folder.glob("*.py"))]
        names = {values["revision"] for values in found}
        heads = names - {values["down_revision"] for values in found}
        if len(heads) != 1:
            raise StorageError(f"The migrations in {folder} have {len(heads)} heads instead of one.")
        return cls(frozenset(names), heads.pop())


async def migrate(url: str) -> None:
    """Bring the database at `url` (`postgresql+asyncpg://…`) to the newest revision; quick when it is there already.

    Processes that start together wait for the one that migrates. Raises `StorageError`.
    """
    revisions = Revisions.read()
    async with _connect(url) as session:
        if await _current(session) == revisions.head:
            return
        # A lock of the transaction, because one of the session would not survive a pooler.
        async with session.transaction():
            await _lock(session)
            current = await _current(session)
            if current == revisions.head:
                return
            if current is not None and current not in revisions.all:
                raise StorageError(_problem(current, revisions))
            await asyncio.to_thread(_upgrade, url)


async def schema_problem(url: str) -> str | None:
    """None when the database at `url` is at this program's revision, else a sentence that says what to do."""
    revisions = Revisions.read()
    async with _connect(url) as session:
        current = await _current(session)
    return None if current == revisions.head else _problem(current, revisions)


def _problem(current: str | None, revisions: Revisions) -> str:
    if current is None:
        state, remedy = "has no tables yet", MIGRATE
    elif current in revisions.all:
        state, remedy = f"is at revision {current}", MIGRATE
    else:
        state, remedy = f"is at revision {current}", "a newer program has changed it, so start that one"
    return f"The database {state}, and this program needs revision {revisions.head}: {remedy}."


async def _current(session: asyncpg.Connection) -> str | None:
    if await session.fetchval("SELECT to_regclass('alembic_version')") is None:
        return None
    value: str | None = await session.fetchval("SELECT version_num FROM alembic_version")
    return value


async def _lock(session: asyncpg.Connection) -> None:
    await session.execute(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")
    await session.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
    try:
        await session.execute("SELECT pg_advisory_xact_lock($1)", LOCK, timeout=LOCK_SECONDS + CONNECT_SECONDS)
    except asyncpg.LockNotAvailableError:
        raise StorageError(
            f"Another process has been migrating the database for more than {LOCK_SECONDS} seconds; wait for it."
        ) from None


@asynccontextmanager
async def _connect(url: str) -> AsyncIterator[asyncpg.Connection]:
    try:
        session = await asyncpg.connect(driver_dsn(url), timeout=CONNECT_SECONDS)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise StorageError(f"The database cannot be reached: {error}.") from None
    try:
        yield session
    finally:
        await session.close()


def _upgrade(url: str) -> None:
    """In a thread of its own: `alembic/env.py` runs an event loop. Imports Alembic only when there is work for it."""
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError
    from sqlalchemy.exc import SQLAlchemyError

    config = Config(REPOSITORY / "alembic.ini")
    config.set_main_option("path_separator", "os")
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    try:
        command.upgrade(config, "head")
    except (CommandError, SQLAlchemyError) as error:
        cause = getattr(error, "orig", None) or error
        raise StorageError(f"The migration failed, and the database is as it was: {cause}.") from error
