"""The unary calls, and what wrong calls get."""

import asyncio
import uuid
from typing import Any

import grpc
import pytest
from google.protobuf.message_factory import GetMessageClass
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_status import rpc_status

from app.api.grpc.generated import workflow_pb2 as pb
from app.api.grpc.server import OF_EXECUTIONS
from tests.support.engine_process import RunningServer, store_workflow, sync, workflow

LONG = (sync("wait", 1, "delay", config={"seconds": 600}),)


async def end_of(server: RunningServer, execution_id: str) -> pb.WorkflowExecutionUpdate:
    request = pb.WatchExecutionRequest(execution_id=execution_id)
    return [update async for update in server.stub.WatchExecution(request)][-1]


async def test_start_answers_when_the_execution_is_durable(server: RunningServer, database_url: str) -> None:
    stored = await store_workflow(database_url, workflow("one", [sync("a", 1, "log", config={"message": "hi"})]))

    started = await server.stub.StartWorkflow(pb.StartWorkflowRequest(workflow_id=str(stored.id)))

    assert uuid.UUID(started.execution_id).version == 7
    assert (started.workflow_id, started.revision, started.already_started) == (str(stored.id), 1, False)
    await end_of(server, started.execution_id)
    status = await server.stub.GetWorkflowStatus(pb.GetWorkflowStatusRequest(execution_id=started.execution_id))
    assert (status.status, status.last_sequence, status.progress_percent) == (pb.COMPLETED, 5, 100)
    assert status.output == '{"a":{"message":"hi"}}'
    assert status.last_message == "Execution completed"
    assert status.finished_at.ToDatetime() >= status.started_at.ToDatetime() >= status.created_at.ToDatetime()


async def test_one_idempotency_key_starts_one_execution(server: RunningServer, database_url: str) -> None:
    await store_workflow(database_url, workflow("one", [sync("a", 1)]))
    request = pb.StartWorkflowRequest(workflow_id="one", idempotency_key="order-17")

    answers = await asyncio.gather(*(server.stub.StartWorkflow(request) for _ in range(50)))

    assert len({answer.execution_id for answer in answers}) == 1
    assert sum(not answer.already_started for answer in answers) == 1
    call = server.stub.ExecuteWorkflow(pb.ExecuteWorkflowRequest(workflow_id="one", idempotency_key="order-17"))
    followed = [update async for update in call]
    assert {update.execution_id for update in followed} == {answers[0].execution_id}
    assert [update.sequence for update in followed] == [1, 2, 3, 4, 5]
    request.parameters["n"] = "1"
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await server.stub.StartWorkflow(request)
    assert refused.value.code() is grpc.StatusCode.ALREADY_EXISTS
    assert "another input" in (refused.value.details() or "")


async def test_cancel_ends_an_execution_and_may_be_repeated(server: RunningServer, database_url: str) -> None:
    await store_workflow(database_url, workflow("long", LONG))
    started = await server.stub.StartWorkflow(pb.StartWorkflowRequest(workflow_id="long"))
    request = pb.CancelExecutionRequest(execution_id=started.execution_id, reason="not needed")

    await server.stub.CancelExecution(request)
    end = await end_of(server, started.execution_id)
    again = await server.stub.CancelExecution(request)

    assert (end.status, end.error.code, end.error.message) == (pb.CANCELLED, "cancelled", "not needed")
    assert again.status == pb.CANCELLED


async def test_a_completed_execution_cannot_be_cancelled(server: RunningServer, database_url: str) -> None:
    await store_workflow(database_url, workflow("one", [sync("a", 1)]))
    started = await server.stub.StartWorkflow(pb.StartWorkflowRequest(workflow_id="one"))
    await end_of(server, started.execution_id)

    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await server.stub.CancelExecution(pb.CancelExecutionRequest(execution_id=started.execution_id))

    assert raised.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    assert "completed" in (raised.value.details() or "")


