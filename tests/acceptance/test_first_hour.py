"""What people do in their first hour, as they do it: processes of their own for REST, gRPC and each command."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from shlex import split
from typing import Any

import httpx
import pytest

from app.api.grpc.generated import workflow_pb2 as pb
from tests.support.clients import rest_client
from tests.support.grpc_server_process import GrpcServerProcess
from tests.support.processes import REPOSITORY
from tests.support.rest_server_process import RestServerProcess

FUNCTIONS = {"PYTHON_MODULES": "examples.sample_flow.functions"}
OWN = {"url": "http://example.com/${id}", "foo": 1, "message": {"retries": 3}}


@dataclass(frozen=True)
class Service:
    client: httpx.AsyncClient
    grpc: GrpcServerProcess

    async def post(self, path: str, body: Any = None) -> Any:
        response = await self.client.post(path, json=body)
        assert response.is_success, response.text
        return response.json()

    async def get(self, path: str) -> Any:
        response = await self.client.get(path)
        assert response.is_success, response.text
        return response.json()

    async def command(self, *words: str) -> tuple[int, str, str]:
        """The exit code, what it printed, and what it said on stderr."""
        environment = os.environ | {
            "WORKFLOW_REST_URL": str(self.client.base_url).removesuffix("/api/v1/"),
            "WORKFLOW_GRPC_TARGET": f"127.0.0.1:{self.grpc.port}",
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "app.cli",
            *words,
            cwd=REPOSITORY,
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        return process.returncode or 0, out.decode(), err.decode()

    async def until(self, execution_id: str, status: str) -> Any:
        while (found := await self.get(f"executions/{execution_id}"))["status"] != status:
            await asyncio.sleep(0.05)
        return found


@pytest.fixture
async def service(database_url: str, redis_url: str) -> AsyncIterator[Service]:
    rest = RestServerProcess(database_url, redis_url, **FUNCTIONS)
    grpc = GrpcServerProcess(database_url, **FUNCTIONS)
    try:
        await asyncio.gather(rest.start(), grpc.start())
        async with rest_client(base_url=rest.url, timeout=60) as client:
            yield Service(client, grpc)
    finally:
        await asyncio.gather(rest.close(), grpc.close())


async def test_settings_and_names_of_ones_own(service: Service) -> None:
    task = {"name": "t2", "execution_type": "async", "sequence": 2, "config": OWN}
    stored = await service.post("workflows", {"name": "Plain", "key": "Plain-1", "tasks": [task]})
    assert (await service.get("workflows/Plain-1"))["tasks"][0]["config"] == OWN
    assert (await service.get(f"tasks/{stored['tasks'][0]['id']}"))["config"] == OWN

    request = pb.ExecuteWorkflowRequest(workflow_id="Plain-1")
    updates = [update async for update in service.grpc.stub.ExecuteWorkflow(request)]
    assert [(u.current_task_name, u.output) for u in updates if u.task_status == pb.TASK_COMPLETED] == [("t2", "")]
    assert updates[-1].status == pb.COMPLETED
    written = updates[0].execution_id.upper()
    status = await service.grpc.stub.GetWorkflowStatus(pb.GetWorkflowStatusRequest(execution_id=written))
    assert (status.execution_id, status.status) == (updates[0].execution_id, pb.COMPLETED)
    code, out, _ = await service.command("watch", written)
    assert (code, out.count("\n")) == (0, len(updates) + 1)

    flow = {"id": "Flow-9", "name": "F", "start_task": "task1", "tasks": [{"name": "task1"}]}
    run = await service.post("flow/run", {"flow": flow})
    assert (run["flow_id"], run["status"]) == ("Flow-9", "completed")
    assert await service.get(f"flow-runs/{run['flow_run_id'].upper()}") == run
    refused = await service.client.post("flow/run", json={"flow": flow | {"tasks": [{"name": "taskk1"}]}})
    message = refused.json()["errors"][0]["message"]
    assert "did you mean 'task1'" in message
    assert "@task_function" in message


async def test_the_line_that_is_shown_continues_what_waits(service: Service) -> None:
    tasks = [
        {"name": "approval", "execution_type": "sync", "type": "signal", "config": {"name": "it's approved"}},
        {"name": "done", "execution_type": "sync", "sequence": 1},
    ]
    await service.post("workflows", {"name": "w", "key": "asks", "tasks": tasks})
    started = await service.grpc.stub.StartWorkflow(pb.StartWorkflowRequest(workflow_id="asks"))
    call = service.grpc.stub.WatchExecution(pb.WatchExecutionRequest(execution_id=started.execution_id))
    async for update in call:
        if update.HasField("waits_for"):
            break
    assert (update.waits_for.signal, update.waits_for.HasField("until")) == ("it's approved", False)

    (approval, _) = (await service.get(f"executions/{started.execution_id}/tasks"))["items"]
    code, shown, _ = await service.command("history", started.execution_id)
    line = update.message.partition("; send it with: ")[2]
    assert update.message.startswith("""Task 'approval' waits for signal "it's approved"; send it with: """)
    assert approval["message"].endswith(line)
    assert (code, line in shown) == (0, True)
    assert (await service.command(*split(line)[1:]))[0] == 0
    ended = await service.until(started.execution_id, "completed")
    assert ended["output"] is None
    (approval, _) = (await service.get(f"executions/{started.execution_id}/tasks"))["items"]
    assert (approval["output"], approval["waits_for"], approval["message"]) == ({}, None, None)


async def test_a_definition_is_fixed_and_its_execution_continues(service: Service) -> None:
    read = {"name": "read", "execution_type": "sync", "type": "transform", "config": {"value": "${input.n + vars.n}"}}
    broken = {"name": "use", "execution_type": "sync", "type": "transform", "config": {"value": "${input.m}"}}
    fixed = broken | {"config": {"value": "${tasks.read.output * 2}"}}
    definition = {"name": "w", "key": "fixable", "variables": {"n": 1}, "tasks": [read, broken]}
    await service.post("workflows", definition)
    origin = (await service.post("workflows/fixable/executions", {"input": {"n": 20}}))["id"]
    await service.until(origin, "failed")
    for change in ({"variables": {"n": 2}, "tasks": [read, fixed]}, {"variables": {"n": 1}}):
        assert (await service.client.patch("workflows/fixable", json=change)).is_success

    code, out, _ = await service.command("retry", origin)
    assert (code, f"revision 3 is newer, and runs with: workflow retry {origin} --revision latest" in out) == (0, True)
    code, _, err = await service.command("retry", origin, "--revision", "2")
    assert (code, "the result of task 'read' cannot be reused: in revision 2 its vars.n is different" in err) == (
        2,
        True,
    )
    code, out, err = await service.command("retry", origin, "--revision", "latest", "--watch")
    assert (code, 'output  {"use":42}' in out) == (0, True), err

    again = await service.grpc.stub.RetryExecution(pb.RetryExecutionRequest(execution_id=origin, revision="3"))
    assert (again.already_started, again.revision, again.latest_revision) == (True, 3, 3)
    over_rest = await service.post(f"executions/{origin}/retry", {"revision": "latest"})
    assert (over_rest["id"], over_rest["latest_revision"]) == (again.execution_id, 3)
    events = (await service.get(f"executions/{again.execution_id}/events"))["items"]
    assert [event["type"] for event in events if event["task_name"] == "read"] == ["task_reused"]
