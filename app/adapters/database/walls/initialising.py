"""Prepares a server of one's own: roles, database, tables and walls. May be repeated."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from urllib.parse import quote, urlsplit

import asyncpg

from app.adapters.database.migrations import migrate
from app.adapters.database.session import open_session
from app.adapters.database.walls.raising import raise_walls
from app.adapters.database.walls.roles import make_roles
from app.adapters.database.walls.rules import ENGINE, OWNER

_IS_SUPERUSER = "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
_EXISTS = "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)"
_CREATE = "SELECT format('CREATE DATABASE %I ENCODING ''UTF8'' TEMPLATE template0', $1::text)"
_CONNECT = "SELECT format('GRANT CONNECT ON DATABASE %I TO workflow_owner, workflow_api, workflow_engine', $1::text)"


async def initialise(admin_url: str, database: str, passwords: Mapping[str, str | None]) -> None:
    """Make what does not exist yet, bring the schema to that of this program, and raise the walls.

    admin_url: with the login of a superuser, or of one that may create roles and databases.
    database: the name of the database.
    passwords: of the roles; None leaves a password as it is.

    Raise `StorageError`.
    """
    url = urlsplit(admin_url)._replace(path=f"/{quote(database, safe='')}").geturl()
    async with open_session(admin_url) as session:
        async with session.transaction():
            await make_roles(session, passwords)
        if not await session.fetchval(_EXISTS, database):
            await session.execute(await session.fetchval(_CREATE, database))
        await session.execute(await session.fetchval(_CONNECT, database))
        async with _acting_for_the_roles(session):
            await migrate(url)
            async with open_session(url) as target:
                await raise_walls(target)


@asynccontextmanager
async def _acting_for_the_roles(session: asyncpg.Connection) -> AsyncIterator[None]:
    """Who is no superuser must be a member of a role to give it something. The membership ends with this context."""
    if await session.fetchval(_IS_SUPERUSER):
        yield
        return
    await session.execute(f"GRANT {OWNER}, {ENGINE} TO CURRENT_USER")
    try:
        yield
    finally:
        await session.execute(f"REVOKE {OWNER}, {ENGINE} FROM CURRENT_USER")
