"""`.workflow/service.json`: where the service that was started in this folder can be reached.

`workflow up` writes the file and holds a lock on it while the service runs. A file without a lock is left over from a
service that has ended, however it ended, so other commands do not use it.
"""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, NamedTuple

HERE = Path()
FILE = Path(".workflow") / "service.json"
LOCK_TRIES = 5
PAUSE_SECONDS = 0.05


class Note(NamedTuple):
    """The addresses of a service.

    rest: the URL of the REST API.
    grpc: `host:port` of the gRPC server, after `https://` if it uses TLS.
    certificate: the path of its certificate; empty without TLS.
    key: the path of the key, which is shown to a server that demands a certificate.
    """

    rest: str
    grpc: str
    certificate: str = ""
    key: str = ""


def running_service(folder: Path = HERE) -> Note | None:
    """The service that runs now and was started in the folder; None if there is none."""
    try:
        with (folder / FILE).open() as file:
            return None if _try_lock(file, shared=True) else _read(file)
    except OSError:
        return None


def last_service(folder: Path = HERE) -> Note | None:
    """The service that was last started in the folder, whether it runs or not."""
    try:
        with (folder / FILE).open() as file:
            return _read(file)
    except OSError:
        return None


@contextmanager
def noted(note: Note, folder: Path = HERE) -> Iterator[bool]:
    """Keep the note while the context lasts.

    Yield False if there is no note: another service of the folder is noted, or the file cannot be written or locked.
    """
    with ExitStack() as stack:
        try:
            (folder / FILE).parent.mkdir(exist_ok=True)
            file = stack.enter_context((folder / FILE).open("a+"))
            mine = _lock(file)
        except OSError:
            mine = False
        else:
            if mine:
                file.truncate(0)
                file.write(json.dumps(note._asdict()) + "\n")
                file.flush()
        yield mine


def _lock(file: IO[str]) -> bool:
    """Lock the file. A command that looks whether it is locked holds a lock for a moment, so try a few times."""
    for _ in range(LOCK_TRIES):
        if _try_lock(file, shared=False):
            return True
        time.sleep(PAUSE_SECONDS)
    return False


def _try_lock(file: IO[str], *, shared: bool) -> bool:
    """Whether the file is locked now; False while another process prevents that. Closing the file ends the lock.

    Raise `OSError` where there are no locks.
    """
    if sys.platform == "win32":
        raise OSError
    import fcntl

    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read(file: IO[str]) -> Note | None:
    try:
        found = json.load(file)
        files = (str(found.get(name, "")) for name in ("certificate", "key"))
        return Note(str(found["rest"]), str(found["grpc"]), *files)
    except (ValueError, TypeError, KeyError):
        return None
