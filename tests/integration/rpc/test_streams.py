"""What a client sees of an execution: the promises of the stream."""

import asyncio

import grpc
import pytest

from app.api.grpc.generated import workflow_pb2 as pb
from app.api.grpc.streams import UpdateSerializer
from app.engine.watching.updates import Update
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

GROUPS = (
    sync("check", 1, "delay", config={"seconds": 0.02}),
    sync("prepare", 1, "delay", config={"seconds": 0.02}),
    parallel("north", 2, "delay", config={"seconds": 0.15}),
    parallel("south", 2, "delay", config={"seconds": 0.10}),
    parallel("west", 2, "delay", config={"seconds": 0.05}),
    sync("report", 3, "log", config={"message": "done"}),
)


async def execute(server: RunningServer, ref: str, **fields: object) -> list[pb.WorkflowExecutionUpdate]:
    return [
        update async for update in server.stub.ExecuteWorkflow(pb.ExecuteWorkflowRequest(workflow_id=ref, **fields))
    ]


async def watch(server: RunningServer, execution_id: str, after: int = 0) -> list[pb.WorkflowExecutionUpdate]:
    request = pb.WatchExecutionRequest(execution_id=execution_id, after_sequence=after)
    return [update async for update in server.stub.WatchExecution(request)]


def span(updates: list[pb.WorkflowExecutionUpdate], name: str) -> tuple[int, int]:
    """Where in the stream a task started and completed."""
    own = [u for u in updates if u.current_task_name == name]
    assert [u.task_status for u in own] == [pb.TASK_RUNNING, pb.TASK_COMPLETED]
    return own[0].sequence, own[1].sequence


async def test_groups_run_as_promised_and_each_update_names_its_own_task(
    server: RunningServer, database_url: str
) -> None:
    stored = await store_workflow(database_url, workflow("groups", GROUPS))

    updates = await execute(server, "groups")

    assert [u.sequence for u in updates] == list(range(1, len(updates) + 1))
    assert [u.status for u in updates[:2]] == [pb.PENDING, pb.RUNNING]
    assert {u.status for u in updates[1:-1]} == {pb.RUNNING}
    assert updates[-1].status == pb.COMPLETED
    ids = {task.name: str(task.id) for task in stored.tasks}
    assert all(u.current_task_id == ids.get(u.current_task_name, "") for u in updates)
    spans = {name: span(updates, name) for name in ids}
    assert spans["check"][1] < spans["prepare"][0]
    starts = [spans[name][0] for name in ("north", "south", "west")]
    ends = [spans[name][1] for name in ("north", "south", "west")]
    assert spans["prepare"][1] < min(starts)
    assert max(starts) < min(ends), "the three run side by side"
    assert max(ends) < spans["report"][0]


async def test_progress_never_falls_and_ends_at_100(server: RunningServer, database_url: str) -> None:
    await store_workflow(database_url, workflow("groups", GROUPS))

    progress = [u.progress_percent for u in await execute(server, "groups")]

    assert progress == sorted(progress)
    assert (progress[0], progress[-1]) == (0, 100)


async def test_a_replay_from_any_number_is_the_identical_rest(server: RunningServer, database_url: str) -> None:
    await store_workflow(database_url, workflow("groups", GROUPS))

    live = await execute(server, "groups")

    for after in range(len(live) + 3):
        assert await watch(server, live[0].execution_id, after) == live[after:]


async def test_a_watcher_on_another_engine_sees_the_same_while_it_happens(
    server: RunningServer, database_url: str
) -> None:
    await store_workflow(database_url, workflow("groups", GROUPS))
    call = server.stub.ExecuteWorkflow(pb.ExecuteWorkflowRequest(workflow_id="groups"))
    first = await call.read()

    async with running_server(settings_for(database_url)) as other:
        elsewhere, here = await asyncio.gather(watch(other, first.execution_id), watch(server, first.execution_id, 3))

    rest = await read_on(call)
    assert elsewhere == [first, *rest]
    assert here == elsewhere[3:]


