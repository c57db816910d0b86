"""Several gRPC processes on one port."""

import asyncio
import os
import signal

import grpc

from app.api.grpc.generated import workflow_pb2 as pb
from app.api.grpc.generated.workflow_pb2_grpc import WorkflowServiceStub
from tests.support.clients import grpc_channel
from tests.support.engine_process import parallel, store_workflow, sync, workflow
from tests.support.grpc_server_process import GrpcServerProcess
from tests.support.processes import alive, descendants

TASKS = (
    sync("first", 1, "delay", config={"seconds": 0.3}),
    parallel("a", 2, "delay", config={"seconds": 0.3}),
    parallel("b", 2),
)
WORKERS = 2


async def run_one(port: int) -> list[pb.WorkflowExecutionUpdate]:
    """On a connection of its own, so that the system may hand it to any worker; watched to the end whoever dies."""
    updates: list[pb.WorkflowExecutionUpdate] = []
    key = os.urandom(8).hex()
    while not updates or updates[-1].status not in (pb.COMPLETED, pb.FAILED, pb.CANCELLED):
        async with grpc_channel(f"127.0.0.1:{port}", options=[("grpc.use_local_subchannel_pool", 1)]) as c:
            stub = WorkflowServiceStub(c)
            request = pb.ExecuteWorkflowRequest(workflow_id="work", idempotency_key=key)
            try:
                seen = updates[-1].sequence if updates else 0
                updates += [u async for u in stub.ExecuteWorkflow(request) if u.sequence > seen]
            except grpc.aio.AioRpcError:
                await asyncio.sleep(0.05)
    return updates


async def test_workers_share_a_port_and_one_that_dies_is_replaced(database_url: str) -> None:
    await store_workflow(database_url, workflow("work", TASKS))
    settings = {"ENGINE_LEASE_SECONDS": "2", "ENGINE_RENEW_SECONDS": "0.5", "SHUTDOWN_SECONDS": "3"}
    server = GrpcServerProcess(database_url, workers=WORKERS, **settings)
    await server.start()
    try:
        while len(workers := descendants(server.pid)) < WORKERS:
            await asyncio.sleep(0.05)
        running = [asyncio.create_task(run_one(server.port)) for _ in range(30)]
        await asyncio.sleep(0)
        killed = min(workers)
        os.kill(killed, signal.SIGKILL)
        histories = await asyncio.gather(*running)
        while len(alive(descendants(server.pid) - {killed})) < WORKERS:
            await asyncio.sleep(0.05)
        left = descendants(server.pid)
        assert await server.terminate() == 0
    finally:
        await server.close()

    assert {updates[-1].status for updates in histories} == {pb.COMPLETED}
    assert all([u.sequence for u in updates] == list(range(1, len(updates) + 1)) for updates in histories)
    assert not alive(left)
