"""Compares the schema revision that this program needs with the one that the database has."""

import re
from dataclasses import dataclass
from pathlib import Path

import asyncpg

import app
from app.adapters.database.server import server_problem
from app.adapters.database.session import open_session
from app.adapters.database.walls.rules import API
from app.adapters.database_url import StorageError

_PACKAGED = Path(app.__path__[0]) / "migrations"
MIGRATIONS = _PACKAGED if _PACKAGED.is_dir() else Path(app.__path__[0]).parent / "alembic"
"""The folder of the migrations. An installed package contains it: beside it, `alembic` is the folder of the library."""

MIGRATE = "run `alembic upgrade head` with the same DATABASE_URL, or `workflow up --migrate`"

_ASSIGNMENT = re.compile(r'^(revision|down_revision) = (?:"([^"]+)"|None)$', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Revisions:
    """The schema revisions that this program knows. They are read from its files without importing Alembic.

    all: every revision.
    head: the newest one.
    """

    all: frozenset[str]
    head: str

    @classmethod
    def read(cls, folder: Path = MIGRATIONS / "versions") -> "Revisions":
        """Raise `StorageError` when the files do not form a single chain."""
        found = [dict(_ASSIGNMENT.findall(file.read_text("utf-8"))) for file in sorted(folder.glob("*.py"))]
        names = {values["revision"] for values in found}
        heads = names - {values["down_revision"] for values in found}
        if len(heads) != 1:
            raise StorageError(f"The migrations in {folder} have {len(heads)} heads instead of one.")
        return cls(frozenset(names), heads.pop())


async def schema_problem(url: str, role: str = API) -> str | None:
    """None when this program can use the database at `url`, else a sentence that says what to do.

    role: the role whose rights the login must have. Raise `StorageError` when the database is unreachable.
    """
    revisions = Revisions.read()
    async with open_session(url) as session:
        if problem := await server_problem(session, role):
            return problem
        current = await current_revision(session)
    return None if current == revisions.head else revision_problem(current, revisions)


def revision_problem(current: str | None, revisions: Revisions) -> str:
    """A sentence that says what to do about a database at revision `current`, which is not the head."""
    if current is None:
        state, remedy = "has no tables yet", MIGRATE
    elif current in revisions.all:
        state, remedy = f"is at revision {current}", MIGRATE
    else:
        state, remedy = f"is at revision {current}", "a newer program has changed it, so start that one"
    return f"The database {state}, and this program needs revision {revisions.head}: {remedy}."


async def current_revision(session: asyncpg.Connection) -> str | None:
    """None for a database without tables of this program."""
    if await session.fetchval("SELECT to_regclass('alembic_version')") is None:
        return None
    value: str | None = await session.fetchval("SELECT version_num FROM alembic_version")
    return value