async def test_executions_are_listed_newest_first_by_pages(server: RunningServer, database_url: str) -> None:
    await store_workflow(database_url, workflow("one", [sync("a", 1)]))
    await store_workflow(database_url, workflow("other", []))
    ids = []
    for _ in range(5):
        started = await server.stub.StartWorkflow(pb.StartWorkflowRequest(workflow_id="one"))
        await end_of(server, started.execution_id)
        ids.append(started.execution_id)
    await server.stub.StartWorkflow(pb.StartWorkflowRequest(workflow_id="other"))

    wanted = {"workflow_id": "one", "status": pb.COMPLETED, "page_size": 3}
    first = await server.stub.ListExecutions(pb.ListExecutionsRequest(**wanted))
    second = await server.stub.ListExecutions(pb.ListExecutionsRequest(**wanted, page_token=first.next_page_token))

    assert [e.execution_id for e in (*first.executions, *second.executions)] == ids[::-1]
    assert (len(first.executions), second.next_page_token) == (3, "")


async def answer_of(call: Any) -> Any:
    return [update async for update in call] if hasattr(call, "__aiter__") else await call


UNKNOWN = str(uuid.UUID(int=7 << 76 | 2 << 62))
WRONG_CALLS = [
    ("ExecuteWorkflow", pb.ExecuteWorkflowRequest(workflow_id="nope"), "NOT_FOUND", "workflow_not_found", None),
    ("ExecuteWorkflow", pb.ExecuteWorkflowRequest(), "INVALID_ARGUMENT", "invalid", "workflow_id"),
    ("ExecuteWorkflow", pb.ExecuteWorkflowRequest(workflow_id="a\0b"), "NOT_FOUND", "workflow_not_found", None),
    ("ExecuteWorkflow", pb.ExecuteWorkflowRequest(workflow_id="9" * 5000), "NOT_FOUND", "workflow_not_found", None),
    (
        "ExecuteWorkflow",
        pb.ExecuteWorkflowRequest(workflow_id="one", input="{"),
        "INVALID_ARGUMENT",
        "invalid",
        "input",
    ),
    (
        "ExecuteWorkflow",
        pb.ExecuteWorkflowRequest(workflow_id="one", input="[1]"),
        "INVALID_ARGUMENT",
        "invalid",
        "input",
    ),
    (
        "ExecuteWorkflow",
        pb.ExecuteWorkflowRequest(workflow_id="one", input='{"a": NaN}'),
        "INVALID_ARGUMENT",
        "invalid",
        "input.a",
    ),
    (
        "ExecuteWorkflow",
        pb.ExecuteWorkflowRequest(workflow_id="one", input='{"a": {"b": ["\\u0000"]}}'),
        "INVALID_ARGUMENT",
        "invalid",
        "input.a.b[0]",
    ),
    (
        "ExecuteWorkflow",
        pb.ExecuteWorkflowRequest(workflow_id="one", parameters={"a": "\0"}),
        "INVALID_ARGUMENT",
        "invalid",
        "input.a",
    ),
    (
        "ExecuteWorkflow",
        pb.ExecuteWorkflowRequest(workflow_id="one", parameters={"a": "x" * 300_000}),
        "RESOURCE_EXHAUSTED",
        "too_large",
        None,
    ),
    (
        "StartWorkflow",
        pb.StartWorkflowRequest(workflow_id="one", idempotency_key="k" * 201),
        "INVALID_ARGUMENT",
        "invalid",
        "idempotency_key",
    ),
    (
        "StartWorkflow",
        pb.StartWorkflowRequest(workflow_id="one", parameters={"a": "1"}, input="{}"),
        "INVALID_ARGUMENT",
        "invalid",
        "input",
    ),
    ("WatchExecution", pb.WatchExecutionRequest(execution_id=UNKNOWN), "NOT_FOUND", "execution_not_found", None),
    ("WatchExecution", pb.WatchExecutionRequest(execution_id="x"), "INVALID_ARGUMENT", "invalid", "execution_id"),
    (
        "WatchExecution",
        pb.WatchExecutionRequest(execution_id=UNKNOWN, after_sequence=-1),
        "INVALID_ARGUMENT",
        "invalid",
        "after_sequence",
    ),
    ("GetWorkflowStatus", pb.GetWorkflowStatusRequest(execution_id=""), "INVALID_ARGUMENT", "invalid", "execution_id"),
    ("CancelExecution", pb.CancelExecutionRequest(execution_id=UNKNOWN), "NOT_FOUND", "execution_not_found", None),
    ("ListExecutions", pb.ListExecutionsRequest(page_size=201), "INVALID_ARGUMENT", "invalid", "page_size"),
    ("ListExecutions", pb.ListExecutionsRequest(page_token="x"), "INVALID_ARGUMENT", "invalid", "cursor"),
    ("ListExecutions", pb.ListExecutionsRequest(status=99), "INVALID_ARGUMENT", "invalid", "status"),  # type: ignore[arg-type]
    ("ListExecutions", pb.ListExecutionsRequest(workflow_id="nope"), "NOT_FOUND", "workflow_not_found", None),
]


