"""One real PostgreSQL per session, one migrated template in it, and a copy of that template for every test."""

import asyncio
import os
import subprocess
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from app.adapters.database.migrations import migrate
from app.adapters.database_url import driver_dsn, place
from app.adapters.embedded import StorageError, open_storage
from app.adapters.embedded.programs import location
from tests.support.pgbouncer import running_pgbouncer
from tests.support.tenant import add_tenant
from tests.support.walls import raise_test_walls

TEST_DATABASE_URL = os.environ.get("TEST_DATABASE_URL")
TEST_POOLER = os.environ.get("TEST_POOLER") or None
# A copy of the files writes no log, but a checkpoint before and after, which costs nothing where nothing is flushed.
_COPY = "" if TEST_DATABASE_URL else "STRATEGY file_copy"


def pytest_report_header() -> str:
    way = "" if TEST_POOLER is None else f", through {TEST_POOLER}"
    if TEST_DATABASE_URL is None:
        return f"postgresql: {_embedded_version()} (embedded, started when a test needs it{way})"
    return (
        f"postgresql: {asyncio.run(_version(TEST_DATABASE_URL))} (TEST_DATABASE_URL, {place(TEST_DATABASE_URL)}{way})"
    )


def _embedded_version() -> str:
    try:
        words = subprocess.run([location() / "postgres", "--version"], capture_output=True, text=True, check=True)
    except StorageError as error:
        pytest.exit(str(error), returncode=1)
    return words.stdout.split()[-1]


async def _version(url: str) -> str:
    try:
        connection = await _connect(url)
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        pytest.exit(f"TEST_DATABASE_URL cannot be reached: {error}", returncode=1)
    try:
        return str(await connection.fetchval("SHOW server_version"))
    finally:
        await connection.close()


async def _connect(url: str) -> asyncpg.Connection:
    return await asyncpg.connect(driver_dsn(url))


def database_on(url: str, database: str) -> str:
    return make_url(url).set(database=database).render_as_string(hide_password=False)


def new_name() -> str:
    return f"test_{uuid.uuid4().hex}"


@pytest.fixture(scope="session")
async def postgres_url() -> AsyncIterator[str]:
    """A server on which databases may be created and dropped, as `postgresql+asyncpg://…`."""
    async with open_storage(TEST_DATABASE_URL or "memory:") as url:
        yield url


@pytest.fixture(scope="session")
async def _administration(postgres_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await _connect(postgres_url)
    yield connection
    await connection.close()


@asynccontextmanager
async def _temporary_database(administration: asyncpg.Connection, options: str = "") -> AsyncIterator[str]:
    name = new_name()
    await administration.execute(f"CREATE DATABASE {name} {options}")
    try:
        yield name
    finally:
        await administration.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture(scope="session")
async def template_database(postgres_url: str, _administration: asyncpg.Connection) -> AsyncIterator[str]:
    """The name of a migrated database with walls, that nobody is connected to."""
    async with _temporary_database(_administration) as name:
        url = database_on(postgres_url, name)
        await migrate(url)
        await raise_test_walls(_administration, url)
        await add_tenant(url)
        yield name


@pytest.fixture(scope="session")
async def _open_template(postgres_url: str, _administration: asyncpg.Connection) -> AsyncIterator[str]:
    async with _temporary_database(_administration) as name:
        url = database_on(postgres_url, name)
        await migrate(url)
        await add_tenant(url)
        yield name


@pytest.fixture(scope="session")
async def _way(postgres_url: str) -> AsyncIterator[str]:
    """The server, or the pooler in front of it that TEST_POOLER asks for."""
    if TEST_POOLER is None:
        yield postgres_url
        return
    async with running_pgbouncer(postgres_url) as pooler:
        yield pooler.through(postgres_url)


@pytest.fixture
async def database_url(_way: str, template_database: str, _administration: asyncpg.Connection) -> AsyncIterator[str]:
    """A migrated database of the test's own, dropped afterwards, as `postgresql+asyncpg://…`.

    The login is that of the server, which passes the walls; `tests.support.walls` has the others.
    """
    async with _temporary_database(_administration, f"TEMPLATE {template_database} {_COPY}") as name:
        yield database_on(_way, name)


@pytest.fixture
async def open_database_url(
    postgres_url: str, _open_template: str, _administration: asyncpg.Connection
) -> AsyncIterator[str]:
    """A migrated database without walls, for a single login."""
    async with _temporary_database(_administration, f"TEMPLATE {_open_template} {_COPY}") as name:
        yield database_on(postgres_url, name)


@pytest.fixture(scope="module")
async def module_database_url(
    postgres_url: str, template_database: str, _administration: asyncpg.Connection
) -> AsyncIterator[str]:
    """As `database_url`, but one for all tests of a module: for many rows, which the tests only look at."""
    async with _temporary_database(_administration, f"TEMPLATE {template_database} {_COPY}") as name:
        yield database_on(postgres_url, name)


@pytest.fixture
async def empty_database_url(postgres_url: str, _administration: asyncpg.Connection) -> AsyncIterator[str]:
    """A database of the test's own without any table in it."""
    async with _temporary_database(_administration) as name:
        yield database_on(postgres_url, name)
