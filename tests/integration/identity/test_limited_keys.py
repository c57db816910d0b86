"""Keys that are limited to some workflows, over both protocols."""

from collections.abc import AsyncIterator

import grpc
import httpx
import pytest

from app.api.grpc.generated import workflow_pb2 as pb
from app.config import Settings
from app.domain.permissions import SCOPES_OF, Role
from tests.support.callers import Keys, bearer, metadata
from tests.support.engine_process import RunningServer
from tests.support.rest_service import serving
from tests.support.tenant import needs_default

pytestmark = needs_default("makes its own tenants and keys")

TASKS = [{"name": "wait", "execution_type": "sync", "type": "delay", "config": {"seconds": 3600}}]
OWN, FOREIGN = "reports-daily", "payroll"


@pytest.fixture
async def rest(settings: Settings, keys: Keys) -> AsyncIterator[httpx.AsyncClient]:
    """As an editor of everything, with an execution and a schedule of each workflow."""
    editor = await keys.of_role(Role.EDITOR)
    async with serving(settings) as client:
        client.headers.update(bearer(editor))
        for key in (OWN, FOREIGN):
            assert (await client.post("/workflows", json={"name": key, "key": key, "tasks": TASKS})).status_code == 201
            schedule = {"workflow": key, "key": f"of-{key}", "cron": "0 0 1 1 *"}
            assert (await client.post("/schedules", json=schedule)).status_code == 201
        yield client


async def started(rest: httpx.AsyncClient, key: str) -> str:
    return (await rest.post(f"/workflows/{key}/executions", json={})).json()["id"]


async def operator(keys: Keys) -> str:
    return await keys.of_scopes(SCOPES_OF[Role.OPERATOR], "reports-*")


async def test_over_rest_it_reaches_its_own_workflows_and_no_other(rest: httpx.AsyncClient, keys: Keys):
    ids = {key: str((await rest.get(f"/workflows/{key}")).json()["id"]) for key in (OWN, FOREIGN)}
    executions = {key: await started(rest, key) for key in (OWN, FOREIGN)}
    headers = bearer(await operator(keys))
    for key, status in ((OWN, 200), (FOREIGN, 403)):
        for path in (
            f"/workflows/{key}",
            f"/workflows/{ids[key]}",
            f"/workflows/{key}/tasks",
            f"/workflows/{key}/revisions",
            f"/workflows/{key}/revisions/1",
            f"/workflows/{key}/revisions/1/graph",
            f"/workflows/{key}/statistics",
            f"/workflows?key={key}",
            f"/executions?workflow_id={key}",
            f"/executions?workflow_id={ids[key]}",
            f"/executions/counts?workflow_id={key}",
            f"/executions/{executions[key]}",
            f"/executions/{executions[key]}/view",
            f"/executions/{executions[key]}/events",
            f"/executions/{executions[key]}/tasks",
            f"/runs?workflow_id={key}",
            f"/runs/{executions[key]}",
            f"/schedules?workflow_id={key}",
            f"/schedules/of-{key}",
            f"/schedules/of-{key}/next",
        ):
            answer = await rest.get(path, headers=headers)
            assert answer.status_code == status, (path, answer.text)
            assert FOREIGN not in answer.text.replace(path, ""), path
        for path in (f"/workflows/{key}/executions", f"/workflows/{ids[key]}/executions"):
            answer = await rest.post(path, json={}, headers=headers)
            assert answer.status_code == (202 if status == 200 else 403), path
        for workflow in (key, ids[key]):
            answer = await rest.post("/trigger", json={"workflow_id": workflow}, headers=headers)
            assert answer.status_code == (202 if status == 200 else 403), workflow
            assert FOREIGN not in answer.text
        cancelled = await rest.post(f"/executions/{executions[key]}/cancel", json={}, headers=headers)
        assert cancelled.status_code == (202 if status == 200 else 403)


@pytest.mark.parametrize(
    "path",
    [
        "/workflows",
        "/workflows?name=r",
        f"/workflows?key={OWN}&key={FOREIGN}",
        "/executions",
        f"/executions?workflow_id={OWN}&workflow_id={FOREIGN}",
        f"/executions?workflow_name={OWN}",
        "/executions/counts",
        "/workflows/999999/statistics",
        "/schedules",
        "/flows",
        "/tasks/1",
        "/workflows/missing",
        "/workflows/999999",
        "/executions/0197a3c4-5d2e-7c1a-9f3b-2a6f0c9d8e71",
        "/runs",
        "/runs/0197a3c4-5d2e-7c1a-9f3b-2a6f0c9d8e71",
        "/runs/order-1",
        "/schedules/missing",
    ],
)
async def test_what_does_not_name_one_of_its_workflows_is_refused(rest: httpx.AsyncClient, keys: Keys, path: str):
    refused = await rest.get(path, headers=bearer(await operator(keys)))
    assert (refused.status_code, refused.json()["code"]) == (403, "permission_denied")
    assert "limited to the workflows reports-*" in refused.json()["detail"]


async def test_it_can_ask_who_it_is(rest: httpx.AsyncClient, keys: Keys):
    me = (await rest.get("/me", headers=bearer(await operator(keys)))).json()
    assert (me["workflows"], me["role"]) == ("reports-*", None)


async def test_the_limit_follows_the_key_of_the_workflow(rest: httpx.AsyncClient, keys: Keys):
    headers = bearer(await operator(keys))
    execution = await started(rest, OWN)
    await rest.patch(f"/workflows/{OWN}", json={"key": "accounts"})
    assert (await rest.get(f"/executions/{execution}", headers=headers)).status_code == 403
    await rest.patch("/workflows/accounts", json={"key": None})
    assert (await rest.get(f"/executions/{execution}", headers=headers)).status_code == 403


async def code(call) -> grpc.StatusCode:
    try:
        await (call.read() if hasattr(call, "read") else call)
    except grpc.aio.AioRpcError as error:
        return error.code()
    finally:
        call.cancel()
    return grpc.StatusCode.OK


async def test_over_grpc_it_reaches_its_own_workflows_and_no_other(
    rest: httpx.AsyncClient, server: RunningServer, keys: Keys
):
    executions = {key: await started(rest, key) for key in (OWN, FOREIGN)}
    sent, stub = {"metadata": metadata(await operator(keys))}, server.stub
    for key, expected in ((OWN, grpc.StatusCode.OK), (FOREIGN, grpc.StatusCode.PERMISSION_DENIED)):
        execution = executions[key]
        for call in (
            stub.StartWorkflow(pb.StartWorkflowRequest(workflow_id=key), **sent),
            stub.ExecuteWorkflow(pb.ExecuteWorkflowRequest(workflow_id=key), **sent),
            stub.ListExecutions(pb.ListExecutionsRequest(workflow_id=key), **sent),
            stub.WatchExecution(pb.WatchExecutionRequest(execution_id=execution), **sent),
            stub.GetWorkflowStatus(pb.GetWorkflowStatusRequest(execution_id=execution), **sent),
            stub.PauseExecution(pb.PauseExecutionRequest(execution_id=execution), **sent),
            stub.CancelExecution(pb.CancelExecutionRequest(execution_id=execution), **sent),
        ):
            assert await code(call) is expected, call
    everything = stub.ListExecutions(pb.ListExecutionsRequest(), **sent)
    assert await code(everything) is grpc.StatusCode.PERMISSION_DENIED
    malformed = stub.GetWorkflowStatus(pb.GetWorkflowStatusRequest(execution_id="x"), **sent)
    assert await code(malformed) is grpc.StatusCode.INVALID_ARGUMENT
