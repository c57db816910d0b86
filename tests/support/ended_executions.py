"""A database with executions that have ended in every way, to be broken by hand."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from app.adapters.database_url import driver_dsn
from app.api.grpc.generated import workflow_pb2 as pb
from tests.support.engine_process import (
    RunningServer,
    parallel,
    running_server,
    settings_for,
    store_workflow,
    sync,
    workflow,
)

STEPS = (sync("a", 1), sync("b", 1), parallel("c", 2), parallel("d", 2), sync("e", 3, "delay", config={"seconds": 0}))
REFUSED = (sync("a", 1), sync("b", 1, "http", config={"url": "http://127.0.0.1:1/"}), sync("c", 1))
LONG = (sync("a", 1, "delay", config={"seconds": 3600}),)


@dataclass(frozen=True, slots=True)
class Ended:
    """A database whose server has stopped: eight executions completed, one failed, one was cancelled, one goes on."""

    url: str
    completed: list[str]
    failed: str
    cancelled: str
    unfinished: str

    async def execute(self, statement: str, *arguments: object) -> None:
        session = await asyncpg.connect(driver_dsn(self.url))
        try:
            await session.execute(statement, *arguments)
        finally:
            await session.close()


@asynccontextmanager
async def ended_executions(database_url: str) -> AsyncIterator[Ended]:
    for key, tasks in (("steps", STEPS), ("refused", REFUSED), ("long", LONG)):
        await store_workflow(database_url, workflow(key, tasks))
    async with running_server(settings_for(database_url, shutdown_seconds=0)) as server:
        completed = [await _run(server, "steps") for _ in range(8)]
        failed = await _run(server, "refused")
        cancelled, unfinished = await _start(server, "long"), await _start(server, "long")
        await server.stub.CancelExecution(pb.CancelExecutionRequest(execution_id=cancelled))
        await _watch(server, cancelled)
        await server.process.engine.stop(0)
    yield Ended(database_url, completed, failed, cancelled, unfinished)


async def _run(server: RunningServer, key: str) -> str:
    updates = [update async for update in server.stub.ExecuteWorkflow(pb.ExecuteWorkflowRequest(workflow_id=key))]
    return updates[0].execution_id


async def _start(server: RunningServer, key: str) -> str:
    return (await server.stub.StartWorkflow(pb.StartWorkflowRequest(workflow_id=key))).execution_id


async def _watch(server: RunningServer, execution_id: str) -> None:
    async for _ in server.stub.WatchExecution(pb.WatchExecutionRequest(execution_id=execution_id)):
        pass
