"""Starts many executions that wait, and returns when all of them wait."""

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import grpc

from app.api.grpc.generated import workflow_pb2 as pb
from app.api.grpc.generated.workflow_pb2_grpc import WorkflowServiceStub
from bench.running import ProgramFailed
from bench.stores import connect

CALLERS = 32
POLL_SECONDS = 0.1
SETTLE_SECONDS = 120.0

RUNNING = "SELECT count(DISTINCT execution_id) FROM execution_events WHERE type = 'task_started'"
PARKED = """
SELECT count(*) FROM executions e WHERE finished_at IS NULL AND owner_id IS NULL
AND EXISTS (SELECT FROM execution_events v WHERE v.execution_id = e.id AND v.type = 'task_started')
"""


async def start_many(port: int, work: str, count: int) -> Sequence[str]:
    """The ids of `count` new executions."""
    ids: list[str] = []
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub: Any = cast(Any, WorkflowServiceStub)(channel)

        async def caller(share: int) -> None:
            request = pb.StartWorkflowRequest(workflow_id=work)
            ids.extend([(await stub.StartWorkflow(request)).execution_id for _ in range(share)])

        async with asyncio.TaskGroup() as callers:
            for number in range(CALLERS):
                callers.create_task(caller(len(range(number, count, CALLERS))))
    return ids


async def until_count(database_url: str, query: str, count: int) -> None:
    """Wait until the query returns `count`. Raise `ProgramFailed` after two minutes."""
    deadline = asyncio.get_running_loop().time() + SETTLE_SECONDS
    async with connect(database_url) as connection:
        while (found := await connection.fetchval(query)) < count:
            if asyncio.get_running_loop().time() > deadline:
                raise ProgramFailed(f"only {found} of {count} executions came to wait")
            await asyncio.sleep(POLL_SECONDS)
