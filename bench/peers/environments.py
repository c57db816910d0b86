"""Creates an environment for each peer, once, inside the current one or in BENCH_PEERS_FOLDER."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path

FOLDER = Path(os.environ.get("BENCH_PEERS_FOLDER") or Path(sys.prefix) / "peers")
REQUIREMENTS = {
    "dbos": ("dbos==3.4.0", "uvloop==0.23.0"),
    "procrastinate": ("procrastinate==3.10.0", "psycopg[binary,pool]==3.3.9", "uvloop==0.23.0"),
    "celery": ("celery[redis]==5.7.0",),
}
INSTALL_SECONDS = 180.0


class PeerUnavailable(Exception):
    """The peer cannot be installed here; the message says why."""


async def peer_python(name: str) -> str:
    """The interpreter of the peer's environment, which is created if it is missing. Raise `PeerUnavailable`."""
    environment, wanted = FOLDER / name, "\n".join(REQUIREMENTS[name])
    python, done = environment / "bin" / "python", environment / "installed"
    if not (done.exists() and done.read_text() == wanted and python.exists()):
        await _run(sys.executable, "-m", "venv", "--clear", "--without-pip", str(environment))
        await _run(await _pip(), "-m", "pip", "--python", str(python), *_INSTALL, *REQUIREMENTS[name])
        done.write_text(wanted)
    return str(python)


_INSTALL = ("--disable-pip-version-check", "install", "--quiet", "--only-binary", ":all:", "--retries", "1")


async def _pip() -> str:
    """An interpreter with pip: this one, or the one that created this environment."""
    for python in dict.fromkeys((sys.executable, str(Path(sys.base_prefix) / "bin" / "python3"))):
        try:
            await _run(python, "-m", "pip", "--version")
        except PeerUnavailable:
            continue
        return python
    raise PeerUnavailable("no pip to install it with")


async def _run(*command: str) -> None:
    try:
        process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=STDOUT)
    except OSError as error:
        raise PeerUnavailable(f"{command[0]} cannot be run: {error.strerror}") from None
    try:
        async with asyncio.timeout(INSTALL_SECONDS):
            said, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        raise PeerUnavailable(f"{' '.join(command[1:4])} … took longer than {INSTALL_SECONDS:g} s") from None
    if process.returncode != 0:
        words = said.decode(errors="replace").strip().splitlines()
        raise PeerUnavailable(words[-1] if words else f"{' '.join(command[:4])} … failed")