@pytest.mark.parametrize(("method", "request_", "code", "reason", "field"), WRONG_CALLS, ids=range(len(WRONG_CALLS)))
async def test_wrong_calls_get_a_code_with_details(
    server: RunningServer, database_url: str, method: str, request_: object, code: str, reason: str, field: str | None
) -> None:
    await store_workflow(database_url, workflow("one", [sync("a", 1)]))

    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await answer_of(getattr(server.stub, method)(request_))

    assert raised.value.code().name == code
    status = rpc_status.from_call(raised.value)
    assert status is not None
    info, bad = ErrorInfo(), BadRequest()
    assert status.details[0].Unpack(info)
    assert info.reason == reason
    if field is not None:
        assert status.details[1].Unpack(bad)
        assert [violation.field for violation in bad.field_violations] == [field]


NAMED = [method.name for method in OF_EXECUTIONS.methods if "execution_id" in method.input_type.fields_by_name]


@pytest.mark.parametrize("method", NAMED)
@pytest.mark.parametrize("text", ["", "seven", "0192f0c1-2345-7abc-8def-00000000000g"])
async def test_an_id_that_is_no_uuid_is_invalid_to_every_method(server: RunningServer, method: str, text: str) -> None:
    request = GetMessageClass(OF_EXECUTIONS.methods_by_name[method].input_type)(execution_id=text)
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await answer_of(getattr(server.stub, method)(request))
    assert raised.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert raised.value.details() == "execution_id: is not a UUID"


async def test_a_message_over_the_limit_is_refused_and_the_server_lives(
    server: RunningServer, database_url: str
) -> None:
    await store_workflow(database_url, workflow("one", [sync("a", 1)]))
    huge = pb.ExecuteWorkflowRequest(workflow_id="one", parameters={"a": "x" * 5_000_000})

    with pytest.raises(grpc.aio.AioRpcError) as raised:
        _ = [update async for update in server.stub.ExecuteWorkflow(huge)]

    assert raised.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert (await server.stub.StartWorkflow(pb.StartWorkflowRequest(workflow_id="one"))).execution_id


async def test_health_and_reflection_are_served(server: RunningServer) -> None:
    health = health_pb2_grpc.HealthStub(server.channel)
    answer = await health.Check(health_pb2.HealthCheckRequest(service="workflow.WorkflowService"))
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    replies = reflection_pb2_grpc.ServerReflectionStub(server.channel).ServerReflectionInfo(iter([request]))
    names = {service.name for reply in [await replies.read()] for service in reply.list_services_response.service}

    assert answer.status == health_pb2.HealthCheckResponse.SERVING
    assert {"workflow.WorkflowService", "grpc.health.v1.Health"} <= names
