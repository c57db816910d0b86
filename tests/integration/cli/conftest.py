import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from threading import Thread

import pytest
import uvicorn
from typer.testing import CliRunner, Result

from app.background.defects import Defects
from app.cli import app
from app.config import Settings
from app.wiring.rest_process import open_rest_process
from tests.support.applications import application
from tests.support.rest_stand_in import RestStandIn
from tests.support.scripted_service import ScriptedService, serve
from tests.support.walls import urls_for

Invoke = Callable[..., Result]


@pytest.fixture
def grpc_service() -> Iterator[ScriptedService]:
    service = ScriptedService()
    server = serve(service)
    yield service
    server.stop(grace=None).wait()


@pytest.fixture
def rest_service() -> Iterator[RestStandIn]:
    with RestStandIn() as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def workflow(grpc_service: ScriptedService, rest_service: RestStandIn) -> Invoke:
    """Runs the command against the two servers; the answer has `exit_code`, `stdout` and `stderr`."""
    environment = {"WORKFLOW_REST_URL": rest_service.url, "WORKFLOW_GRPC_TARGET": grpc_service.target}

    def invoke(*words: str) -> Result:
        return CliRunner(env=environment).invoke(app, list(words), catch_exceptions=False)

    return invoke


@asynccontextmanager
async def service_with(settings: Settings) -> AsyncIterator[str]:
    """Where the REST service itself answers."""
    with application() as service, socket.create_server(("127.0.0.1", 0)) as listener:
        async with open_rest_process(settings, Defects()) as service.state.services:
            server = uvicorn.Server(uvicorn.Config(service, log_config=None, lifespan="off"))
            serving = asyncio.create_task(server.serve(sockets=[listener]))
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
            server.should_exit = True
            await serving


@pytest.fixture
async def url(database_url: str) -> AsyncIterator[str]:
    """Where the REST service itself answers, over a database of the test's own."""
    async with service_with(Settings(_env_file=None, **urls_for(database_url))) as url:
        yield url


@pytest.fixture
def command(url: str) -> Callable[..., Awaitable[Result]]:
    """Runs the command against the REST service itself."""

    async def invoke(*words: object) -> Result:
        runner = CliRunner(env={"WORKFLOW_REST_URL": url})
        return await asyncio.to_thread(runner.invoke, app, [str(word) for word in words], catch_exceptions=False)

    return invoke
