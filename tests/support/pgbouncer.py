"""A real PgBouncer in transaction mode between the tests and their PostgreSQL.

With `TEST_POOLER=pgbouncer` in the environment every test's `database_url` leads through one. Its own tests start one
in any case, and are skipped where the program is not installed.
"""

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy.engine import make_url

from app.adapters.database_url import Login, login_of
from tests.support.ports import free_port
from tests.support.rest_server_process import listens
from tests.support.server_process import ServerProcess
from tests.support.walls import api_url, engine_url, owner_url

PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")

# Few server connections for many clients, so that a transaction rarely gets the one that it had before.
CONFIGURATION = """
[databases]
* = host={host} port={port}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen_port}
unix_socket_dir =
auth_type = trust
auth_file = {logins}
pool_mode = transaction
default_pool_size = {connections}
max_client_conn = 1000
max_db_connections = 0
server_round_robin = 1
ignore_startup_parameters = extra_float_digits
logfile =
pidfile =
"""


def _logins(server_url: str) -> Iterator[Login]:
    """With the password of each, which the pooler shows to the server."""
    urls = (server_url, api_url(server_url), engine_url(server_url), owner_url(server_url))
    return filter(None, map(login_of, urls))


class PgBouncerProcess(ServerProcess):
    """`connections` to the server per database and login, which all clients share."""

    def __init__(self, folder: Path, server_url: str, connections: int) -> None:
        port, server = free_port(), make_url(server_url)
        configuration, logins = folder / "pgbouncer.ini", folder / "logins"
        logins.write_text("".join(f'"{login.role}" "{login.password}"\n' for login in _logins(server_url)))
        configuration.write_text(
            CONFIGURATION.format(
                host=server.host or server.query["host"],
                port=server.port or 5432,
                logins=logins,
                listen_port=port,
                connections=connections,
            )
        )
        as_user = ("-u", "nobody") if os.geteuid() == 0 else ()
        super().__init__((str(PROGRAM), "-q", *as_user, str(configuration)), port, folder / "log")

    async def _answers(self) -> bool:
        return await listens(self.port)

    def through(self, url: str) -> str:
        """The address of the same database by way of this process."""
        changed = make_url(url).set(host="127.0.0.1", port=self.port, query={})
        return changed.render_as_string(hide_password=False)


@asynccontextmanager
async def running_pgbouncer(server_url: str, connections: int = 4) -> AsyncIterator[PgBouncerProcess]:
    with TemporaryDirectory(prefix="pgbouncer-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        process = PgBouncerProcess(folder, server_url, connections)
        await process.start()
        try:
            yield process
        finally:
            await process.close()
