"""Looks whether anything keeps the tenants of a database apart from the login that callers are served with."""

import asyncpg

from app.adapters.database.session import open_session
from app.adapters.database.walls.raising import are_current
from app.adapters.database.walls.rules import EVERY, WALLS

_LOGIN = """
SELECT current_user AS name, rolsuper AS is_superuser, rolbypassrls AS passes_walls
FROM pg_roles WHERE rolname = current_user
"""
_TABLES = """
SELECT wanted.name, c.oid IS NULL AS is_missing,
       coalesce(pg_has_role(c.relowner, 'MEMBER'), false) AS is_own,
       coalesce(c.relrowsecurity AND c.relforcerowsecurity, false) AS is_forced,
       EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid) AS has_policy,
       EXISTS (SELECT FROM pg_policy p, unnest(p.polroles) AS role
               WHERE p.polrelid = c.oid AND p.polpermissive AND pg_get_expr(p.polqual, p.polrelid) = 'true'
                 AND (role = 0 OR pg_has_role(role, 'MEMBER'))) AS shows_all
FROM unnest($1::text[]) WITH ORDINALITY AS wanted (name, place)
LEFT JOIN pg_class c ON c.oid = to_regclass(wanted.name)
ORDER BY wanted.place
"""
_OPEN = {wall.table for wall in WALLS if wall.rows == EVERY}
_REMEDY = "run `workflow database init`, and name the login workflow_api in DATABASE_URL (docs/identity.md)"


async def wall_problem(url: str) -> str | None:
    """None if row-level security keeps tenants apart for the login of `url`, else a sentence that says what to do.

    Raise `StorageError` when the database is unreachable.
    """
    async with open_session(url) as session:
        reason = await _of_login(session) or await _of_tables(session)
        if reason is None and not await are_current(session):
            reason = "the walls between tenants were raised by another version of this program"
    return None if reason is None else f"AUTH is on, but {reason}: {_REMEDY}."


async def _of_login(session: asyncpg.Connection) -> str | None:
    (login,) = await session.fetch(_LOGIN)
    if login["is_superuser"]:
        return f"the login {login['name']!r} is a superuser, whom nothing keeps from the data of other tenants"
    if login["passes_walls"]:
        return f"the login {login['name']!r} has BYPASSRLS, so nothing keeps it from the data of other tenants"
    return None


async def _of_tables(session: asyncpg.Connection) -> str | None:
    for table in await session.fetch(_TABLES, [wall.table for wall in WALLS]):
        if table["is_missing"]:
            return f"the table {table['name']} does not exist"
        if table["is_own"]:
            return f"the login of DATABASE_URL owns the table {table['name']} and could take the walls down"
        if not table["is_forced"] or not table["has_policy"]:
            return f"the table {table['name']} has no forced row-level security with a policy"
        if table["shows_all"] and table["name"] not in _OPEN:
            return f"the table {table['name']} has a policy that shows all rows to every tenant"
    return None
