"""Hundreds of watchers of one execution, who come at different times and begin at different numbers."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from app.api.grpc.generated import workflow_pb2 as pb
from app.api.grpc.generated.workflow_pb2_grpc import WorkflowServiceStub
from tests.support.clients import grpc_channel
from tests.support.engine_process import parallel, read_on, store_workflow, sync, workflow
from tests.support.grpc_server_process import GrpcServerProcess
from tests.support.process_usage import machine_load

WATCHERS = 500
CONNECTIONS = 10
STEPS = 30
STEP_SECONDS = 0.1
COMING_SECONDS = 1.2 * STEPS * STEP_SECONDS
"""Some watchers come when all is over."""
TASKS = (
    *(sync(f"step-{n}", n, "delay", config={"seconds": STEP_SECONDS}) for n in range(STEPS)),
    *(parallel(f"branch-{n}", STEPS, "log", config={"message": f"branch {n}"}) for n in range(20)),
)
EVENTS = 2 * len(TASKS) + 3
OWN_CONNECTION = (("grpc.use_local_subchannel_pool", 1),)


Stream = list[bytes]


@pytest.fixture
async def server(database_url: str, tmp_path: Path) -> AsyncIterator[GrpcServerProcess]:
    await store_workflow(database_url, workflow("watched", TASKS))
    server = GrpcServerProcess(database_url, tmp_path / "log", LOG_LEVEL="warning")
    await server.start()
    yield server
    await server.close()


@pytest.fixture
async def stubs(server: GrpcServerProcess) -> AsyncIterator[list[Any]]:
    """On a connection each."""
    target = f"127.0.0.1:{server.port}"
    channels = [grpc_channel(target, options=OWN_CONNECTION) for _ in range(CONNECTIONS)]
    yield [WorkflowServiceStub(channel) for channel in channels]
    for channel in channels:
        await channel.close()


async def come_and_watch(stub: Any, execution_id: str, after: int, seconds: float) -> Stream:
    await asyncio.sleep(seconds)
    request = pb.WatchExecutionRequest(execution_id=execution_id, after_sequence=after)
    return [update.SerializeToString(deterministic=True) async for update in stub.WatchExecution(request)]


async def test_five_hundred_watchers_get_the_same_stream(server: GrpcServerProcess, stubs: list[Any]) -> None:
    dice = random.Random(WATCHERS)
    afters = [dice.randrange(EVENTS) if number % 2 else 0 for number in range(WATCHERS)]
    began = time.monotonic()
    call = server.stub.ExecuteWorkflow(pb.ExecuteWorkflowRequest(workflow_id="watched"))
    first = await call.read()
    watchers = asyncio.gather(
        *(
            come_and_watch(stubs[number % CONNECTIONS], first.execution_id, after, dice.uniform(0, COMING_SECONDS))
            for number, after in enumerate(afters)
        )
    )
    whole = [update.SerializeToString(deterministic=True) for update in [first, *await read_on(call)]]
    ended = time.monotonic() - began
    streams = await watchers
    print(  # noqa: T201
        f"\n{WATCHERS} watchers of one execution: it ended after {ended:.1f} s, "
        f"all had read it after {time.monotonic() - began:.1f} s ({machine_load()})"
    )

    assert len(whole) == EVENTS
    assert all(stream == whole[after:] for stream, after in zip(streams, afters, strict=True))
