"""Makes the roles and raises the walls of a database, once, whichever process comes first."""

from collections.abc import Callable

from app.adapters.database.session import open_session
from app.adapters.database.walls.raising import are_current, raise_walls
from app.adapters.database.walls.roles import make_roles
from app.adapters.database.walls.rules import API, ENGINE, OWNER

_LOCK = 0x77616C6C73  # "walls"


async def provide_walls(url: str, password_of: Callable[[str], str | None], rounds: int) -> None:
    """For a database that this program runs itself, and whose schema is current. Quick if the walls are current.

    url: with the login of a superuser.
    password_of: the password of a role.
    rounds: of the hashes of these passwords.

    Raise `StorageError`.
    """
    async with open_session(url) as session:
        if await are_current(session):
            return
        async with session.transaction():
            await session.execute(f"SELECT pg_advisory_xact_lock({_LOCK})")
            if not await are_current(session):
                await make_roles(session, {role: password_of(role) for role in (OWNER, API, ENGINE)}, rounds)
                await raise_walls(session)
