"""When the database has ended all connections, as a restart does, the first request of each kind works."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest

from app.adapters.database.sessions import PROBE_AFTER_SECONDS
from app.api.grpc.generated import workflow_pb2 as pb
from tests.support.clients import rest_client
from tests.support.databases import ask
from tests.support.grpc_server_process import GrpcServerProcess
from tests.support.postgres import TEST_POOLER
from tests.support.rest_server_process import RestServerProcess

DEFINITION = {"name": "one", "key": "one", "tasks": [{"name": "a", "execution_type": "sync", "sequence": 1}]}
END_ALL = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


@dataclass
class House:
    rest: httpx.AsyncClient
    grpc: GrpcServerProcess
    url: str

    async def end_connections(self) -> None:
        """Return when they have been idle, and dead, for as long as a restart takes at least."""
        # A pooler may have none open between two statements.
        assert await ask(self.url, END_ALL) or TEST_POOLER
        await asyncio.sleep(PROBE_AFTER_SECONDS)


@pytest.fixture(scope="module")
async def running(module_database_url: str) -> AsyncIterator[House]:
    grpc, rest = GrpcServerProcess(module_database_url), RestServerProcess(module_database_url, "")
    await asyncio.gather(grpc.start(), rest.start())
    try:
        async with rest_client(base_url=rest.url, timeout=120) as client:
            yield House(client, grpc, module_database_url)
    finally:
        await asyncio.gather(grpc.close(), rest.close())


@pytest.fixture
async def house(running: House) -> House:
    """With the definition as it is above, and with open connections."""
    if (await running.rest.post("/workflows", json=DEFINITION)).status_code != 201:
        assert (await running.rest.put("/workflows/one", json=DEFINITION)).status_code == 200
    assert (await running.rest.get("/workflows")).status_code == 200
    assert (await running.rest.get("/executions")).status_code == 200
    return running


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/workflows", None, 200),
        ("GET", "/workflows/none", None, 404),
        ("POST", "/workflows", {"name": "two", "key": "two"}, 201),
        ("PUT", "/workflows/one", {"name": "changed", "key": "one", "tasks": []}, 200),
        ("DELETE", "/workflows/one", None, 200),
        ("GET", "/executions", None, 200),
        ("POST", "/workflows/one/executions", {}, 202),
        ("GET", "/schedules", None, 200),
    ],
)
async def test_the_first_request_over_rest(
    house: House, method: str, path: str, body: dict[str, object] | None, status: int
) -> None:
    await house.end_connections()
    answer = await house.rest.request(method, path, json=body)
    assert answer.status_code == status, answer.text


async def test_the_first_calls_over_grpc(house: House) -> None:
    await house.end_connections()
    started = await house.grpc.stub.StartWorkflow(pb.StartWorkflowRequest(workflow_id="one"))
    await house.end_connections()
    request = pb.WatchExecutionRequest(execution_id=started.execution_id)
    assert [update.sequence async for update in house.grpc.stub.WatchExecution(request)] == [1, 2, 3, 4, 5]
    await house.end_connections()
    await house.grpc.stub.ListExecutions(pb.ListExecutionsRequest())