async def test_many_watchers_are_sent_what_was_made_once(
    server: RunningServer, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store_workflow(database_url, workflow("short", [sync("wait", 1, "signal", config={"name": "go"})]))
    calls = [server.stub.ExecuteWorkflow(pb.ExecuteWorkflowRequest(workflow_id="short"))]
    first = await calls[0].read()
    request = pb.WatchExecutionRequest(execution_id=first.execution_id, after_sequence=1)
    calls += [server.stub.WatchExecution(request) for _ in range(30)]
    for call in calls:
        assert [(await call.read()).sequence, (await call.read()).sequence] == [2, 3]
    made: list[int] = []
    serialize = UpdateSerializer._serialized

    def noted(self: UpdateSerializer, update: Update) -> bytes:
        made.append(update.event.sequence)
        return serialize(self, update)

    monkeypatch.setattr(UpdateSerializer, "_serialized", noted)
    await server.stub.SignalExecution(pb.SignalExecutionRequest(execution_id=first.execution_id, name="go"))
    rests = await asyncio.gather(*(read_on(call) for call in calls))
    assert made == [4, 5, 6]
    assert all(rest == rests[0] for rest in rests)


async def test_a_client_that_goes_away_changes_nothing(server: RunningServer, database_url: str) -> None:
    await store_workflow(database_url, workflow("groups", GROUPS))
    call = server.stub.ExecuteWorkflow(pb.ExecuteWorkflowRequest(workflow_id="groups"))
    first = await call.read()
    call.cancel()

    updates = await watch(server, first.execution_id)

    assert updates[-1].status == pb.COMPLETED
    assert len(updates) == 2 + 2 * len(GROUPS) + 1


async def test_a_restarted_server_replays_the_same_history(database_url: str) -> None:
    await store_workflow(database_url, workflow("groups", GROUPS))
    async with running_server(settings_for(database_url)) as before:
        live = await execute(before, "groups")

    async with running_server(settings_for(database_url)) as after:
        assert await watch(after, live[0].execution_id) == live


async def test_a_stopping_server_tells_its_watchers_how_to_go_on(database_url: str) -> None:
    await store_workflow(database_url, workflow("long", [sync("wait", 1, "delay", config={"seconds": 600})]))
    async with running_server(settings_for(database_url)) as server:
        call = server.stub.ExecuteWorkflow(pb.ExecuteWorkflowRequest(workflow_id="long"))
        execution_id = (await call.read()).execution_id
        await call.read(), await call.read()
        await server.process.engine.stop(0)
        server.process.hub.close()
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await call.read()

    assert raised.value.code() == grpc.StatusCode.UNAVAILABLE
    assert "watch it again after 3" in (raised.value.details() or "")
    async with running_server(settings_for(database_url)) as server:
        call = server.stub.WatchExecution(pb.WatchExecutionRequest(execution_id=execution_id, after_sequence=3))
        await server.stub.CancelExecution(pb.CancelExecutionRequest(execution_id=execution_id, reason="test over"))
        rest = await read_on(call)
    assert [u.sequence for u in rest] == [4, 5, 6]
    assert [u.task_status for u in rest] == [0, pb.TASK_CANCELLED, 0], "the wait went on; it was not begun again"
    assert rest[-1].status == pb.CANCELLED


async def test_a_workflow_without_tasks_completes_at_once(server: RunningServer, database_url: str) -> None:
    await store_workflow(database_url, workflow("empty", []))

    updates = await execute(server, "empty")

    assert [u.status for u in updates] == [pb.PENDING, pb.RUNNING, pb.COMPLETED]
    assert updates[-1].progress_percent == 100


async def test_a_failing_task_cancels_its_siblings_and_nothing_follows(
    server: RunningServer, database_url: str
) -> None:
    tasks = (
        parallel("slow", 1, "delay", config={"seconds": 600}),
        parallel("late", 1, "delay", config={"seconds": 0.05}, timeout_seconds=0.02),
        sync("never", 2),
    )
    await store_workflow(database_url, workflow("failing", tasks))

    updates = await execute(server, "failing")

    ends = {u.current_task_name: (u.task_status, u.error.code) for u in updates if u.current_task_name}
    assert ends == {"slow": (pb.TASK_CANCELLED, "cancelled"), "late": (pb.TASK_FAILED, "timeout")}
    assert updates[-1].status == pb.FAILED
    assert updates[-1].error.code == "timeout"
    assert "late" in updates[-1].error.message
