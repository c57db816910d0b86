"""Builds the REST API; `app.main` runs it in a process."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from fastapi import FastAPI
from fastapi.routing import APIRoute

from app.api.rest import (
    audit,
    controls,
    dry_runs,
    engines,
    entities,
    entity_events,
    entry,
    execution_events,
    executions,
    feed,
    flows,
    health,
    keys,
    machine_graphs,
    machine_revisions,
    machines,
    me,
    overviews,
    revision_graphs,
    revisions,
    schedules,
    sessions,
    suggestions,
    tasks,
    tenants,
    validation,
    workflows,
)
from app.api.rest.browser_guard import BrowserGuard
from app.api.rest.dashboard import DashboardPages
from app.api.rest.dialects import runs
from app.api.rest.dialects.dashboard import agents
from app.api.rest.dialects.dashboard import audit as dashboard_audit
from app.api.rest.dialects.dashboard import health as dashboard_health
from app.api.rest.dialects.dashboard import suggestions as dashboard_suggestions
from app.api.rest.dialects.dashboard import tasks as dashboard_tasks
from app.api.rest.dialects.dashboard import workflows as dashboard_workflows
from app.api.rest.dialects.dashboard.shared_path import SharedPath
from app.api.rest.dialects.pg import functions, tables
from app.api.rest.documentation import DESCRIPTION, DocumentedApi
from app.api.rest.errors import UnexpectedErrors, install_error_handlers
from app.api.rest.gate import Gate
from app.api.rest.request_ids import RequestIds
from app.api.rest.responses import PREFIX
from app.api.rest.route_table import PathsAsWritten, RouteTable
from app.api.rest.sub_paths import SubPaths
from app.api.rest.web_sockets import WebSockets
from app.domain.version import VERSION

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def create_app(lifespan: Lifespan, version: str = VERSION) -> FastAPI:
    """The application. `lifespan` must set `app.state.services: Services` before the first request."""
    app = DocumentedApi(
        title="Workflow execution service",
        version=version,
        description=DESCRIPTION,
        lifespan=lifespan,
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=_operation_id,
    )
    install_error_handlers(app)
    _include(app)
    app.include_router(health.router)
    app.include_router(entry.router)
    app.include_router(sessions.router)
    app.router.middleware_stack = RouteTable(app, Gate(app))
    app.add_middleware(PathsAsWritten)
    app.add_middleware(DashboardPages)
    app.add_middleware(UnexpectedErrors)
    app.add_middleware(BrowserGuard)
    app.add_middleware(RequestIds)
    app.add_middleware(WebSockets)
    app.add_middleware(SharedPath)
    app.add_middleware(SubPaths)
    return app


def _include(app: FastAPI) -> None:
    """Everything but health and `/`: with the prefix and without, and the dialects that have one of their own."""
    routed = (
        workflows,
        validation,
        dry_runs,
        tasks,
        revisions,
        revision_graphs,
        overviews,
        executions,
        execution_events,
        feed,
        controls,
        schedules,
        flows,
        runs,
        engines,
        machines,
        machine_revisions,
        machine_graphs,
        entities,
        entity_events,
        suggestions,
        me,
        keys,
        tenants,
        audit,
    )
    for router in [machines.judging, *(module.router for module in routed)]:
        app.include_router(router, prefix=PREFIX)
        app.include_router(router, include_in_schema=False)
    for dashboard in (
        dashboard_health,
        dashboard_workflows,
        agents,
        dashboard_tasks,
        dashboard_suggestions,
        dashboard_audit,
    ):
        app.include_router(dashboard.router)
    for pg in (tables.router, functions.router):
        app.include_router(pg, prefix="/pg")
        app.include_router(pg, include_in_schema=False)


def _operation_id(route: APIRoute) -> str:
    return route.name
