"""A REST process with a thousand sockets is told to stop: they end with a code that says so, and the process ends."""

import asyncio
import resource
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.support.rest_server_process import RestServerProcess
from tests.support.sockets import deaf_socket, socket

SOCKETS = 1_000
DEAF = 10
SHUTDOWN_SECONDS = 300
"""A process that waited for its sockets would wait so long."""
LONGEST = 150
FILES = 4_096


@pytest.fixture
def files() -> None:
    """This process holds the other ends."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < FILES:
        pytest.skip(f"a process may open {hard} files here; {FILES} are needed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, FILES), hard))


@pytest.fixture
async def rest(database_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[RestServerProcess]:
    server = RestServerProcess(database_url, redis_url, tmp_path / "rest.log", SHUTDOWN_SECONDS=str(SHUTDOWN_SECONDS))
    await server.start()
    yield server
    await server.close()


@pytest.mark.slow
async def test_a_process_with_sockets_stops_at_once(files: None, rest: RestServerProcess, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack, asyncio.timeout(2 * LONGEST):
        for _ in range(DEAF):
            deaf = await stack.enter_async_context(deaf_socket(rest.port))
            deaf.say("subscribe", "executions", mode="all")
        clients = [await stack.enter_async_context(socket(rest.port)) for _ in range(SOCKETS)]
        for client in clients:
            await client.follow("executions")
        async with asyncio.timeout(LONGEST):
            assert await rest.terminate() == 0
        ends = await asyncio.gather(*(client.closed() for client in clients))
    assert set(map(str, ends)) == {"(1012, [])"}
    log = (tmp_path / "rest.log").read_text()
    assert "Traceback" not in log
    assert "accepted" not in log
