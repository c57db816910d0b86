"""A server that dies takes no execution with it."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest

from app.api.grpc.generated import workflow_pb2 as pb
from tests.support.clients import grpc_channel
from tests.support.engine_process import parallel, read_on, store_workflow, sync, workflow
from tests.support.grpc_server_process import GrpcServerProcess

RUN = {"function": "test.record_run", "arguments": {"seconds": 0.1}}
TWENTY = (
    *(sync(f"step-{n}", 1, "python", config=RUN) for n in range(8)),
    *(parallel(f"branch-{n}", 2, "python", config=RUN) for n in range(8)),
    *(sync(f"end-{n}", 3, "python", config=RUN) for n in range(4)),
)


@pytest.fixture(scope="module")
def runs_of_all(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("server_killed") / "runs"


@pytest.fixture
def runs(runs_of_all: Path) -> Path:
    """Those of the test."""
    runs_of_all.write_text("")
    return runs_of_all


@pytest.fixture(scope="module")
async def _server(module_database_url: str, runs_of_all: Path) -> AsyncIterator[GrpcServerProcess]:
    await store_workflow(module_database_url, workflow("twenty", TWENTY))
    server = recorded(module_database_url, runs_of_all, ENGINE_LEASE_SECONDS="2", ENGINE_RENEW_SECONDS="0.5")
    yield server
    await server.close()


@pytest.fixture
async def server(_server: GrpcServerProcess, runs: Path) -> GrpcServerProcess:
    """Its lease is short, so what it runs continues soon after it was killed."""
    if not _server.is_running:
        await _server.start()
    return _server


@pytest.fixture
async def patient_server(database_url: str, runs: Path) -> AsyncIterator[GrpcServerProcess]:
    """It keeps its lease, and has the time to drain, on a busy machine too."""
    await store_workflow(database_url, workflow("twenty", TWENTY))
    server = recorded(database_url, runs, ENGINE_LEASE_SECONDS="60", SHUTDOWN_SECONDS="60")
    await server.start()
    yield server
    await server.close()


def recorded(database_url: str, runs: Path, **settings: str) -> GrpcServerProcess:
    modules = "tests.support.recorded_runs"
    return GrpcServerProcess(database_url, PYTHON_MODULES=modules, RECORDED_RUNS=str(runs), **settings)


async def read_until(call: grpc.aio.UnaryStreamCall, sequence: int) -> list[pb.WorkflowExecutionUpdate]:
    updates = [await call.read()]
    while updates[-1].sequence < sequence:
        updates.append(await call.read())
    return updates


async def watch(server: GrpcServerProcess, execution_id: str, after: int = 0) -> list[pb.WorkflowExecutionUpdate]:
    request = pb.WatchExecutionRequest(execution_id=execution_id, after_sequence=after)
    return [update async for update in server.stub.WatchExecution(request, wait_for_ready=True)]


@pytest.mark.parametrize("killed_after", [1, 3, 12, 24])
async def test_a_killed_execution_completes_and_no_recorded_task_runs_twice(
    server: GrpcServerProcess, runs: Path, killed_after: int
) -> None:
    call = server.stub.ExecuteWorkflow(pb.ExecuteWorkflowRequest(workflow_id="twenty"))
    before = await read_until(call, killed_after)

    await server.kill()
    await server.start()
    after = await watch(server, before[0].execution_id, before[-1].sequence)

    updates = [*before, *after]
    assert [u.sequence for u in updates] == list(range(1, len(updates) + 1))
    assert updates[-1].status == pb.COMPLETED
    completions = Counter(u.current_task_name for u in updates if u.task_status == pb.TASK_COMPLETED)
    assert completions == {task.name: 1 for task in TWENTY}
    lost = {u.current_task_name for u in updates if u.task_status == pb.TASK_RETRYING}
    run_count = Counter(line.split()[0] for line in runs.read_text().splitlines())
    assert {name for name, count in run_count.items() if count > 1} <= lost
    assert await watch(server, before[0].execution_id) == updates


async def test_a_terminated_server_lets_running_tasks_end_and_hands_the_rest_over(
    patient_server: GrpcServerProcess, runs: Path
) -> None:
    server = patient_server
    call = server.stub.ExecuteWorkflow(pb.ExecuteWorkflowRequest(workflow_id="twenty"))
    before = await read_until(call, 10)

    code = await server.terminate()
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await read_on(call)
    await server.start()
    updates = await watch(server, before[0].execution_id)

    assert code == 0
    assert raised.value.code() == grpc.StatusCode.UNAVAILABLE
    assert updates[: len(before)] == before
    assert updates[-1].status == pb.COMPLETED
    assert not [u for u in updates if u.task_status == pb.TASK_RETRYING], "no attempt was cut short"
    assert Counter(line.split()[0] for line in runs.read_text().splitlines()) == {t.name: 1 for t in TWENTY}


async def test_clients_that_vanish_in_numbers_leave_every_execution_to_complete(
    server: GrpcServerProcess,
) -> None:
    ids = []
    for _ in range(20):
        async with grpc_channel(f"127.0.0.1:{server.port}") as channel:
            call = type(server.stub)(channel).ExecuteWorkflow(pb.ExecuteWorkflowRequest(workflow_id="twenty"))
            ids.append((await call.read()).execution_id)

    ends = await asyncio.gather(*(watch(server, execution_id, 2) for execution_id in ids))

    assert {updates[-1].status for updates in ends} == {pb.COMPLETED}
