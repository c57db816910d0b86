"""A real process ends loudly, and in order, when one of its background loops dies of a defect."""

import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import orjson
import pytest

from tests.support.databases import ask
from tests.support.grpc_server_process import GrpcServerProcess
from tests.support.postgres import TEST_POOLER
from tests.support.rest_server_process import RestServerProcess, UvicornProcess
from tests.support.server_process import ServerProcess

BROKEN = {"PYTHON_MODULES": "tests.support.signals_with_a_defect"}


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Callable[[ServerProcess], object]]:
    async with AsyncExitStack() as stack:

        async def start(server: ServerProcess) -> None:
            stack.push_async_callback(server.close)
            await server.start()

        yield start


def lines(log: Path) -> list[dict[str, object]]:
    """The log entries; what is none, such as the last words of Python, as `{"text": …}`."""
    found = []
    for line in log.read_text().splitlines():
        try:
            found.append(orjson.loads(line))
        except orjson.JSONDecodeError:
            found.append({"text": line})
    return found


def death_of(loop: str, log: Path) -> list[dict[str, object]]:
    return [line for line in lines(log) if line.get("event") == "loop_died" and line["loop"] == loop]


async def test_a_grpc_process_ends_when_its_schedules_cannot_be_read_for_good(
    database_url: str, tmp_path: Path, start: Callable
) -> None:
    """A table that is not there is nothing that passes."""
    log = tmp_path / "log"
    server = GrpcServerProcess(database_url, log)
    await start(server)
    await ask(database_url, "ALTER TABLE schedules RENAME TO somewhere_else")
    code = await server.ended()
    await ask(database_url, "ALTER TABLE somewhere_else RENAME TO schedules")
    assert code == 1
    [death] = death_of("schedules", log)
    assert death["level"] == "critical"
    assert "UndefinedTableError" in str(death["exception"])
    events = [line.get("event") for line in lines(log)]
    assert events.index("loop_died") < events.index("engine_stopped") < events.index("grpc_stopped")
    assert await ask(database_url, "SELECT count(*) FROM engines") == 0


@pytest.mark.skipif(TEST_POOLER is not None, reason="through a pooler, processes poll instead of listening")
@pytest.mark.parametrize("make", [GrpcServerProcess, RestServerProcess, UvicornProcess])
async def test_a_process_ends_when_its_signals_die_of_a_defect(
    make: Callable[..., ServerProcess], database_url: str, redis_url: str, tmp_path: Path, start: Callable
) -> None:
    log, defect = tmp_path / "log", tmp_path / "defect"
    server = make(database_url, log=log, DEFECT=str(defect), **BROKEN, **_redis(make, redis_url))
    await start(server)
    defect.touch()
    code = await server.ended()
    assert code == (-signal.SIGTERM if make is UvicornProcess else 1)
    assert len(death_of("signals", log)) == 1
    assert "a defect of the signals" in log.read_text()


def _redis(make: Callable[..., ServerProcess], redis_url: str) -> dict[str, str]:
    return {"redis_url": redis_url} if make is RestServerProcess else {}
