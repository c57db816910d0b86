"""The folder of an embedded database: its files, and the lock that decides which process may run the server."""

import fcntl
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from app.adapters.database_url import StorageError

USER = "workflow"
DATABASE = "postgres"
LOG_LIMIT_BYTES = 10_000_000


@dataclass(frozen=True, slots=True)
class Connection:
    """How to reach the server.

    password: of the user `workflow`.
    port: on the loopback address. It is kept from run to run, so that the address survives a change of owner.
    """

    password: str
    port: int

    @property
    def url(self) -> str:
        return f"postgresql+asyncpg://{USER}:{self.password}@127.0.0.1:{self.port}/{DATABASE}"


@dataclass(frozen=True, slots=True)
class Folder:
    """The folder `path`. It contains:

    - postgres/: the data
    - connection: the address with the password; only its owner may read it
    - owner.lock: locked by the process that runs the server, and by the server
    - postgres.log: the log of the server
    """

    path: Path

    @property
    def data(self) -> Path:
        return self.path / "postgres"

    @property
    def fresh_data(self) -> Path:
        return self.path / "postgres.new"

    @property
    def log(self) -> Path:
        return self.path / "postgres.log"

    def prepare(self) -> None:
        """Create the folder. Raise `StorageError` when this process may not write in it."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            (self.path / "owner.lock").touch(mode=0o600)
        except OSError as error:
            raise StorageError(
                f"The folder {self.path} for the embedded database is not writable: {error.strerror}."
            ) from None

    def try_lock(self) -> int | None:
        """Return a descriptor that holds the lock, or None while another process has it.

        The server inherits the descriptor. So the lock is free only when its owner *and* every process of the server
        have ended, and its holder can treat all files that a crash has left behind as stale.
        """
        descriptor = os.open(self.path / "owner.lock", os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            if isinstance(error, BlockingIOError):
                return None
            raise StorageError(f"The file system of {self.path} has no locks: {error.strerror}.") from None
        return descriptor

    def read_connection(self) -> Connection | None:
        """None when the file does not exist or is damaged."""
        try:
            parts = urlsplit((self.path / "connection").read_text().strip())
            password, port = parts.password, parts.port
        except (FileNotFoundError, ValueError):
            return None
        except PermissionError:
            raise StorageError(
                f"{self.path / 'connection'} belongs to another user; run as that user, or name another folder "
                "in DATABASE_URL=file:FOLDER."
            ) from None
        return Connection(password, port) if password and port else None

    def write_connection(self, connection: Connection) -> None:
        """Replace the file atomically: readers see the old content or the new one, never a part of it."""
        fresh = self.path / "connection.new"
        fresh.unlink(missing_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(connection.url.replace("+asyncpg", "") + "\n")
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self.path / "connection")

    def forget_old_log(self) -> None:
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT_BYTES:
            self.log.replace(self.path / "postgres.log.old")


def new_password() -> str:
    return secrets.token_hex(24)
