"""Limits of tenants, over both protocols and on both processes."""

import asyncio
from collections.abc import Mapping
from typing import Any

import grpc
import httpx
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from app.api.grpc.errors import DETAILS_KEY
from app.api.grpc.generated import workflow_pb2 as pb
from app.domain.permissions import Role
from tests.support.callers import Keys, bearer, metadata
from tests.support.engine_process import RunningServer
from tests.support.tenant import needs_default

WORKFLOW = {"name": "w", "key": "w", "tasks": [{"name": "a", "execution_type": "sync", "sequence": 1}]}
SECOND = {**WORKFLOW, "key": "second"}
NO_LIMITS = {"max_running": None, "starts_per_second": None, "max_definitions": None}


class Sales:
    """A tenant, and the caller who manages it."""

    def __init__(self, rest: httpx.AsyncClient, system: Mapping[str, str], key: str) -> None:
        self._rest = rest
        self._system = system
        self.key = key
        self.headers = bearer(key)

    async def change(self, **changes: Any) -> dict[str, Any]:
        response = await self._rest.patch("/tenants/sales", json=changes, headers=self._system)
        assert response.status_code == 200
        return response.json()

    async def post(self, path: str, body: Any) -> httpx.Response:
        return await self._rest.post(path, json=body, headers=self.headers)


async def new_tenant(rest: httpx.AsyncClient, keys: Keys) -> Sales:
    system = bearer(await keys.of_role(Role.SYSTEM))
    made = await rest.post("/tenants", json={"key": "sales", "name": "Sales"}, headers=system)
    assert (made.status_code, {name: made.json()[name] for name in NO_LIMITS}) == (201, NO_LIMITS)
    return Sales(rest, system, await keys.of_role(Role.EDITOR, tenant_id=made.json()["id"]))


async def test_a_tenant_stores_no_more_workflows_than_its_limit_allows(rest: httpx.AsyncClient, keys: Keys):
    sales = await new_tenant(rest, keys)
    assert (await sales.change(max_definitions=1))["max_definitions"] == 1
    assert (await sales.post("/workflows", WORKFLOW)).status_code == 201
    refused = await sales.post("/workflows", SECOND)
    assert (refused.status_code, refused.json()["code"]) == (409, "quota_exceeded")
    assert "the tenant has 1 workflows or more, which is its limit" in refused.json()["detail"]
    changed = await rest.put("/workflows/w", json={**WORKFLOW, "name": "new"}, headers=sales.headers)
    assert changed.status_code == 200, "what is stored can be changed"
    assert (await sales.change(max_definitions=None))["max_definitions"] is None
    assert (await sales.post("/workflows", SECOND)).status_code == 201


async def until_limited(sales: Sales) -> httpx.Response:
    """Start until a start is refused."""
    async with asyncio.timeout(20):
        while (response := await sales.post("/workflows/w/executions", {})).status_code == 202:
            pass
    return response


@needs_default("sends the key of a tenant of its own")
async def test_callers_of_a_tenant_start_no_more_in_a_second_than_its_limit_allows(
    rest: httpx.AsyncClient, server: RunningServer, keys: Keys
):
    sales = await new_tenant(rest, keys)
    assert (await sales.post("/workflows", WORKFLOW)).status_code == 201
    await sales.change(starts_per_second=1)
    refused = await until_limited(sales)
    assert (refused.status_code, refused.json()["code"]) == (429, "quota_exceeded")
    assert refused.headers["Retry-After"] == "1"
    error = await until_refused(server, sales)
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    info, retry = details_of(error)
    assert (info.reason, dict(info.metadata), retry.retry_delay.seconds) == (
        "quota_exceeded",
        {"limit": "starts_per_second"},
        1,
    )
    other = bearer(await keys.of_role(Role.EDITOR))
    await rest.post("/workflows", json=WORKFLOW, headers=other)
    for _ in range(5):
        assert (await rest.post("/workflows/w/executions", json={}, headers=other)).status_code == 202


async def until_refused(server: RunningServer, sales: Sales) -> grpc.aio.AioRpcError:
    async with asyncio.timeout(20):
        while True:
            try:
                request = pb.StartWorkflowRequest(workflow_id="w")
                await server.stub.StartWorkflow(request, metadata=metadata(sales.key))
            except grpc.aio.AioRpcError as error:
                return error


def details_of(error: grpc.aio.AioRpcError) -> tuple[ErrorInfo, RetryInfo]:
    status, info, retry = Status(), ErrorInfo(), RetryInfo()
    status.ParseFromString(dict(error.trailing_metadata())[DETAILS_KEY])
    for detail in status.details:
        for known in (info, retry):
            if detail.Is(known.DESCRIPTOR):
                detail.Unpack(known)
    return info, retry


async def test_executions_beyond_what_a_tenant_may_run_wait_and_none_is_lost(
    rest: httpx.AsyncClient, server: RunningServer, keys: Keys
):
    sales = await new_tenant(rest, keys)
    assert (await sales.post("/workflows", WORKFLOW)).status_code == 201
    await sales.change(max_running=1)
    ids = [(await sales.post("/workflows/w/executions", {})).json()["id"] for _ in range(10)]
    async with asyncio.timeout(30):
        for execution_id in ids:
            path = f"/executions/{execution_id}"
            while (await rest.get(path, headers=sales.headers)).json()["status"] != "completed":
                await asyncio.sleep(0.02)


async def test_a_tenant_is_suspended_and_comes_back(rest: httpx.AsyncClient, keys: Keys):
    sales = await new_tenant(rest, keys)
    assert (await rest.get("/workflows", headers=sales.headers)).status_code == 200
    assert (await sales.change(suspended=True))["suspended_at"] is not None
    async with asyncio.timeout(10):
        while (refused := await rest.get("/workflows", headers=sales.headers)).status_code == 200:
            await asyncio.sleep(0.02)
    assert (refused.status_code, refused.json()["code"]) == (403, "tenant_suspended")
    assert (await sales.change(suspended=False))["suspended_at"] is None
    assert (await rest.get("/workflows", headers=sales.headers)).status_code == 200


async def test_what_a_response_has_can_be_sent_back(rest: httpx.AsyncClient, keys: Keys):
    sales = await new_tenant(rest, keys)
    read = await sales.change(max_running=3)
    assert await sales.change(**read) == read
    system = bearer(await keys.of_role(Role.SYSTEM))
    refused = await rest.patch("/tenants/sales", json={**read, "name": "Other"}, headers=system)
    assert (refused.status_code, refused.json()["errors"]) == (
        422,
        [{"field": "name", "message": "is Sales and cannot be changed"}],
    )


async def test_wrong_changes_of_tenants_are_refused(rest: httpx.AsyncClient, keys: Keys):
    system = bearer(await keys.of_role(Role.SYSTEM))
    for key, body, status, path in (
        ("default", {"max_running": 0}, 422, "max_running"),
        ("default", {"max_running": "3"}, 422, "max_running"),
        ("default", {"suspended": True}, 422, "suspended"),
        ("default", {"max_runing": 3}, 422, "max_runing"),
        ("missing", {"max_running": 3}, 404, None),
    ):
        refused = await rest.patch(f"/tenants/{key}", json=body, headers=system)
        assert (refused.status_code, [e["field"] for e in refused.json().get("errors", [])]) == (
            status,
            [] if path is None else [path],
        )
    admin = bearer(await keys.of_role(Role.ADMIN))
    assert (await rest.patch("/tenants/default", json={"max_running": 3}, headers=admin)).status_code == 403
