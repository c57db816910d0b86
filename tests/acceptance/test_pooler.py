"""The service through a real PgBouncer in transaction mode, with fewer server connections than it has of its own."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from app.adapters.database.connecting import is_pooled
from app.adapters.database.migrations import migrate
from app.adapters.database.schema import schema_problem
from app.api.grpc.generated import workflow_pb2 as pb
from tests.support.clients import rest_client
from tests.support.grpc_server_process import GrpcServerProcess
from tests.support.pgbouncer import PROGRAM, PgBouncerProcess, running_pgbouncer
from tests.support.postgres import TEST_POOLER
from tests.support.rest_server_process import RestServerProcess
from tests.support.walls import api_url

pytestmark = [
    pytest.mark.skipif(PROGRAM is None, reason="pgbouncer is not installed"),
    pytest.mark.skipif(TEST_POOLER is not None, reason="the tests' own addresses lead through a pooler already"),
]

DEFINITION = {
    "name": "three",
    "tasks": [
        {"name": "a", "execution_type": "sync", "sequence": 1, "type": "delay", "config": {"seconds": 0.01}},
        {"name": "b", "execution_type": "async", "sequence": 2, "type": "transform", "config": {"value": "${input.n}"}},
        {"name": "c", "execution_type": "async", "sequence": 2, "type": "signal", "config": {"name": "go"}},
    ],
}
ROUNDS = 12


@pytest.fixture(params=[1, 3])
async def pooler(postgres_url: str, request: pytest.FixtureRequest) -> AsyncIterator[PgBouncerProcess]:
    async with running_pgbouncer(postgres_url, request.param) as process:
        yield process


@pytest.fixture(params=["polling", "direct"])
def settings(database_url: str, request: pytest.FixtureRequest) -> dict[str, str]:
    return {"DATABASE_DIRECT_URL": api_url(database_url)} if request.param == "direct" else {}


async def run_one(rest: httpx.AsyncClient, grpc: GrpcServerProcess, number: int) -> tuple[object, ...]:
    key = f"three-{number}"
    created = await rest.post("/workflows", json={**DEFINITION, "key": key})
    changed = await rest.patch(f"/workflows/{key}", json={"description": "changed"})
    read = await rest.get(f"/workflows/{key}")
    started = await rest.post(f"/workflows/{key}/executions", json={"input": {"n": number}})
    execution_id = started.json()["id"]
    await grpc.stub.SignalExecution(pb.SignalExecutionRequest(execution_id=execution_id, name="go", payload="1"))
    watch = grpc.stub.WatchExecution(pb.WatchExecutionRequest(execution_id=execution_id))
    numbers = [update.sequence async for update in watch]
    ended = await rest.get(f"/executions/{execution_id}")
    listed = await rest.get("/executions", params={"workflow_id": key})
    assert numbers == list(range(1, len(numbers) + 1))
    assert ended.json()["output"] == {"b": number, "c": 1}
    statuses = (created, changed, read, started, ended, listed)
    return (*(answer.status_code for answer in statuses), read.json()["revision"], ended.json()["status"])


async def test_everything_works_through_a_pooler(
    database_url: str, pooler: PgBouncerProcess, settings: dict[str, str], tmp_path: Path
) -> None:
    url = pooler.through(database_url)
    grpc, rest = GrpcServerProcess(url, **settings), RestServerProcess(url, "", **settings)
    await asyncio.gather(grpc.start(), rest.start())
    try:
        async with rest_client(base_url=rest.url, timeout=120) as client:
            runs = await asyncio.gather(*(run_one(client, grpc, number) for number in range(ROUNDS)))
            ready = await client.get(rest.url.removesuffix("/api/v1") + "/readyz")
    finally:
        await asyncio.gather(grpc.close(), rest.close())

    assert Counter(runs) == {(201, 200, 200, 202, 200, 200, 2, "completed"): ROUNDS}
    assert ready.status_code == 200


async def test_a_pooler_is_noticed(database_url: str, pooler: PgBouncerProcess) -> None:
    assert await is_pooled(pooler.through(database_url))
    assert not await is_pooled(database_url)


async def test_a_database_is_migrated_through_a_pooler(empty_database_url: str, pooler: PgBouncerProcess) -> None:
    url = pooler.through(empty_database_url)
    await asyncio.gather(*(migrate(url) for _ in range(3)))
    assert await schema_problem(url) is None
