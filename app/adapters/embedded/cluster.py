"""Creates the data folder of a new embedded database."""

import shutil
import subprocess
import sys

from app.adapters.database_url import StorageError
from app.adapters.embedded.child_processes import end, finished
from app.adapters.embedded.folder import USER, Connection, Folder, new_password
from app.adapters.embedded.identity import give, identity_for
from app.adapters.embedded.programs import Programs
from app.adapters.embedded.tcp_ports import free_port

INITDB_SECONDS = 120.0
INITDB_OPTIONS = (
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--no-instructions",
    "--set=io_method=sync",
    # Iterations protect weak passwords. This one has 192 random bits, and each new connection would pay for them.
    "--set=scram_iterations=1",
)
CAN_SYNC_LATER = sys.platform == "linux"


async def initialise(folder: Folder, programs: Programs, *, durable: bool) -> subprocess.Popen[bytes] | None:
    """Create the data folder, completely or not at all. Return the process that flushes it to the disk, if any.

    The server may start while that process runs. But no data may be acknowledged as stored before it has ended.
    """
    shutil.rmtree(folder.fresh_data, ignore_errors=True)
    folder.fresh_data.mkdir(mode=0o700)
    password = new_password()
    sync_later = durable and CAN_SYNC_LATER
    await _run_initdb(folder, programs, password, ["--no-sync"] if sync_later or not durable else [])
    folder.write_connection(Connection(password, free_port()))
    folder.fresh_data.rename(folder.data)
    if sync_later:
        return programs.start("initdb", folder.data, "--sync-only", "--sync-method=syncfs")
    return None


async def _run_initdb(folder: Folder, programs: Programs, password: str, more_options: list[str]) -> None:
    password_file = folder.path / "password.new"
    password_file.touch(mode=0o600)
    password_file.write_text(password)
    identity = identity_for(folder.fresh_data, needs_name=True)
    give(password_file, identity)
    give(folder.fresh_data, identity)
    options = [f"--username={USER}", f"--pwfile={password_file}", *INITDB_OPTIONS, *more_options]
    seen = programs.log_size()
    process = programs.start("initdb", folder.fresh_data, *options, needs_name=True)
    try:
        code = await finished(process, INITDB_SECONDS)
    finally:
        end(process)
        password_file.unlink()
    if code != 0:
        raise StorageError(f"The embedded database could not be made: {programs.last_words(seen)}.")
