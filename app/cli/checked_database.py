"""The database that `workflow check` and `workflow audit verify` read, past the service."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.adapters.database.connecting import is_pooled
from app.adapters.database.pool import Pool, open_pool
from app.adapters.database.schema import schema_problem
from app.adapters.database.walls.rules import ENGINE
from app.adapters.database_url import FolderAddress, MemoryAddress, StorageError, parse_database_url
from app.adapters.embedded.storage import open_storage
from app.cli.errors import CliError

FETCH_SECONDS = 60.0


def refuse_nothing_to_check(database_url: str) -> None:
    """Raise `CliError` if there is no database: opening an embedded one would create it, which a check must not do."""
    address = parse_database_url(database_url)
    if isinstance(address, MemoryAddress):
        raise CliError("memory: is a database of a single process; name one that is kept")
    if isinstance(address, FolderAddress) and not (address.path / "postgres").is_dir():
        raise CliError(f"there is no database in {address.path}; name another in DATABASE_URL or with --database")


@asynccontextmanager
async def open_checked(database_url: str) -> AsyncIterator[Pool]:
    """One connection to it. Raise `StorageError` when it cannot be reached, or has another schema."""
    async with open_storage(database_url) as dsn:
        if problem := await schema_problem(dsn, ENGINE):
            raise StorageError(problem)
        async with open_pool(dsn, 1, FETCH_SECONDS, pooled=await is_pooled(dsn)) as pool:
            yield pool
