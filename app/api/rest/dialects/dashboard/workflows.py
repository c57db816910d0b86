"""`/api/workflows`: workflows, with how their newest execution stands."""

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Response

from app.api.rest.body import JsonRoute
from app.api.rest.conditional_requests import IfNoneMatch
from app.api.rest.dependencies import MAX_LIMIT, CallerOfRequest, Changer, ReadyServices, Services, Skip, WorkflowInPath
from app.api.rest.dialects.dashboard.bodies import DashboardWorkflowCreate
from app.api.rest.dialects.dashboard.changes import DashboardWorkflowUpdate
from app.api.rest.dialects.dashboard.lists import DEFAULT_LIMIT, PageLimit, page_response
from app.api.rest.dialects.dashboard.unsettable import status_of_workflow
from app.api.rest.dialects.dashboard.workflow_documents import (
    DashboardWorkflowPage,
    WorkflowDetailView,
    workflow_detail,
    workflow_summary,
)
from app.api.rest.documentation import LOCATION, WITH_BODY, documented_errors, readable
from app.api.rest.responses import document_response, readable_response
from app.definitions.ports import WorkflowFilter
from app.domain.callers import Caller
from app.domain.refs import Ref, parse_ref
from app.insights.suggestions import Status as SuggestionState
from app.insights.suggestions import SuggestionFilter

router = APIRouter(prefix="/api/workflows", tags=["dashboard"], route_class=JsonRoute)


@router.get("", summary="List workflows and how they stand", response_model=DashboardWorkflowPage, responses=readable())
async def list_dashboard_workflows(
    services: ReadyServices,
    caller: CallerOfRequest,
    skip: Skip = 0,
    limit: PageLimit = DEFAULT_LIMIT,
    name: Annotated[str | None, Query(description="A part of the name, ignoring case.")] = None,
    key: Annotated[str | None, Query(description="The whole key.")] = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Ordered by id.

    A request in the words of PostgREST, as `?select=id,name` or `?name=eq.x`, gets `/pg/api/workflows` here.
    """
    bodies, total = await services.definitions.list_documents(caller, WorkflowFilter(name, key), skip, limit)
    workflows = [orjson.loads(body) for body in bodies]
    newest = await services.fleet.newest(caller, [workflow["id"] for workflow in workflows])
    items = [workflow_summary(workflow, newest.get(workflow["id"])) for workflow in workflows]
    return page_response(items, total, skip, limit, if_none_match)


@router.post(
    "",
    status_code=201,
    summary="Create a workflow of tasks in a row",
    response_model=WorkflowDetailView,
    responses={201: {"headers": LOCATION}, **documented_errors(409, *WITH_BODY)},
)
async def create_dashboard_workflow(
    body: DashboardWorkflowCreate, services: ReadyServices, caller: Changer
) -> Response:
    """Its tasks run one after another. `POST /api/v1/workflows` takes everything that a workflow can have."""
    stored = await services.definitions.create(caller, body.draft())
    document = workflow_detail(orjson.loads(stored.body), None, (), ())
    return document_response(document, 201, {"Location": f"/api/workflows/{stored.workflow.id}"})


@router.get(
    "/{workflow}",
    summary="Get a workflow and how it stands",
    response_model=WorkflowDetailView,
    responses=readable(404),
)
async def get_dashboard_workflow(
    workflow: WorkflowInPath, services: ReadyServices, caller: CallerOfRequest, if_none_match: IfNoneMatch = None
) -> Response:
    """The workflow with its tasks, as they stand in the newest execution."""
    detail = await _detail(services, caller, parse_ref(workflow, caller.tenant_id))
    return readable_response(orjson.dumps(detail), if_none_match)


@router.put(
    "/{workflow}",
    summary="Change fields of a workflow that a dashboard shows",
    response_model=WorkflowDetailView,
    responses=documented_errors(404, 409, *WITH_BODY),
)
async def update_dashboard_workflow(
    workflow: WorkflowInPath, body: DashboardWorkflowUpdate, services: ReadyServices, caller: Changer
) -> Response:
    """An omitted field stays unchanged. A status cannot be set: 409 says which call changes it."""
    ref = parse_ref(workflow, caller.tenant_id)
    current = await _detail(services, caller, ref)
    if body.status is not None and body.status != current["status"]:
        raise status_of_workflow(body.status, workflow)
    body.check_tasks(current["tasks"])
    await services.definitions.merge(caller, ref, body.changes(), stated=body.of_definition())
    return document_response(await _detail(services, caller, ref))


@router.delete(
    "/{workflow}",
    status_code=204,
    summary="Delete a workflow, without an answer",
    response_class=Response,
    responses=documented_errors(404, 409),
)
async def delete_dashboard_workflow(workflow: WorkflowInPath, services: ReadyServices, caller: Changer) -> Response:
    """Its executions stay. 409 with the code `workflow_in_use` if tasks of other workflows call it."""
    await services.definitions.delete(caller, parse_ref(workflow, caller.tenant_id))
    return Response(status_code=204)


async def _detail(services: Services, caller: Caller, ref: Ref) -> dict[str, Any]:
    workflow = orjson.loads((await services.definitions.document(caller, ref)).body)
    newest = (await services.fleet.newest(caller, [workflow["id"]])).get(workflow["id"])
    tasks = () if newest is None else await services.fleet.tasks_of(caller, newest.execution_id)
    pending = SuggestionFilter(workflow["id"], SuggestionState.OPEN)
    suggestions, _ = await services.suggestions.list(caller, pending, 0, MAX_LIMIT)
    return workflow_detail(workflow, newest, tasks, suggestions)
