"""Makes the three roles with which this program logs in. They belong to the server, not to one of its databases."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping

import asyncpg

from app.adapters.database.walls.rules import API, ENGINE, OWNER
from app.adapters.database_url import StorageError

SCRAM_ROUNDS = 4096
"""PostgreSQL's own number. Passwords of people need it; those of the embedded server are random, and take one."""

_FOUND = """
SELECT rolname, rolsuper OR rolbypassrls AS passes_walls FROM pg_roles WHERE rolname = ANY($1::text[])
"""
_MEMBERS = """
SELECT m.rolname AS member, r.rolname AS role
FROM pg_auth_members a JOIN pg_roles m ON m.oid = a.member JOIN pg_roles r ON r.oid = a.roleid
WHERE m.rolname = ANY($1::text[]) ORDER BY 1, 2
"""


async def make_roles(
    session: asyncpg.Connection, passwords: Mapping[str, str | None], rounds: int = SCRAM_ROUNDS
) -> None:
    """Make those roles that do not exist, and set the passwords that are given.

    session: of a login that may make roles.
    passwords: by role; None leaves the password as it is.
    rounds: of the hash with which PostgreSQL stores a password.

    Raise `StorageError` if a role has rights that no wall would stop, and what asyncpg raises.
    """
    found = {row["rolname"]: row["passes_walls"] for row in await session.fetch(_FOUND, [OWNER, API, ENGINE])}
    for role in (OWNER, API, ENGINE):
        if found.get(role):
            raise StorageError(
                f"The role {role} is a superuser or has BYPASSRLS, which no wall stops: take that from it with "
                f"ALTER ROLE {role} NOSUPERUSER NOBYPASSRLS."
            )
        if role not in found:
            await session.execute(f"CREATE ROLE {role} LOGIN")
        if (password := passwords.get(role)) is not None:
            await session.execute(f"ALTER ROLE {role} LOGIN PASSWORD '{_verifier(password, rounds)}'")
    await _separate(session)


async def _separate(session: asyncpg.Connection) -> None:
    """Only the owner is a member of another role: a migration may have to give a function to the engine's role.

    Raise `StorageError` for a membership with which a role has more rights than its own.
    """
    members = {(row["member"], row["role"]) for row in await session.fetch(_MEMBERS, [API, ENGINE])}
    for member, role in sorted(members):
        raise StorageError(
            f"The role {member} is a member of {role} and so has more rights than its own: take that from it with "
            f"REVOKE {role} FROM {member}."
        )
    await session.execute(f"GRANT {ENGINE} TO {OWNER}")


def _verifier(password: str, rounds: int) -> str:
    """What PostgreSQL stores for a password (RFC 5803). So the password itself is in no statement and in no log."""
    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, rounds)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    stored, server = hashlib.sha256(client_key).digest(), hmac.digest(salted, b"Server Key", "sha256")
    salt_text, stored_text, server_text = (base64.b64encode(part).decode() for part in (salt, stored, server))
    return f"SCRAM-SHA-256${rounds}:{salt_text}${stored_text}:{server_text}"
