"""A task that ends every engine that runs it fails; what ran beside it completes."""

import asyncio
from pathlib import Path

from app.api.grpc.generated import workflow_pb2 as pb
from tests.support.databases import ask
from tests.support.engine_process import store_workflow, sync, workflow
from tests.support.grpc_server_process import GrpcServerProcess

SETTINGS = {
    "PYTHON_MODULES": "tests.support.gated_by_file,tests.support.ending_process",
    "ENGINE_MAX_LOST_ATTEMPTS": "3",
    "ENGINE_LEASE_SECONDS": "2",
    "ENGINE_RENEW_SECONDS": "0.3",
}
_FAILURE = "SELECT data ->> 'code' FROM execution_events WHERE type = 'execution_failed' AND execution_id = $1::uuid"
_STATUS = "SELECT status FROM executions WHERE id = $1::uuid"
_IS_ALONE = """
SELECT EXISTS (SELECT FROM execution_events WHERE execution_id = $1::uuid AND type = 'task_started' AND attempt = 3)
AND NOT EXISTS (
    SELECT FROM execution_events begun WHERE execution_id = $2::uuid AND type = 'task_started' AND NOT EXISTS (
        SELECT FROM execution_events ended
        WHERE ended.execution_id = begun.execution_id AND ended.sequence > begun.sequence
        AND ended.type IN ('task_retrying', 'task_failed') AND ended.attempt = begun.attempt))
"""


async def store(database_url: str, key: str, function: str) -> None:
    await store_workflow(database_url, workflow(key, (sync(key, 1, "python", config={"function": function}),)))


async def start(server: GrpcServerProcess, key: str) -> str:
    return (await server.stub.StartWorkflow(pb.StartWorkflowRequest(workflow_id=key))).execution_id


async def restart_until_final(server: GrpcServerProcess, database_url: str, execution_id: str) -> None:
    """As a supervisor does: start the server whenever it has ended."""
    while await ask(database_url, _STATUS, execution_id) == "running":
        if not server.is_running:
            try:
                await server.start()
            except AssertionError:
                continue
        await asyncio.sleep(0.1)


async def open_when_alone(gate: Path, database_url: str, innocent: str, culprit: str) -> None:
    """Let the innocent task complete in its third attempt, as soon as that runs without the culprit."""
    while not await ask(database_url, _IS_ALONE, innocent, culprit):
        await asyncio.sleep(0.1)
    gate.touch()


async def test_its_neighbour_is_made_again_without_it_and_completes(database_url: str, tmp_path: Path) -> None:
    await store(database_url, "works", "test.gated_by_file")
    await store(database_url, "kills", "test.end_process")
    gate = tmp_path / "gate"
    server = GrpcServerProcess(database_url, tmp_path / "log", GATE=str(gate), **SETTINGS)
    try:
        await server.start()
        innocent = await start(server, "works")
        culprit = await start(server, "kills")
        opening = asyncio.create_task(open_when_alone(gate, database_url, innocent, culprit))
        await restart_until_final(server, database_url, culprit)
        await restart_until_final(server, database_url, innocent)
        await opening
    finally:
        await server.close()
    assert await ask(database_url, _FAILURE, culprit) == "engine_lost"
    assert await ask(database_url, _STATUS, innocent) == "completed"
