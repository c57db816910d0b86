"""Checks whether this program can use a PostgreSQL server."""

from collections.abc import Iterator

import asyncpg

from app.adapters.database.walls.rules import API, DOORS, ENGINE, WALLS

_SETTINGS = {API: "DATABASE_URL", ENGINE: "ENGINE_DATABASE_URL"}

_FACTS = """
SELECT current_setting('server_encoding') AS encoding,
       pg_is_in_recovery() OR current_setting('transaction_read_only')::bool AS is_read_only,
       current_user AS login, current_database() AS database
"""

# What does not exist yet needs no check: the migration creates it, and it belongs to the login that runs it.
_FORBIDDEN = """
SELECT wanted.right_needed, wanted.name
FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS wanted (name, right_needed, place)
WHERE to_regclass(wanted.name) IS NOT NULL
  AND NOT CASE wanted.right_needed WHEN 'DELETE' THEN has_table_privilege(to_regclass(wanted.name), 'DELETE')
          ELSE has_any_column_privilege(to_regclass(wanted.name), wanted.right_needed) END
UNION ALL
SELECT 'EXECUTE', f.proname FROM pg_proc f
WHERE f.proname = ANY ($3::text[]) AND f.pronamespace = current_schema()::regnamespace
  AND NOT has_function_privilege(f.oid, 'EXECUTE')
ORDER BY 2, 1
"""


async def server_problem(session: asyncpg.Connection, role: str = API) -> str | None:
    """None when this program can use the server, else a sentence that says why not and what to do.

    role: the role whose rights the login must have. Raise what asyncpg raises.
    """
    (facts,) = await session.fetch(_FACTS)
    if facts["encoding"] != "UTF8":
        return (
            f"Database {facts['database']!r} has the encoding {facts['encoding']}, which cannot hold every text; "
            "create one with ENCODING 'UTF8' TEMPLATE template0 and name that in DATABASE_URL."
        )
    if facts["is_read_only"]:
        return (
            f"Database {facts['database']!r} is read-only, as a standby is; name the primary in DATABASE_URL, "
            "with several hosts and target_session_attrs=primary if it may change."
        )
    tables, rights = zip(*_needed(role), strict=True)
    functions = [door.name for door in DOORS] if role == API else []
    if forbidden := await session.fetchrow(_FORBIDDEN, tables, rights, functions):
        return (
            f"The login {facts['login']!r} lacks the right {forbidden['right_needed']} on {forbidden['name']}; name "
            f"{role} in {_SETTINGS[role]}, to which `workflow database init` gives its rights, or the login that owns "
            "the tables."
        )
    return None


def _needed(role: str) -> Iterator[tuple[str, str]]:
    """Tables, and the kinds of rights that the role has on them."""
    for wall in WALLS:
        for right in wall.api if role == API else wall.engine:
            yield wall.table, right.partition(" ")[0]
