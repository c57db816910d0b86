"""Raises the walls: owners, rights and policies. May be repeated; each time the result is what `rules` says."""

import hashlib
from collections.abc import Iterator

import asyncpg
from sqlalchemy import Connection

from app.adapters.database.schema import Revisions
from app.adapters.database.walls.rules import ALL, API, DOORS, ENGINE, EVERY, OWNER, TRIGGERS, WALLS, Wall

MARK = "walls"
_COMMENT = "SELECT obj_description(to_regclass('alembic_version'), 'pg_class')"
_ENUMS = """
DO $$
DECLARE found record;
BEGIN
    FOR found IN SELECT typname FROM pg_type WHERE typtype = 'e' AND typnamespace = current_schema()::regnamespace LOOP
        EXECUTE format('ALTER TYPE %I OWNER TO {owner}', found.typname);
    END LOOP;
END $$
"""
_RIGHTS_ON_SCHEMA = """
DO $$
BEGIN
    IF has_schema_privilege(current_schema(), 'CREATE WITH GRANT OPTION') {unless} THEN
        EXECUTE format('{what}', current_schema());
    END IF;
END $$
"""
_OWNER_HAS_THEM = f"AND NOT has_schema_privilege('{OWNER}', current_schema(), 'CREATE WITH GRANT OPTION')"


def fingerprint() -> str:
    """What a database is marked with whose walls are those of this program, raised since its last migration."""
    head = Revisions.read().head
    return f"{MARK} of {head} {hashlib.sha256(';'.join(statements()).encode()).hexdigest()[:16]}"


def statements() -> Iterator[str]:
    """All statements, without the one that marks the database. Run them in one transaction."""
    yield "SET LOCAL lock_timeout = '10s'"
    yield _on_schema(f"REVOKE CREATE ON SCHEMA %I FROM PUBLIC, {API}")
    yield _on_schema(f"GRANT USAGE ON SCHEMA %I TO {API}, {ENGINE}")
    yield _on_schema(f"GRANT USAGE, CREATE ON SCHEMA %I TO {OWNER} WITH GRANT OPTION", _OWNER_HAS_THEM)
    for wall in WALLS:
        yield from _of_table(wall)
    yield _ENUMS.format(owner=OWNER)
    yield from _of_doors()
    for trigger in TRIGGERS:
        yield f"ALTER FUNCTION {trigger} OWNER TO {OWNER}"
        yield f"REVOKE ALL ON FUNCTION {trigger} FROM PUBLIC"


def mark() -> str:
    return f"COMMENT ON TABLE alembic_version IS '{fingerprint()}'"


async def are_current(session: asyncpg.Connection) -> bool:
    """Whether the walls of the database are those of this program."""
    return bool(await session.fetchval(_COMMENT) == fingerprint())


async def raise_walls(session: asyncpg.Connection) -> None:
    """Raise the walls of a database whose schema is current. The roles must exist. Raise what asyncpg raises."""
    async with session.transaction():
        await session.execute(";\n".join([*statements(), mark()]))


def keep_walls(connection: Connection) -> None:
    """Raise the walls again after a migration to the newest revision, if the database has any."""
    found = connection.exec_driver_sql(_COMMENT).scalar() or ""
    if found.startswith(MARK) and found != fingerprint() and _is_newest(connection):
        for statement in (*statements(), mark()):
            connection.exec_driver_sql(statement)


def _is_newest(connection: Connection) -> bool:
    found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalars().all()
    return found == [Revisions.read().head]


def _on_schema(what: str, unless: str = "") -> str:
    """A statement about the schema, if the login may make it."""
    return _RIGHTS_ON_SCHEMA.format(what=what, unless=unless)


def _of_table(wall: Wall) -> Iterator[str]:
    table = wall.table
    yield f"ALTER TABLE {table} OWNER TO {OWNER}"
    yield f"REVOKE ALL ON {table} FROM PUBLIC, {API}, {ENGINE}"
    yield f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"
    yield f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY"
    for role, rights, rows in ((OWNER, ALL, EVERY), (ENGINE, wall.engine, EVERY), (API, wall.api, wall.rows)):
        policy = f"rows_of_{role}"
        yield f"DROP POLICY IF EXISTS {policy} ON {table}"
        if rights:
            yield f"GRANT {', '.join(rights)} ON {table} TO {role}"
            yield f"CREATE POLICY {policy} ON {table} TO {role} USING ({rows}) WITH CHECK ({rows})"


def _of_doors() -> Iterator[str]:
    """A new owner of a function must be allowed to create functions at this moment, and only then."""
    yield _on_schema(f"GRANT CREATE ON SCHEMA %I TO {ENGINE}")
    for door in DOORS:
        yield f"ALTER FUNCTION {door.name} OWNER TO {door.owner}"
        yield f"REVOKE ALL ON FUNCTION {door.name} FROM PUBLIC"
        yield f"GRANT EXECUTE ON FUNCTION {door.name} TO {API}"
    yield _on_schema(f"REVOKE CREATE ON SCHEMA %I FROM {ENGINE}")
