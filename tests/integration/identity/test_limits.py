"""Limits on how often one may call: keys with their own, everyone by address, and the first call of a key over gRPC."""

import grpc
import httpx
import pytest

from app.api.grpc.generated import workflow_pb2 as pb
from app.config import Settings
from app.domain.permissions import Role
from tests.support.callers import Keys, bearer, metadata
from tests.support.engine_process import RunningServer, running_server
from tests.support.rest_service import serving
from tests.support.tenant import needs_default

pytestmark = needs_default("makes its own tenants and keys")

MISSING = "0197a3c4-5d2e-7c1a-9f3b-2a6f0c9d8e71"


@pytest.fixture
async def admin(keys: Keys) -> dict[str, str]:
    return dict(bearer(await keys.of_role(Role.ADMIN)))


async def test_a_key_is_made_with_a_limit_and_keeps_it_when_rotated(rest: httpx.AsyncClient, admin: dict[str, str]):
    made = await rest.post("/keys", json={"name": "few", "role": "viewer", "rate_limit": 3}, headers=admin)
    assert (made.status_code, made.json()["rate_limit"]) == (201, 3)
    statuses = [(await rest.get("/me", headers=bearer(made.json()["key"]))).status_code for _ in range(5)]
    assert statuses == [200, 200, 200, 429, 429]
    rotated = await rest.post(f"/keys/{made.json()['id']}/rotate", headers=admin)
    assert rotated.json()["rate_limit"] == 3
    assert (await rest.get("/me", headers=bearer(rotated.json()["key"]))).status_code == 200
    other = await rest.post("/keys", json={"name": "many", "role": "viewer"}, headers=admin)
    assert other.json()["rate_limit"] is None


@pytest.mark.parametrize("rate_limit", [0, -1, 1_000_001, 10**30, 1.5, "many", True])
async def test_what_is_no_limit_is_refused(rest: httpx.AsyncClient, admin: dict[str, str], rate_limit: object):
    draft = {"name": "few", "role": "viewer", "rate_limit": rate_limit}
    refused = await rest.post("/keys", json=draft, headers=admin)
    assert refused.status_code == 422
    assert [error["field"] for error in refused.json()["errors"]] == ["rate_limit"]


async def code(call) -> grpc.StatusCode:
    """How a call ends, whether it is a stream or not."""
    try:
        await (call.read() if hasattr(call, "read") else call)
    except grpc.aio.AioRpcError as error:
        return error.code()
    return grpc.StatusCode.OK


async def test_while_everyone_is_admitted_addresses_are_limited(settings: Settings):
    changes = {"auth": "off-on-every-address", "rate_limit_anonymous": 3, "trusted_proxies": "127.0.0.1"}
    limited = settings.model_copy(update=changes)
    async with serving(limited) as rest:
        sent = {"X-Forwarded-For": "203.0.113.7"}
        assert [(await rest.get("/workflows", headers=sent)).status_code for _ in range(5)] == [200] * 3 + [429] * 2
        assert [(await rest.get("/workflows")).status_code for _ in range(5)] == [200] * 5
    async with running_server(limited) as server:
        stub, over = server.stub, [("x-forwarded-for", "203.0.113.7")]
        assert await code(stub.ListExecutions(pb.ListExecutionsRequest(), metadata=over)) is grpc.StatusCode.OK
        watched = pb.WatchExecutionRequest(execution_id=MISSING)
        assert [await code(stub.WatchExecution(watched, metadata=over)) for _ in range(3)] == [
            *[grpc.StatusCode.NOT_FOUND] * 2,
            grpc.StatusCode.RESOURCE_EXHAUSTED,
        ]
        assert [await code(stub.WatchExecution(watched)) for _ in range(5)] == [grpc.StatusCode.NOT_FOUND] * 5


async def test_over_grpc_a_key_has_its_limit_from_the_first_call_on(server: RunningServer, keys: Keys):
    key = await keys.of_role(Role.VIEWER, rate_limit=3)
    calls = [server.stub.ListExecutions(pb.ListExecutionsRequest(), metadata=metadata(key)) for _ in range(5)]
    codes = [await code(call) for call in calls]
    assert sorted(codes, key=str) == [grpc.StatusCode.OK] * 3 + [grpc.StatusCode.RESOURCE_EXHAUSTED] * 2


@pytest.mark.parametrize("is_known", [False, True])
async def test_an_unknown_method_is_known_to_be_so_by_callers_only(server: RunningServer, keys: Keys, is_known: bool):
    key = await keys.of_role(Role.SYSTEM)
    if is_known:
        await server.stub.ListExecutions(pb.ListExecutionsRequest(), metadata=metadata(key))
    unknown = server.channel.unary_unary("/workflow.WorkflowService/Nothing")
    assert await code(unknown(b"", metadata=metadata(key))) is grpc.StatusCode.UNIMPLEMENTED
    assert await code(unknown(b"")) is grpc.StatusCode.UNAUTHENTICATED


async def test_a_call_without_a_request_is_refused(server: RunningServer, keys: Keys):
    listing = server.channel.stream_unary("/workflow.WorkflowService/ListExecutions")
    sent = metadata(await keys.of_role(Role.VIEWER))
    assert await code(listing(iter(()), metadata=sent)) is grpc.StatusCode.INVALID_ARGUMENT
