from collections.abc import Callable, Iterator
from threading import Thread

import pytest
from typer.testing import CliRunner, Result

from app.cli import app
from tests.support.rest_stand_in import RestStandIn
from tests.support.scripted_service import ScriptedService, serve

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
