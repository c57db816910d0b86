"""Skip, retry and rerun, over gRPC and beside the REST API."""

import asyncio
from dataclasses import replace

import grpc
import pytest

from app.api.grpc.generated import workflow_pb2 as pb
from tests.support.engine_process import RunningServer, change_workflow, settings_for, store_workflow, sync, workflow
from tests.support.rest_service import serving

APPROVAL = (
    sync("ask", 1, "log", config={"message": "please"}),
    sync("approval", 2, "signal", config={"name": "approved"}),
    sync("done", 3, "log", config={"message": "done"}),
)


async def history(server: RunningServer, execution_id: str) -> list[pb.WorkflowExecutionUpdate]:
    """To its end."""
    return [update async for update in server.stub.WatchExecution(pb.WatchExecutionRequest(execution_id=execution_id))]


async def started(server: RunningServer, database_url: str, **options: object) -> str:
    """An execution whose approval is being waited for."""
    await store_workflow(database_url, workflow("approval", APPROVAL))
    answer = await server.stub.StartWorkflow(pb.StartWorkflowRequest(workflow_id="approval", **options))
    async for update in server.stub.WatchExecution(pb.WatchExecutionRequest(execution_id=answer.execution_id)):
        if update.current_task_name == "approval":
            return answer.execution_id
    raise AssertionError("it has ended")


async def cancelled(server: RunningServer, database_url: str, **options: object) -> str:
    execution_id = await started(server, database_url, **options)
    await server.stub.CancelExecution(pb.CancelExecutionRequest(execution_id=execution_id))
    await history(server, execution_id)
    return execution_id


async def approve(server: RunningServer, execution_id: str) -> None:
    await server.stub.SignalExecution(pb.SignalExecutionRequest(execution_id=execution_id, name="approved"))


async def test_a_retry_takes_over_what_completed(server: RunningServer, database_url: str) -> None:
    origin = await cancelled(server, database_url, input='{ "n": 1.0 }')

    answer = await server.stub.RetryExecution(pb.RetryExecutionRequest(execution_id=origin))
    await approve(server, answer.execution_id)
    updates = await history(server, answer.execution_id)

    assert (answer.origin_execution_id, answer.revision, answer.already_started) == (origin, 1, False)
    assert updates[0].message == f"Execution accepted: it repeats execution {origin}"
    taken = updates[1]
    assert (taken.current_task_name, taken.task_status, taken.attempt) == ("ask", pb.TASK_COMPLETED, 0)
    assert (taken.status, taken.progress_percent, taken.output) == (pb.PENDING, 33, '{"message":"please"}')
    assert [u.current_task_name for u in updates if u.task_status == pb.TASK_RUNNING] == ["approval", "done"]
    assert updates[-1].status == pb.COMPLETED
    status = await server.stub.GetWorkflowStatus(pb.GetWorkflowStatusRequest(execution_id=answer.execution_id))
    listed = await server.stub.ListExecutions(pb.ListExecutionsRequest(page_size=2))
    assert status.origin_execution_id == origin
    assert [summary.origin_execution_id for summary in listed.executions] == [origin, ""]


async def test_one_retry_per_origin_whoever_asks_and_how(server: RunningServer, database_url: str) -> None:
    origin = await cancelled(server, database_url)
    request = pb.RetryExecutionRequest(execution_id=origin)

    async with serving(settings_for(database_url)) as rest:
        answers = await asyncio.gather(
            *(server.stub.RetryExecution(request) for _ in range(10)),
            *(rest.post(f"/executions/{origin}/retry") for _ in range(10)),
        )

    over_grpc, over_rest = answers[:10], answers[10:]
    ids = {answer.execution_id for answer in over_grpc} | {answer.json()["id"] for answer in over_rest}
    assert len(ids) == 1
    new = [not answer.already_started for answer in over_grpc] + [answer.status_code == 201 for answer in over_rest]
    assert sum(new) == 1
    assert {answer.status_code for answer in over_rest} <= {200, 201}


