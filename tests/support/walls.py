"""The logins behind the walls. Their passwords follow from that of the server's login, as in an embedded database."""

import os
from collections.abc import Mapping
from functools import partial

import asyncpg

from app.adapters.database.walls.raising import raise_walls
from app.adapters.database.walls.roles import make_roles
from app.adapters.database.walls.rules import API, ENGINE, OWNER
from app.adapters.database_url import driver_dsn, login_of
from app.adapters.embedded.folder import USER
from app.adapters.embedded.logins import ROUNDS, login_url, password_of

_ONE_WORKER_AT_A_TIME = 0x77616C6C73


async def raise_test_walls(administration: asyncpg.Connection, url: str) -> None:
    """Make the roles of the server, and raise the walls of the database at `url`."""
    async with administration.transaction():
        await administration.execute(f"SELECT pg_advisory_xact_lock({_ONE_WORKER_AT_A_TIME})")
        await make_roles(administration, {role: password_of(url, role) for role in (OWNER, API, ENGINE)}, ROUNDS)
    session = await asyncpg.connect(driver_dsn(url))
    try:
        await raise_walls(session)
    finally:
        await session.close()


api_url = partial(login_url, role=API)
engine_url = partial(login_url, role=ENGINE)
owner_url = partial(login_url, role=OWNER)


def behind_walls(url: str) -> Mapping[str, str]:
    """The settings of processes for the database at `url`."""
    return {"database_url": api_url(url), "engine_database_url": engine_url(url)}


def logins_for(url: str) -> Mapping[str, str]:
    """The same as the environment of processes."""
    return {name.upper(): value for name, value in urls_for(url).items()}


def urls_for(url: str) -> Mapping[str, str]:
    """As `behind_walls`, if the login in the address is the server's own, or that of an embedded one; another address
    stays as it is."""
    return behind_walls(url) if _is_main(url) else {"database_url": url}


def _is_main(url: str) -> bool:
    login, main = login_of(url), login_of(os.environ.get("TEST_DATABASE_URL", f"postgresql://{USER}@localhost"))
    return login is not None and main is not None and login.role in (main.role, USER)
