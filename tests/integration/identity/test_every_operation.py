"""Generated from the OpenAPI document and the proto: what every operation says to a caller who may not.

Each operation is called without a key, with keys that have all scopes but one that it needs, and with a key that has
only what it needs.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import grpc
import httpx
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from app.api.grpc.generated import machine_pb2, workflow_pb2
from app.domain.permissions import OPERATIONS, Access, Permission, Scope
from tests.support.callers import Keys, bearer, metadata
from tests.support.engine_process import RunningServer
from tests.support.tenant import needs_default

pytestmark = needs_default("makes its own tenants and keys")

NAMES = {
    "key_id": "0",
    "execution": "0197a3c4-5d2e-7c1a-9f3b-2a6f0c9d8e71",
    "entity": "0197a3c4-5d2e-7c1a-9f3b-2a6f0c9d8e71",
    "flow_run": "0197a3c4-5d2e-7c1a-9f3b-2a6f0c9d8e71",
}
PREFIX = "/api/v1"
FRAMEWORK = {
    "/openapi.json": "openapi",
    "/api/v1/openapi.json": "openapi",
    "/docs": "swagger_ui_html",
}
SERVICES = [
    service
    for file in (workflow_pb2, machine_pb2, health_pb2, reflection_pb2)
    for service in file.DESCRIPTOR.services_by_name.values()
]
CODES = {401: ("credentials_missing", "PGRST302"), 403: ("permission_denied", "42501")}
"""Those of this API, and of the dialect of PostgREST."""
SECONDS = 20


class Texts(NamedTuple):
    """Keys by what they have.

    without: all scopes but this one.
    only: these scopes and no other.
    """

    without: Mapping[Scope, str]
    only: Mapping[frozenset[Scope], str]


async def made(keys: Keys) -> Texts:
    without = {scope: await keys.of_scopes(set(Scope) - {scope}) for scope in Scope}
    needed = {permission.scopes for permission in OPERATIONS.values()}
    return Texts(without, {scopes: await keys.of_scopes(scopes or {Scope.SCHEDULES_READ}) for scopes in needed})


def requests(document: dict[str, Any]) -> Iterator[tuple[str, str, Permission]]:
    """Method, path and permission of every operation, with the prefix and without."""
    for path, methods in document["paths"].items():
        filled = re.sub(r"{(\w+)}", lambda found: NAMES.get(found[1], "1"), path)
        for method, operation in methods.items():
            permission = OPERATIONS[operation["operationId"]]
            yield method.upper(), filled, permission
            if filled.startswith(PREFIX):
                yield method.upper(), filled.removeprefix(PREFIX), permission
    for path, name in FRAMEWORK.items():
        yield "GET", path, OPERATIONS[name]


async def status(rest: httpx.AsyncClient, method: str, path: str, key: str | None) -> int:
    headers = {} if key is None else bearer(key)
    answer = await rest.request(method, path, headers=headers, json={} if method in ("POST", "PUT", "PATCH") else None)
    if answer.status_code in (401, 403):
        problem = answer.json()
        of_pg = path.startswith("/pg/")
        assert answer.headers["content-type"] == ("application/json" if of_pg else "application/problem+json")
        assert problem["code"] == CODES[answer.status_code][of_pg], path
        assert ("www-authenticate" in answer.headers) == (answer.status_code == 401)
    return answer.status_code


async def test_every_rest_operation(rest: httpx.AsyncClient, keys: Keys):
    texts = await made(keys)
    reader = texts.only[frozenset({Scope.DEFINITIONS_READ})]
    document = (await rest.get("/openapi.json", headers=bearer(reader))).json()
    asked = list(requests(document))
    assert len(asked) > 90
    for method, path, permission in asked:
        where = f"{method} {path}"
        if permission.access is Access.OPEN:
            assert await status(rest, method, path, None) in (200, 503), where
            continue
        assert await status(rest, method, path, None) == 401, where
        for scope in permission.scopes:
            assert await status(rest, method, path, texts.without[scope]) == 403, where
        assert await status(rest, method, path, texts.only[permission.scopes]) not in (401, 403, 500), where


async def test_a_path_that_does_not_exist_needs_a_caller_too(rest: httpx.AsyncClient, keys: Keys):
    key = await keys.of_scopes({Scope.SCHEDULES_READ})
    for method, path in (("GET", "/nothing"), ("PATCH", "/api/v1/executions"), ("GET", "/api/v1//workflows")):
        assert await status(rest, method, path, None) == 401
        assert (await rest.request(method, path, headers=bearer(key))).status_code in (404, 405)


async def test_head_needs_what_get_needs(rest: httpx.AsyncClient):
    assert (await rest.head("/workflows")).status_code == 401
    assert (await rest.head("/workflows/")).status_code == 401


async def code(server: RunningServer, name: str, method: Any, key: str | None) -> grpc.StatusCode:
    """With what a call ends, or OK when it brings a response."""
    request, response = GetMessageClass(method.input_type), GetMessageClass(method.output_type)
    kind = "stream_" if method.client_streaming else "unary_"
    kind += "stream" if method.server_streaming else "unary"
    call = getattr(server.channel, kind)(name, request.SerializeToString, response.FromString)
    sent = [request()] if method.client_streaming else request()
    options = {"metadata": None if key is None else metadata(key), "timeout": SECONDS}
    try:
        if not method.server_streaming:
            await call(sent, **options)
            return grpc.StatusCode.OK
        answers = call(iter(sent) if method.client_streaming else sent, **options)
        await answers.read()
        answers.cancel()
    except grpc.aio.AioRpcError as error:
        return error.code()
    return grpc.StatusCode.OK


async def test_every_rpc(server: RunningServer, keys: Keys):
    texts = await made(keys)
    refused = (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED)
    methods = {f"/{service.full_name}/{m.name}": m for service in SERVICES for m in service.methods}
    methods["/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"] = methods[
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
    ]
    assert methods.keys() == {name for name in OPERATIONS if name.startswith("/")}
    for name, method in methods.items():
        permission = OPERATIONS[name]
        if permission.access is Access.OPEN:
            assert await code(server, name, method, None) not in refused, name
            continue
        assert await code(server, name, method, None) is grpc.StatusCode.UNAUTHENTICATED, name
        for scope in permission.scopes:
            assert await code(server, name, method, texts.without[scope]) is grpc.StatusCode.PERMISSION_DENIED, name
        allowed = await code(server, name, method, texts.only[permission.scopes])
        assert allowed not in (*refused, grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN), name


async def test_an_rpc_that_does_not_exist_needs_a_caller_too(server: RunningServer, keys: Keys):
    method = workflow_pb2.DESCRIPTOR.services_by_name["WorkflowService"].methods_by_name["StartWorkflow"]
    name = "/workflow.WorkflowService/Nothing"
    assert await code(server, name, method, None) is grpc.StatusCode.UNAUTHENTICATED
    key = await keys.of_scopes(Scope)
    assert await code(server, name, method, key) is grpc.StatusCode.UNIMPLEMENTED
