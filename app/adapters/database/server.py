"""Checks whether this program can use a PostgreSQL server."""

import asyncpg

_FACTS = """
SELECT current_setting('server_encoding') AS encoding,
       pg_is_in_recovery() OR current_setting('transaction_read_only')::bool AS is_read_only,
       current_user AS login, current_database() AS database
"""

# Tables that do not exist yet need no check: the migration creates them, and they belong to the login that runs it.
_FORBIDDEN = """
SELECT name, right_needed
FROM unnest($1::text[]) AS name, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS right_needed
WHERE to_regclass(name) IS NOT NULL AND NOT has_table_privilege(to_regclass(name), right_needed)
ORDER BY 1, 2
"""

TABLES = (
    "workflows",
    "tasks",
    "workflow_revisions",
    "executions",
    "execution_events",
    "execution_commands",
    "engines",
    "schedules",
)


async def server_problem(session: asyncpg.Connection) -> str | None:
    """None when this program can use the server, else a sentence that says why not and what to do.

    Raise what asyncpg raises.
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
    if forbidden := await session.fetchrow(_FORBIDDEN, list(TABLES)):
        return (
            f"The login {facts['login']!r} lacks the right {forbidden['right_needed']} on table {forbidden['name']}; "
            "grant it, or use the login that owns the tables."
        )
    return None