async def test_a_rerun_begins_from_a_task(server: RunningServer, database_url: str) -> None:
    origin = await started(server, database_url)
    await approve(server, origin)
    await history(server, origin)
    request = pb.RerunExecutionRequest(execution_id=origin, from_task="done", idempotency_key="again")

    answer = await server.stub.RerunExecution(request)
    again = await server.stub.RerunExecution(request)
    updates = await history(server, answer.execution_id)

    assert (again.execution_id, again.already_started) == (answer.execution_id, True)
    assert updates[0].message == f"Execution accepted: it repeats execution {origin} from task 'done' on"
    assert [u.current_task_name for u in updates if u.task_status == pb.TASK_RUNNING] == ["done"]
    assert updates[-1].output == '{"done":{"message":"done"}}'


async def test_a_skipped_task_counts_as_done(server: RunningServer, database_url: str) -> None:
    execution_id = await started(server, database_url)
    request = pb.SkipTaskRequest(execution_id=execution_id, task="approval", reason="nobody is here")

    await server.stub.SkipTask(request)
    updates = await history(server, execution_id)

    skipped = next(update for update in updates if update.task_status == pb.TASK_SKIPPED)
    assert (skipped.current_task_name, skipped.output) == ("approval", "")
    assert skipped.message == "Task 'approval' skipped: nobody is here"
    assert updates[-1].status == pb.COMPLETED


@pytest.mark.parametrize(
    ("call", "code", "sentence"),
    [
        ("SkipTask", grpc.StatusCode.INVALID_ARGUMENT, "task: no task of the execution's revision 1 is named 'x'"),
        ("RetryExecution", grpc.StatusCode.FAILED_PRECONDITION, "has not ended: it is running"),
        ("RerunExecution", grpc.StatusCode.FAILED_PRECONDITION, "has not ended: it is running"),
    ],
)
async def test_refusals(
    server: RunningServer, database_url: str, call: str, code: grpc.StatusCode, sentence: str
) -> None:
    execution_id = await started(server, database_url)
    requests = {
        "SkipTask": pb.SkipTaskRequest(execution_id=execution_id, task="x"),
        "RetryExecution": pb.RetryExecutionRequest(execution_id=execution_id),
        "RerunExecution": pb.RerunExecutionRequest(execution_id=execution_id, from_task="done"),
    }

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await getattr(server.stub, call)(requests[call])

    assert (refused.value.code(), sentence in (refused.value.details() or "")) == (code, True)


async def test_a_retry_on_the_latest_revision(server: RunningServer, database_url: str) -> None:
    origin = await cancelled(server, database_url)
    await change_workflow(database_url, "approval", {"tasks": APPROVAL[:1]})

    plain = await server.stub.RetryExecution(pb.RetryExecutionRequest(execution_id=origin))
    answer = await server.stub.RetryExecution(pb.RetryExecutionRequest(execution_id=origin, revision="latest"))
    updates = await history(server, answer.execution_id)

    assert (plain.revision, plain.latest_revision) == (1, 2)
    assert (answer.revision, answer.latest_revision, answer.origin_execution_id) == (2, 2, origin)
    assert [u.current_task_name for u in updates if u.current_task_name] == ["ask"]
    assert updates[-1].output == '{"ask":{"message":"please"}}'


async def test_a_result_that_cannot_be_reused_is_named(server: RunningServer, database_url: str) -> None:
    origin = await cancelled(server, database_url)
    changed = replace(APPROVAL[0], config={"message": "other"})
    await change_workflow(database_url, "approval", {"tasks": (changed, *APPROVAL[1:])})

    for request, sentence in (
        (pb.RetryExecutionRequest(execution_id=origin, revision="latest"), "task 'ask' cannot be reused"),
        (pb.RetryExecutionRequest(execution_id=origin, revision="last"), "must be 'latest' or the number"),
        (pb.RetryExecutionRequest(execution_id=origin, revision="9"), "has no revision 9"),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await server.stub.RetryExecution(request)
        assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
        assert sentence in (refused.value.details() or "")
    rerun = pb.RerunExecutionRequest(execution_id=origin, from_task="ask", revision="2")
    assert (await server.stub.RerunExecution(rerun)).revision == 2
