"""Provides the schema. This program migrates an embedded database; an operator changes the schema of a server."""

from app.adapters.database.migrations import migrate
from app.adapters.database.schema import schema_problem
from app.adapters.database_url import ServerAddress, StorageError, parse_database_url


def is_server(database_url: str) -> bool:
    """Whether the database is a server that an operator runs, for any form of its address."""
    return isinstance(parse_database_url(database_url), ServerAddress)


async def provide_schema(database_url: str, dsn: str, *, allowed: bool | None = None) -> None:
    """Migrate the database if that is allowed, otherwise check that its schema is current.

    database_url: the setting.
    dsn: the address of the opened database, `postgresql+asyncpg://…`.
    allowed: None allows it for an embedded database only.

    Raise `StorageError` with a sentence that says what to do when the schema is not current, or cannot be migrated.
    """
    if not is_server(database_url) if allowed is None else allowed:
        await migrate(dsn)
    elif problem := await schema_problem(dsn):
        raise StorageError(problem)
