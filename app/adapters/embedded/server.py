"""Starts and stops one PostgreSQL server process."""

import asyncio
import signal
import subprocess
from collections.abc import Mapping

import asyncpg

from app.adapters.database_url import StorageError, driver_dsn
from app.adapters.embedded.child_processes import end, finished, how_it_ended
from app.adapters.embedded.cluster import initialise
from app.adapters.embedded.folder import Connection, Folder
from app.adapters.embedded.identity import check_owner, give, identity_for
from app.adapters.embedded.programs import Programs, check_version
from app.adapters.embedded.tcp_ports import LOOPBACK, free_port, is_free
from app.adapters.unreachable import NO_CONNECTION

START_SECONDS = 120.0
STOP_SECONDS = 30.0
PROBE_SECONDS = 2.0
PROBE_EVERY_SECONDS = 0.01
PORT_ATTEMPTS = 5
SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "huge_pages": "off",
    "jit": "off",
    "io_method": "sync",
    "max_parallel_workers_per_gather": "0",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "log_min_error_statement": "panic",  # statements hold users' data
}
MEMORY_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "checkpoint_timeout": "1h",
}


class PortTaken(StorageError):
    """Another program listens on the port."""


class Server:
    """The server of a folder. Only the process that has locked the folder may create one.

    folder: the folder of the database.
    lock: the descriptor of the folder's lock.
    settings: further settings of PostgreSQL, by name; they replace those in `SETTINGS`.
    """

    def __init__(self, folder: Folder, lock: int, settings: Mapping[str, str]) -> None:
        self.lock = lock
        self._folder = folder
        self._settings = settings
        self._programs = Programs(folder, lock)
        self._process: subprocess.Popen[bytes] | None = None
        self._has_answered = False

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def end(self) -> str | None:
        """How the server ended, as `was killed by SIGKILL`; once. None if it has not answered since its last start."""
        if not self._has_answered or self._process is None or (code := self._process.poll()) is None:
            return None
        self._has_answered = False
        return how_it_ended(code)

    async def start(self, *, keep_port: bool) -> Connection:
        """Initialise the folder if it is new, start the server, and return when it accepts connections.

        With `keep_port` only the port of the last run is tried; otherwise another one is used when it is taken. Raise
        `StorageError`.
        """
        try:
            self._folder.forget_old_log()
            if self._folder.data.exists():
                return await self._start(keep_port=keep_port)
            return await self._start_new()
        except OSError as error:
            raise StorageError(f"The embedded database in {self._folder.path} cannot be started: {error}.") from error

    async def stop(self) -> None:
        """Stop the server by a fast shutdown: it ends all sessions and flushes its data, so the next start needs no
        recovery. If that takes longer than `STOP_SECONDS`, stop it with stronger signals.
        """
        if self._process is None:
            return
        for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            self._process.send_signal(number)
            if await finished(self._process, STOP_SECONDS) is not None:
                return

    async def _start_new(self) -> Connection:
        syncing = await initialise(self._folder, self._programs, durable=self._settings.get("fsync") != "off")
        if syncing is None:
            return await self._start(keep_port=False)
        try:
            connection = await self._start(keep_port=False)
            if await finished(syncing, START_SECONDS) != 0:
                raise StorageError(f"The new database could not be flushed to the disk; see {self._folder.log}.")
        finally:
            end(syncing)
        return connection

    async def _start(self, *, keep_port: bool) -> Connection:
        connection = self._folder.read_connection()
        if connection is None:
            raise StorageError(
                f"{self._folder.path / 'connection'}, which holds the database's password, is missing or damaged."
            )
        check_owner(self._folder.data)
        check_version(self._folder.data)
        for _ in range(PORT_ATTEMPTS):
            try:
                await self._start_on(connection)
            except PortTaken:
                if keep_port:
                    raise
                connection = Connection(connection.password, free_port())
            else:
                self._folder.write_connection(connection)
                return connection
        raise StorageError(f"None of {PORT_ATTEMPTS} ports for the embedded database stayed free.")

    async def _start_on(self, connection: Connection) -> None:
        if not is_free(connection.port):
            raise PortTaken(f"The embedded database's port {connection.port} is in use by another program.")
        # This process has the lock, so no server runs on this folder. The process id in this file is stale, and
        # PostgreSQL would refuse to start if another program had it by now.
        (self._folder.data / "postmaster.pid").unlink(missing_ok=True)
        give(self._folder.data, identity_for(self._folder.data))
        settings = {**SETTINGS, "port": str(connection.port), **self._settings}
        options = [option for name, value in settings.items() for option in ("-c", f"{name}={value}")]
        if self._process:
            end(self._process)
        seen = self._programs.log_size()
        self._process = self._programs.start("postgres", self._folder.data, *options)
        await self._wait_until_answering(connection, seen)
        self._has_answered = True

    async def _wait_until_answering(self, connection: Connection, seen: int) -> None:
        deadline = asyncio.get_running_loop().time() + START_SECONDS
        while not await answers(connection):
            if not self.is_running():
                words = self._programs.last_words(seen)
                problem = PortTaken if "TCP/IP" in words else StorageError
                raise problem(f"PostgreSQL did not start: {words}.")
            if asyncio.get_running_loop().time() > deadline:
                raise StorageError(f"PostgreSQL did not start in {START_SECONDS:g} seconds; see {self._folder.log}.")
            await asyncio.sleep(PROBE_EVERY_SECONDS)


async def answers(connection: Connection) -> bool:
    """Whether a server at `connection` accepts connections with this password."""
    try:
        session = await asyncpg.connect(driver_dsn(connection.url), timeout=PROBE_SECONDS, ssl=False)
    except NO_CONNECTION:
        return False
    await session.close()
    return True
