"""Every operation of all APIs has a place in the table of permissions, and nothing else has."""

from contextlib import asynccontextmanager
from itertools import pairwise

import pytest
from fastapi import APIRouter
from fastapi.routing import iter_route_contexts
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from app.api.grpc.generated import machine_pb2, workflow_pb2
from app.api.grpc.reflection import V1
from app.api.live.channels import WITHOUT_EVENTS, Kind
from app.api.rest.app import create_app
from app.domain.permissions import OPERATIONS, SCOPES_OF, Access, Role, Scope, Target, least_role, permission_of

LOOK_ONLY = {"validate_workflow", "validate_machine", "test_workflow", "preview_schedule", "pg_post_get_transitions"}
"""Operations that are called with a body and change nothing."""

READING = ("Get", "List", "Watch")
OF_PATHS = {
    "/tenants": {Scope.TENANTS_MANAGE},
    "/keys": {Scope.KEYS_MANAGE},
    "/audit": {Scope.AUDIT_READ},
    "/schedules": {Scope.SCHEDULES_READ, Scope.SCHEDULES_WRITE},
    "/pg": {Scope.MACHINES_READ, Scope.MACHINES_TRANSITION},
    "/workflows": {
        Scope.DEFINITIONS_READ,
        Scope.DEFINITIONS_WRITE,
        Scope.EXECUTIONS_READ,
        Scope.EXECUTIONS_START,
    },
    "/machines": {Scope.MACHINES_READ, Scope.MACHINES_WRITE, Scope.MACHINES_TRANSITION},
    "/entities": {Scope.MACHINES_READ, Scope.MACHINES_TRANSITION},
    "/executions": {
        Scope.EXECUTIONS_READ,
        Scope.EXECUTIONS_START,
        Scope.EXECUTIONS_CONTROL,
        Scope.EXECUTIONS_SIGNAL,
    },
}


@asynccontextmanager
async def never(app):
    yield


def rest_operations(app) -> set[str]:
    """The names of all routes: those of the OpenAPI document, and the framework's own pages."""
    in_document = {o["operationId"] for path in app.openapi()["paths"].values() for o in path.values()}
    routes = {getattr(context.original_route, "name", "") for context in iter_route_contexts(app.routes)}
    assert in_document < routes
    return routes


def rpcs() -> set[str]:
    files = (workflow_pb2, machine_pb2, health_pb2, reflection_pb2)
    services = [service for file in files for service in file.DESCRIPTOR.services_by_name.values()]
    names = {f"/{service.full_name}/{method.name}" for service in services for method in service.methods}
    return names | {f"/{V1}/ServerReflectionInfo"}


def channels() -> set[str]:
    """The kinds of channels that can be followed."""
    return {f"live.{kind}" for kind in Kind if kind not in WITHOUT_EVENTS}


def test_every_operation_has_a_permission_and_every_permission_an_operation():
    assert set(OPERATIONS) == rest_operations(create_app(never)) | rpcs() | channels()


def test_a_new_route_without_a_permission_is_noticed_and_refused_meanwhile():
    app, router = create_app(never), APIRouter()

    @router.get("/secrets", name="list_secrets")
    async def list_secrets() -> None: ...

    app.include_router(router)
    assert rest_operations(app) - set(OPERATIONS) == {"list_secrets"}
    assert permission_of("list_secrets").scopes == frozenset(Scope)


def by_path() -> dict[str, tuple[str, str]]:
    """Method and path, without the prefix, of every REST operation."""
    paths = create_app(never).openapi()["paths"].items()
    return {o["operationId"]: (method, path) for path, methods in paths for method, o in methods.items()}


def test_what_changes_something_needs_more_than_a_viewer_has():
    changing = {name for name, (method, _) in by_path().items() if method != "get"} - LOOK_ONLY
    changing |= {
        name for name in rpcs() if name.startswith("/workflow.") and not name.split("/")[2].startswith(READING)
    }
    assert len(changing) > 35
    for name in changing:
        assert OPERATIONS[name].scopes - SCOPES_OF[Role.VIEWER], name


def test_what_shows_something_needs_a_scope():
    without = {name for name, permission in OPERATIONS.items() if not permission.scopes}
    assert without - {name for name in without if OPERATIONS[name].access is not Access.CALLERS} == {
        "get_me",
        "begin_session",
        "end_session",
    }


@pytest.mark.parametrize(("start", "allowed"), OF_PATHS.items())
def test_operations_below_a_path_need_the_scopes_of_what_is_there(start: str, allowed: set[Scope]):
    found = {name for name, (_, path) in by_path().items() if path.removeprefix("/api/v1").startswith(start)}
    assert found
    for name in found:
        assert OPERATIONS[name].scopes, name
        assert OPERATIONS[name].scopes <= allowed, name


def test_only_what_shows_no_data_is_open():
    is_open = {name for name, permission in OPERATIONS.items() if permission.access is Access.OPEN}
    health = {f"/grpc.health.v1.Health/{name}" for name in ("Check", "Watch", "List")}
    assert is_open == {"healthz", "readyz", "get_health", "get_dashboard_health", "get_entry"} | health


def test_each_role_has_what_the_one_before_it_has_and_more():
    roles = list(Role)
    assert all(SCOPES_OF[low] < SCOPES_OF[high] for low, high in pairwise(roles))
    assert SCOPES_OF[Role.SYSTEM] == frozenset(Scope)


def test_reading_needs_a_viewer_and_the_lowest_role_is_named():
    assert least_role(OPERATIONS["get_execution"].scopes) is Role.VIEWER
    assert least_role(OPERATIONS["start_execution"].scopes) is Role.OPERATOR
    assert least_role(OPERATIONS["start_flow_run"].scopes) is Role.EDITOR
    assert least_role(OPERATIONS["revoke_key"].scopes) is Role.ADMIN
    assert least_role(OPERATIONS["create_tenant"].scopes) is Role.SYSTEM


def test_keys_for_some_workflows_reach_no_machines():
    """What a machine starts is any workflow."""
    found = [name for name, (_, path) in by_path().items() if "/machines" in path or "/entities" in path]
    assert len(found) > 15
    assert {OPERATIONS[name].target for name in found} == {Target.ALL}


def test_the_same_operation_needs_the_same_over_both_protocols():
    same = {
        "start_execution": "StartWorkflow",
        "get_execution": "GetWorkflowStatus",
        "list_executions": "ListExecutions",
        "list_events": "WatchExecution",
        "cancel_execution": "CancelExecution",
        "pause_execution": "PauseExecution",
        "resume_execution": "ResumeExecution",
        "signal_execution": "SignalExecution",
        "skip_task": "SkipTask",
        "retry_execution": "RetryExecution",
        "rerun_execution": "RerunExecution",
    }
    for rest, rpc in same.items():
        assert OPERATIONS[rest] == OPERATIONS[f"/workflow.WorkflowService/{rpc}"], rest
