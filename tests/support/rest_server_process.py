"""The REST process: `python -m app.main`, as `workflow up` starts it, or uvicorn's own command."""

import asyncio
import sys
from pathlib import Path

from tests.support.ports import free_port
from tests.support.server_process import ServerProcess
from tests.support.walls import logins_for

POLL_SECONDS = 0.05


class RestServerProcess(ServerProcess):
    def __init__(self, database_url: str, redis_url: str, log: Path | None = None, **settings: str) -> None:
        port = free_port()
        environment = {**logins_for(database_url), "REDIS_URL": redis_url, "FASTAPI_PORT": str(port)}
        environment |= {"LOG_FORMAT": "json", **settings}
        super().__init__((sys.executable, "-m", "app.main"), port, log, **environment)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api/v1"

    async def _answers(self) -> bool:
        return await listens(self.port)


class UvicornProcess(RestServerProcess):
    """`uvicorn app.main:app`."""

    def __init__(self, database_url: str, log: Path | None = None, host: str = "127.0.0.1", **settings: str) -> None:
        port = free_port()
        command = (sys.executable, "-m", "uvicorn", "app.main:app", "--host", host, "--port", str(port))
        ServerProcess.__init__(
            self, command, port, log, **{**logins_for(database_url), "LOG_FORMAT": "json", **settings}
        )


async def listens(port: int) -> bool:
    """Whether a connection to the port is accepted, now or within a moment."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        await asyncio.sleep(POLL_SECONDS)
        return False
    writer.transport.abort()
    return True
