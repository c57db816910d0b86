"""Provides the schema and the logins. This program migrates an embedded database; an operator changes a server's."""

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from app.adapters.database.migrations import migrate
from app.adapters.database.schema import schema_problem
from app.adapters.database.walls.providing import provide_walls
from app.adapters.database.walls.rules import API, ENGINE
from app.adapters.database.walls.self_test import wall_problem
from app.adapters.database_url import ServerAddress, StorageError, parse_database_url, server_url
from app.adapters.embedded.logins import ROUNDS, login_url, password_of
from app.adapters.embedded.storage import open_storage
from app.background.loop import OnDefect
from app.config import Settings


@dataclass(frozen=True, slots=True)
class Logins:
    """The addresses of one database, by what is done with them. They are the same if there is one login only.

    api: what callers ask for.
    engine: what engines do: recording, claiming, firing schedules, removing.
    """

    api: str
    engine: str

    @property
    def environment(self) -> Mapping[str, str]:
        """The settings for child processes."""
        return {"DATABASE_URL": self.api, "ENGINE_DATABASE_URL": self.engine}


def is_server(database_url: str) -> bool:
    """Whether the database is a server that an operator runs, for any form of its address."""
    return isinstance(parse_database_url(database_url), ServerAddress)


@asynccontextmanager
async def open_logins(
    settings: Settings, on_defect: OnDefect, *, may_migrate: bool | None = None, roles: Collection[str] = (API, ENGINE)
) -> AsyncIterator[Logins]:
    """The database that the settings name, with a current schema. An embedded one gets its logins here.

    on_defect: called when a defect has ended the loop that restarts an embedded database.
    may_migrate: None allows migrating an embedded database only.
    roles: those whose rights are needed.

    Raise `StorageError` with a sentence that says what to do when it cannot be used.
    """
    own = not is_server(settings.database_url)
    _refuse_other_logins(settings, own=own)
    async with open_storage(settings.database_url, on_defect) as dsn:
        logins = _embedded_logins(dsn) if own else _server_logins(settings, dsn)
        if own if may_migrate is None else may_migrate:
            await migrate(dsn if own else _migration_url(settings, dsn))
        if own:
            await _provide_own_walls(dsn)
        await _check(settings, logins, roles)
        yield logins


def _refuse_other_logins(settings: Settings, *, own: bool) -> None:
    for name in ("ENGINE_DATABASE_URL", "MIGRATION_DATABASE_URL"):
        if own and getattr(settings, name.lower()) is not None:
            raise StorageError(
                f"{name} is set, but DATABASE_URL names an embedded database, which makes its logins itself: "
                f"remove {name}, or name a server in DATABASE_URL."
            )


def _embedded_logins(dsn: str) -> Logins:
    return Logins(login_url(dsn, API), login_url(dsn, ENGINE))


def _server_logins(settings: Settings, dsn: str) -> Logins:
    engine = settings.engine_database_url
    return Logins(dsn, dsn if engine is None else server_url(engine, "ENGINE_DATABASE_URL"))


def _migration_url(settings: Settings, dsn: str) -> str:
    url = settings.migration_database_url
    return dsn if url is None else server_url(url, "MIGRATION_DATABASE_URL")


async def _provide_own_walls(dsn: str) -> None:
    if problem := await schema_problem(dsn):
        raise StorageError(problem)
    await provide_walls(dsn, partial(password_of, dsn), ROUNDS)


async def _check(settings: Settings, logins: Logins, roles: Collection[str]) -> None:
    problem = await schema_problem(logins.api)
    if problem is None and settings.auth == "on":
        problem = await wall_problem(logins.api)
    if problem is None and ENGINE in roles:
        problem = await schema_problem(logins.engine, ENGINE)
    if problem is not None:
        raise StorageError(problem)
