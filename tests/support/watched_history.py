"""A history of ten thousand large updates, with watchers that take their time and others that do not."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.api.grpc.generated import workflow_pb2 as pb
from app.api.grpc.generated.workflow_pb2_grpc import WorkflowServiceStub
from tests.support.clients import grpc_channel
from tests.support.engine_process import parallel, read_on, store_workflow, workflow
from tests.support.grpc_server_process import GrpcServerProcess
from tests.support.process_usage import MIB, machine_load, resident_bytes

TASKS = 5_000
GROUPS = 50
EVENTS = 2 * TASKS + 3
"""Two for each task; the execution's creation, beginning and end."""
LARGE = "x" * 1_000
SLOW_WATCHERS = 10
OWN_CONNECTION = (("grpc.use_local_subchannel_pool", 1), ("grpc.http2.bdp_probe", 0))
"""Streams on one connection share what may be on its way; without probing, that stays at 64 KiB for each."""

Updates = list[pb.WorkflowExecutionUpdate]


@dataclass(frozen=True, slots=True)
class SlowlyWatched:
    """What ended how soon with nobody else there and with slow watchers, and by how much they made the server grow."""

    alone_seconds: float
    beside_seconds: float
    growth_bytes: int
    fast: tuple[Updates, Updates]
    slow: list[Updates]
    read_slowly: int

    def __str__(self) -> str:
        return (
            f"a history of {EVENTS} events: {self.alone_seconds:.1f} s alone, {self.beside_seconds:.1f} s beside "
            f"{SLOW_WATCHERS} slow watchers, which read {self.read_slowly} in all before they hurried and made the "
            f"server grow by {self.growth_bytes / MIB:.1f} MiB ({machine_load()})"
        )


@asynccontextmanager
async def server_of_long_workflow(database_url: str, log: Path) -> AsyncIterator[GrpcServerProcess]:
    tasks = [parallel(f"task-{n}", n % GROUPS, "log", config={"message": LARGE}) for n in range(TASKS)]
    await store_workflow(database_url, workflow("long", tasks))
    server = GrpcServerProcess(database_url, log, LOG_LEVEL="warning")
    await server.start()
    try:
        yield server
    finally:
        await server.close()


async def watch_slowly(server: GrpcServerProcess, *, at_most: int = EVENTS, for_seconds: float = 0.0) -> SlowlyWatched:
    """Run the workflow alone, then beside slow watchers, who read a message a second, and then the rest.

    They are slow until the others have read all, and for so many seconds at least; after `at_most` messages they only
    wait for that.
    """
    alone_seconds, _ = await _timed(read_on(_execute(server)))
    before = resident_bytes(server.pid)
    hurry, read_slowly = asyncio.Event(), [0]
    async with AsyncExitStack() as stack:
        call = _execute(server)
        first = await call.read()
        connections = [await stack.enter_async_context(_connection(server)) for _ in range(SLOW_WATCHERS + 1)]
        streams = [
            stub.WatchExecution(pb.WatchExecutionRequest(execution_id=first.execution_id)) for stub in connections
        ]
        slow = [asyncio.create_task(_read_slowly(stream, at_most, hurry, read_slowly)) for stream in streams[1:]]
        began = time.monotonic()
        beside_seconds, (rest, elsewhere) = await _timed(asyncio.gather(read_on(call), read_on(streams[0])))
        await asyncio.sleep(max(for_seconds - (time.monotonic() - began), 0))
        growth = resident_bytes(server.pid) - before
        hurry.set()
        slowly = await asyncio.gather(*slow)
    return SlowlyWatched(alone_seconds, beside_seconds, growth, ([first, *rest], elsewhere), slowly, read_slowly[0])


@asynccontextmanager
async def _connection(server: GrpcServerProcess) -> AsyncIterator[Any]:
    async with grpc_channel(f"127.0.0.1:{server.port}", options=OWN_CONNECTION) as channel:
        yield WorkflowServiceStub(channel)


def _execute(server: GrpcServerProcess) -> Any:
    return server.stub.ExecuteWorkflow(pb.ExecuteWorkflowRequest(workflow_id="long"))


async def _timed(reading: Any) -> tuple[float, Any]:
    began = time.monotonic()
    return (await reading, time.monotonic() - began)[::-1]


async def _read_slowly(call: Any, at_most: int, hurry: asyncio.Event, read_slowly: list[int]) -> Updates:
    updates: Updates = []
    hurrying = asyncio.ensure_future(hurry.wait())
    while not hurry.is_set() and len(updates) < at_most:
        updates.append(await call.read())
        read_slowly[0] += 1
        await asyncio.wait({hurrying}, timeout=1.0)
    await hurrying
    return [*updates, *await read_on(call)]
