"""Opens the database that DATABASE_URL names, and starts it if it is an embedded one."""

import os
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg

from app.adapters.database_url import (
    FolderAddress,
    MemoryAddress,
    ServerAddress,
    StorageError,
    driver_dsn,
    parse_database_url,
    place,
)
from app.background.loop import OnDefect

OLDEST_SERVER = 140_000
CONNECT_SECONDS = 10.0
TEMPORARY_PREFIX = "workflow-memory-"
TEMPORARY_SETTLED_SECONDS = 60.0


def only_logged(_: Exception) -> None:
    """The default for short commands, which need not end at once. The loop has logged the defect already."""


@asynccontextmanager
async def open_storage(database_url: str | None, on_defect: OnDefect = only_logged) -> AsyncIterator[str]:
    """The address `postgresql+asyncpg://…` of the database that DATABASE_URL names, valid within the context.

    An embedded server is tied to the thread that enters the context. It stops when the context ends, unless another
    process has the same folder open. When it ends earlier, a loop starts it again; `on_defect(error)` is called when a
    defect has ended this loop. Raise `StorageError` with a sentence for the user.
    """
    address = parse_database_url(database_url)
    match address:
        case ServerAddress(url):
            await check_server(url)
            yield url
        case FolderAddress(path):
            async with _embedded(path, {}, on_defect) as url:
                yield url
        case MemoryAddress():
            async with _in_memory(on_defect) as url:
                yield url


@asynccontextmanager
async def _embedded(path: Path, settings: Mapping[str, str], on_defect: OnDefect) -> AsyncIterator[str]:
    if sys.platform == "win32":
        raise StorageError(
            "The embedded database runs on Linux and macOS; name a server in DATABASE_URL=postgresql+asyncpg://…."
        )
    from app.adapters.embedded.folder import Folder
    from app.adapters.embedded.folder_owner import SharedServer

    server = SharedServer(Folder(path), settings)
    try:
        yield (await server.open(on_defect)).url
    finally:
        await server.close()


@asynccontextmanager
async def _in_memory(on_defect: OnDefect) -> AsyncIterator[str]:
    from app.adapters.embedded.server import MEMORY_SETTINGS

    _remove_abandoned()
    path = _temporary_folder()
    try:
        async with _embedded(path, MEMORY_SETTINGS, on_defect) as url:
            yield url
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _temporary_folder() -> Path:
    path = Path(tempfile.mkdtemp(prefix=TEMPORARY_PREFIX))
    path.chmod(0o711)  # root's server runs as another user
    return path


def _remove_abandoned() -> None:
    """Remove the folders that killed processes have left behind: those whose lock is free."""
    from app.adapters.embedded.folder import Folder

    for lock_file in Path(tempfile.gettempdir()).glob(f"{TEMPORARY_PREFIX}*/owner.lock"):
        try:
            settled = time.time() - lock_file.stat().st_mtime > TEMPORARY_SETTLED_SECONDS
            free = settled and Folder(lock_file.parent).try_lock() is not None
        except OSError:
            continue
        if free:
            shutil.rmtree(lock_file.parent, ignore_errors=True)


async def check_server(url: str) -> None:
    """Raise `StorageError` when the server at `url` refuses the connection or is too old."""
    try:
        session = await asyncpg.connect(driver_dsn(url), timeout=CONNECT_SECONDS, statement_cache_size=0)
    except TimeoutError:
        raise StorageError(f"The database at {place(url)} did not answer within {CONNECT_SECONDS:g} seconds.") from None
    except OSError as error:
        raise StorageError(f"The database at {place(url)} cannot be reached: {_reason(error)}.") from None
    except (asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        raise StorageError(f"The database at {place(url)} refuses the connection: {error}.") from None
    try:
        version = session.get_server_version()
        number = int(await session.fetchval("SHOW server_version_num"))
    finally:
        await session.close()
    if number < OLDEST_SERVER:
        raise StorageError(
            f"The database at {place(url)} is PostgreSQL {version.major}; {OLDEST_SERVER // 10_000} or newer is needed."
        )


def _reason(error: OSError) -> str:
    """The operating system's message, without the call and the addresses that asyncio adds."""
    if isinstance(error, socket.gaierror) or not error.errno:
        return error.strerror or str(error)
    return os.strerror(error.errno)
