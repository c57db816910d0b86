"""Nothing runs on below an execution that has ended, whatever its tasks do and whatever dies."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from app.api.grpc.generated import workflow_pb2 as pb
from app.domain.definitions import TaskDraft
from tests.support.databases import ask
from tests.support.engine_process import parallel, store_workflow, sync, workflow
from tests.support.grpc_server_process import GrpcServerProcess

POLL_SECONDS = 0.05
PATIENCE_SECONDS = 120.0
LEASE_SECONDS = 3.0
PLACES = 50
PARENTS = 40
CHILDREN = 100
SIX = "[1, 2, 3, 4, 5, 6]"
HUNDRED = "input.numbers"

_OPEN = "SELECT count(*) FROM executions WHERE finished_at IS NULL"
_DESCENDANTS = "SELECT count(*) FROM executions WHERE root_id = $1"
_DEEPEST = "SELECT max(depth) FROM executions"
_LIMITED = """
SELECT count(*) FROM execution_events WHERE type = 'task_failed' AND data ->> 'code' = 'too_many_descendants'
"""
_COMPLETED = "SELECT count(*) FROM executions WHERE status = 'completed'"


def calling(called: str, **options: object) -> TaskDraft:
    return parallel("call", 1, "workflow", config={"workflow": called}, **options)


LONG = workflow("long", (sync("wait", 1, "delay", config={"seconds": 3600}),))
BOMB = workflow("bomb", (calling("bomb", for_each=SIX),))


@asynccontextmanager
async def engine(database_url: str, **settings: str) -> AsyncIterator[GrpcServerProcess]:
    lease = {"ENGINE_LEASE_SECONDS": str(LEASE_SECONDS), "ENGINE_RENEW_SECONDS": "0.5", "LOG_LEVEL": "error"}
    server = GrpcServerProcess(database_url, **lease, **settings)
    try:
        await server.start()
        yield server
    finally:
        await server.close()


async def start(server: GrpcServerProcess, key: str, input: str = "") -> str:
    started = await server.stub.StartWorkflow(pb.StartWorkflowRequest(workflow_id=key, input=input))
    return str(started.execution_id)


async def cancel(server: GrpcServerProcess, execution_id: str) -> None:
    await server.stub.CancelExecution(pb.CancelExecutionRequest(execution_id=execution_id))


async def until(database_url: str, question: str, wanted: range, *arguments: object) -> None:
    """Wait until the number that is the answer is in the range."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await ask(database_url, question, *arguments) not in wanted:
            await asyncio.sleep(POLL_SECONDS)


async def none_open(database_url: str) -> float:
    """How long it took until everything had ended."""
    began = time.monotonic()
    await until(database_url, _OPEN, range(1))
    return time.monotonic() - began


async def test_the_cancel_of_a_workflow_that_multiplies_itself_ends_everything(database_url: str) -> None:
    await store_workflow(database_url, BOMB)
    async with engine(database_url, ENGINE_MAX_EXECUTIONS=str(PLACES)) as server:
        root = await start(server, "bomb")
        await until(database_url, _DESCENDANTS, range(3 * PLACES, 10_000), root)
        await cancel(server, root)
        seconds = await none_open(database_url)
    descendants = await ask(database_url, _DESCENDANTS, root)
    print(f"\n{descendants} descendants, all final {seconds:.1f} s after the cancel")  # noqa: T201
    assert await ask(database_url, _COMPLETED) == 0


async def test_a_workflow_that_multiplies_itself_comes_to_an_end_at_the_limit(database_url: str) -> None:
    limit = 200
    await store_workflow(database_url, BOMB)
    async with engine(database_url, ENGINE_MAX_EXECUTIONS=str(PLACES), MAX_DESCENDANTS=str(limit)) as server:
        root = await start(server, "bomb")
        await none_open(database_url)
    descendants = await ask(database_url, _DESCENDANTS, root)
    assert isinstance(descendants, int)
    # Executions that count at the same moment may exceed the limit by what they start: here, one batch for each place.
    assert descendants <= limit + 6 * PLACES
    assert await ask(database_url, _LIMITED)


async def test_the_depth_of_a_workflow_that_calls_itself_is_limited(database_url: str) -> None:
    await store_workflow(database_url, workflow("endless", (calling("endless"),)))
    async with engine(database_url, MAX_DEPTH="4") as server:
        root = await start(server, "endless")
        await none_open(database_url)
    assert (await ask(database_url, _DESCENDANTS, root), await ask(database_url, _DEEPEST)) == (4, 4)


async def test_parents_whose_tasks_end_at_once_leave_no_children_behind(database_url: str) -> None:
    await store_workflow(database_url, LONG)
    await store_workflow(database_url, workflow("hasty", (calling("long", timeout_seconds=0.004),)))
    async with engine(database_url) as server:
        roots = await asyncio.gather(*(start(server, "hasty") for _ in range(PARENTS)))
        await none_open(database_url)
    assert len(set(roots)) == PARENTS
    assert await ask(database_url, _COMPLETED) == 0


@pytest.mark.parametrize("born", [0, 1, 30])
async def test_a_parent_that_is_cancelled_while_its_children_start_leaves_none_behind(
    database_url: str, born: int
) -> None:
    await store_workflow(database_url, LONG)
    await store_workflow(database_url, workflow("many", (calling("long", for_each=HUNDRED, max_concurrency=CHILDREN),)))
    async with engine(database_url) as server:
        root = await start(server, "many", f'{{"numbers": {list(range(CHILDREN))}}}')
        await until(database_url, _DESCENDANTS, range(born, CHILDREN + 1), root)
        await cancel(server, root)
        await none_open(database_url)
    assert await ask(database_url, _COMPLETED) == 0


async def test_an_engine_that_is_killed_with_a_cancelled_parent_leaves_no_children_behind(database_url: str) -> None:
    await store_workflow(database_url, LONG)
    await store_workflow(database_url, workflow("many", (calling("long", for_each=HUNDRED, max_concurrency=CHILDREN),)))
    numbers = f'{{"numbers": {list(range(CHILDREN))}}}'
    async with engine(database_url) as server:
        roots = await asyncio.gather(*(start(server, "many", numbers) for _ in range(3)))
        for root in roots:
            await until(database_url, _DESCENDANTS, range(CHILDREN, CHILDREN + 1), root)
        await asyncio.gather(*(cancel(server, root) for root in roots))
        await server.kill()
        assert await ask(database_url, _OPEN)
        await server.start()
        await none_open(database_url)
    assert await ask(database_url, _COMPLETED) == 0
