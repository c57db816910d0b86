"""Pause, resume and signal, and executions that only wait."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import grpc
import pytest

from app.adapters.database_url import driver_dsn
from app.api.grpc.generated import workflow_pb2 as pb
from tests.support.engine_process import (
    RunningServer,
    parallel,
    read_on,
    running_server,
    settings_for,
    store_workflow,
    sync,
    workflow,
)

APPROVAL = (
    sync("ask", 1, "log", config={"message": "please"}),
    sync("approval", 2, "signal", config={"name": "approved"}),
    sync("done", 3),
)


@pytest.fixture
async def server(database_url: str) -> AsyncIterator[RunningServer]:
    """Everything that waits is parked at once."""
    async with running_server(settings_for(database_url, engine_park_seconds=0, engine_poll_seconds=0.1)) as running:
        yield running


async def start(server: RunningServer, database_url: str, key: str, tasks: Any) -> tuple[str, Any]:
    await store_workflow(database_url, workflow(key, tasks))
    started = await server.stub.StartWorkflow(pb.StartWorkflowRequest(workflow_id=key))
    return started.execution_id, server.stub.WatchExecution(pb.WatchExecutionRequest(execution_id=started.execution_id))


async def read_until(call: Any, text: str) -> list[pb.WorkflowExecutionUpdate]:
    updates = [await call.read()]
    while text not in updates[-1].message:
        updates.append(await call.read())
    return updates


async def parked(server: RunningServer) -> None:
    while server.process.engine.running:
        await asyncio.sleep(0.01)


async def test_a_signal_is_the_output_of_the_task_that_waits_for_it(server: RunningServer, database_url: str) -> None:
    execution_id, call = await start(server, database_url, "approval", APPROVAL)
    await read_until(call, "'approval' waits for signal 'approved'")
    await parked(server)

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await server.stub.SignalExecution(pb.SignalExecutionRequest(execution_id=execution_id, name="other"))
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "its tasks wait for 'approved'" in str(refused.value.details())
    await server.stub.SignalExecution(
        pb.SignalExecutionRequest(execution_id=execution_id, name="approved", payload='{"by":"Ada","at":1.0}')
    )
    rest = await read_on(call)

    taken = next(u for u in rest if u.current_task_name == "approval")
    assert (taken.task_status, taken.output) == (pb.TASK_COMPLETED, '{"by":"Ada","at":1.0}')
    assert rest[-1].status == pb.COMPLETED


async def test_a_signal_that_comes_first_is_kept(server: RunningServer, database_url: str) -> None:
    tasks = (sync("wait", 1, "signal", config={"name": "go"}), *APPROVAL[1:])
    execution_id, call = await start(server, database_url, "approval", tasks)
    for name in ("approved", "go"):
        await server.stub.SignalExecution(pb.SignalExecutionRequest(execution_id=execution_id, name=name))

    updates = await read_on(call)

    assert [u.message for u in updates if "Signal" in u.message] == [
        "Signal 'approved' received",
        "Signal 'go' received",
    ]
    assert updates[-1].status == pb.COMPLETED


async def test_signals_of_one_name_go_to_the_tasks_in_the_order_in_which_they_came(
    server: RunningServer, database_url: str
) -> None:
    tasks = tuple(sync(name, 1, "signal", config={"name": "next"}) for name in ("one", "two", "three"))
    execution_id, call = await start(server, database_url, "three", tasks)
    for number in (1, 2, 3):
        await server.stub.SignalExecution(
            pb.SignalExecutionRequest(execution_id=execution_id, name="next", payload=str(number))
        )

    outputs = {u.current_task_name: u.output for u in await read_on(call) if u.task_status == pb.TASK_COMPLETED}

    assert outputs == {"one": "1", "two": "2", "three": "3"}


async def test_a_signal_that_does_not_come_in_time_fails_its_task(server: RunningServer, database_url: str) -> None:
    tasks = (sync("approval", 1, "signal", config={"name": "approved"}, timeout_seconds=0.2),)
    _, call = await start(server, database_url, "late", tasks)

    assert ((await read_on(call))[-1].error.code) == "timeout"


async def test_a_paused_execution_lets_what_runs_end_and_starts_nothing(
    server: RunningServer, database_url: str
) -> None:
    tasks = (
        parallel("short", 1, "delay", config={"seconds": 2.0}),
        parallel("shorter", 1, "delay", config={"seconds": 1.5}),
        sync("after", 2),
    )
    execution_id, call = await start(server, database_url, "two", tasks)
    request = pb.PauseExecutionRequest(execution_id=execution_id, reason="a look first")
    await server.stub.PauseExecution(request)
    await server.stub.PauseExecution(request)

    before = await read_until(call, "'short' completed")
    status = await server.stub.GetWorkflowStatus(pb.GetWorkflowStatusRequest(execution_id=execution_id))
    await parked(server)
    await server.stub.ResumeExecution(pb.ResumeExecutionRequest(execution_id=execution_id))
    rest = await read_on(call)

    assert [u.message for u in before if "paused" in u.message] == ["Execution paused: a look first"]
    assert (before[-1].status, status.status) == (pb.PAUSED, pb.PAUSED)
    assert rest[0].message == "Execution resumed"
    assert [u.sequence for u in (*before, *rest)] == list(range(1, len(before) + len(rest) + 1))
    assert rest[-1].status == pb.COMPLETED


async def test_a_paused_execution_can_be_cancelled(server: RunningServer, database_url: str) -> None:
    execution_id, call = await start(server, database_url, "approval", APPROVAL)
    await server.stub.PauseExecution(pb.PauseExecutionRequest(execution_id=execution_id))
    await read_until(call, "paused")
    await server.stub.CancelExecution(pb.CancelExecutionRequest(execution_id=execution_id))

    assert (await read_on(call))[-1].status == pb.CANCELLED


async def test_an_ended_execution_answers_every_control_with_its_state(
    server: RunningServer, database_url: str
) -> None:
    execution_id, call = await start(server, database_url, "one", (sync("a", 1),))
    await read_on(call)
    calls = (
        server.stub.PauseExecution(pb.PauseExecutionRequest(execution_id=execution_id)),
        server.stub.ResumeExecution(pb.ResumeExecutionRequest(execution_id=execution_id)),
        server.stub.SignalExecution(pb.SignalExecutionRequest(execution_id=execution_id, name="x")),
        server.stub.CancelExecution(pb.CancelExecutionRequest(execution_id=execution_id)),
    )

    for answer in await asyncio.gather(*calls, return_exceptions=True):
        assert isinstance(answer, grpc.aio.AioRpcError)
        assert answer.code() == grpc.StatusCode.FAILED_PRECONDITION
        assert "is completed" in (answer.details() or "")


async def test_a_parked_execution_belongs_to_nobody_and_wakes_when_it_is_due(
    server: RunningServer, database_url: str
) -> None:
    connection = await asyncpg.connect(driver_dsn(database_url))
    execution_id, call = await start(
        server, database_url, "long", (sync("wait", 1, "delay", config={"seconds": 3.0}), sync("after", 2))
    )
    await read_until(call, "'wait' waits until")
    await parked(server)
    row = await connection.fetchrow("SELECT owner_id, status FROM executions WHERE id = $1", execution_id)
    await connection.close()

    rest = await read_on(call)

    assert tuple(row or ()) == (None, "running")
    assert rest[0].message == "Task 'wait' completed"
    assert rest[-1].status == pb.COMPLETED


async def test_another_engine_goes_on_with_a_wait_from_where_it_stands(database_url: str) -> None:
    settings = settings_for(database_url, engine_park_seconds=60, engine_poll_seconds=0.1)
    async with running_server(settings) as one:
        execution_id, call = await start(one, database_url, "long", (sync("wait", 1, "delay", config={"seconds": 1}),))
        await read_until(call, "'wait' waits until")

    async with running_server(settings) as other:
        updates = await read_on(other.stub.WatchExecution(pb.WatchExecutionRequest(execution_id=execution_id)))

    assert [u.attempt for u in updates if u.current_task_name] == [1, 1], "the wait was not begun again"
    waited = updates[3].occurred_at.ToDatetime() - updates[2].occurred_at.ToDatetime()
    assert waited.total_seconds() >= 1.0
