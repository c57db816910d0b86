"""Parents and children, as clients see them."""

import grpc
import pytest

from app.api.grpc.generated import workflow_pb2 as pb
from tests.support.engine_process import RunningServer, store_workflow, sync, workflow


async def status_of(server: RunningServer, execution_id: str) -> pb.WorkflowStatusResponse:
    response: pb.WorkflowStatusResponse = await server.stub.GetWorkflowStatus(
        pb.GetWorkflowStatusRequest(execution_id=execution_id)
    )
    return response


async def listed(server: RunningServer, **wanted: str) -> list[pb.ExecutionSummary]:
    return list((await server.stub.ListExecutions(pb.ListExecutionsRequest(**wanted))).executions)


async def test_an_execution_says_what_is_above_it(server: RunningServer, database_url: str) -> None:
    await store_workflow(database_url, workflow("leaf", [sync("a", 1)]))
    await store_workflow(database_url, workflow("middle", [sync("call", 1, "workflow", config={"workflow": "leaf"})]))
    await store_workflow(database_url, workflow("top", [sync("call", 1, "workflow", config={"workflow": "middle"})]))
    call = server.stub.ExecuteWorkflow(pb.ExecuteWorkflowRequest(workflow_id="top"))
    root = [update async for update in call][-1].execution_id

    (middle,) = await listed(server, parent_execution_id=root)
    (leaf,) = await listed(server, parent_execution_id=middle.execution_id)
    below = await listed(server, root_execution_id=root)
    assert [one.execution_id for one in below] == [leaf.execution_id, middle.execution_id]
    assert await listed(server, parent_execution_id=leaf.execution_id) == []
    expected = {root: ("", root, 0), middle.execution_id: (root, root, 1)}
    expected[leaf.execution_id] = (middle.execution_id, root, 2)
    summaries = {summary.execution_id: summary for summary in await listed(server)}
    assert summaries.keys() == expected.keys()
    for execution_id, place in expected.items():
        for message in (summaries[execution_id], await status_of(server, execution_id)):
            assert (message.parent_execution_id, message.root_execution_id, message.depth) == place


@pytest.mark.parametrize("field", ["parent_execution_id", "root_execution_id"])
async def test_a_filter_that_is_no_id_is_refused(server: RunningServer, field: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await listed(server, **{field: "7"})
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert field in (refused.value.details() or "")


@pytest.mark.parametrize("prefix", ["schedule:", "retry:", "child:", "kafka:", "entity:"])
async def test_a_key_that_begins_as_those_of_the_service_is_refused(
    server: RunningServer, database_url: str, prefix: str
) -> None:
    await store_workflow(database_url, workflow("one", [sync("a", 1)]))
    request = pb.StartWorkflowRequest(workflow_id="one", idempotency_key=f"{prefix}mine")
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await server.stub.StartWorkflow(request)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert f"must not begin with '{prefix}'" in (refused.value.details() or "")
