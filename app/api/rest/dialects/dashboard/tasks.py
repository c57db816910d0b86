"""`/api/tasks`: the tasks of executions, and those of definitions."""

from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Query, Response

from app.api.rest.body import JsonRoute
from app.api.rest.conditional_requests import IfNoneMatch
from app.api.rest.dependencies import CallerOfRequest, Changer, ExecutionId, ReadyServices, Services, TaskId
from app.api.rest.dialects.dashboard.bodies import DashboardTaskCreate
from app.api.rest.dialects.dashboard.changes import DashboardTaskUpdate
from app.api.rest.dialects.dashboard.ids import agent_number, task_id
from app.api.rest.dialects.dashboard.lists import DEFAULT_LIMIT, PageLimit, page_response
from app.api.rest.dialects.dashboard.task_documents import (
    STATUS,
    DashboardTaskPage,
    DashboardTaskView,
    TaskStatusName,
    defined_document,
    listed_document,
)
from app.api.rest.dialects.dashboard.unsettable import fields_of_task, status_of_defined_task, status_of_task
from app.api.rest.documentation import LOCATION, WITH_BODY, documented_errors, readable
from app.api.rest.responses import document_response, readable_response
from app.domain.callers import Caller
from app.domain.definitions import MAX_SEQUENCE
from app.domain.documents import task_document
from app.domain.errors import NotFound
from app.domain.refs import parse_ref
from app.engine.fleet.ports import MOST_TASKS, ListedTask, TaskFilter

router = APIRouter(prefix="/api/tasks", tags=["dashboard"], route_class=JsonRoute)

TaskSkip = Annotated[int, Query(ge=0, le=MOST_TASKS, description="How many items to skip.")]
CHANGED = documented_errors(404, 409, *WITH_BODY)


@router.get("", summary="List tasks of executions", response_model=DashboardTaskPage, responses=readable(404))
async def list_dashboard_tasks(  # noqa: PLR0913 - one for each filter
    services: ReadyServices,
    caller: CallerOfRequest,
    skip: TaskSkip = 0,
    limit: PageLimit = DEFAULT_LIMIT,
    status: Annotated[TaskStatusName | None, Query(description="Only those with this status.")] = None,
    agent_id: Annotated[str | None, Query(description="Only those of this agent.")] = None,
    workflow_id: Annotated[str | None, Query(description="Only those of this workflow: an id or a key.")] = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """The tasks of executions that have not ended, or were created in the last 24 hours; of the newest execution first.

    `total` is exact up to 10,000. Beyond, `total_is_exact` is false, and a filter leads further than pages do. So it is
    with `status` when the newest histories have more than 100,000 events together: tasks of the others are left out.
    """
    ref = None if workflow_id is None else parse_ref(workflow_id, caller.tenant_id)
    wanted = TaskFilter(
        None if status is None else frozenset(one for one, word in STATUS.items() if word == status),
        None if ref is None else await services.executions.workflow_id(caller, ref),
        None if agent_id is None else agent_number(agent_id),
    )
    page = await services.fleet.tasks(caller, wanted, skip, limit)
    items = [listed_document(task) for task in page.tasks]
    return page_response(items, page.total, skip, limit, if_none_match, total_is_exact=page.is_exact)


@router.post(
    "",
    status_code=201,
    summary="Add a task at the end of a workflow",
    response_model=DashboardTaskView,
    responses={201: {"headers": LOCATION}, **CHANGED},
)
async def create_dashboard_task(body: DashboardTaskCreate, services: ReadyServices, caller: Changer) -> Response:
    """Adds a task to the definition, after all others. Executions that start later have it."""
    ref = parse_ref(str(body.workflow_id), caller.tenant_id)
    workflow = orjson.loads((await services.definitions.document(caller, ref)).body)
    last = max((task["sequence"] for task in workflow["tasks"]), default=0)
    change = await services.definitions.add_task(caller, ref, body.draft(min(last + 1, MAX_SEQUENCE)))
    headers = {"Location": f"/api/tasks/{change.task.id}"}
    return document_response(_defined(task_document(change.task)), 201, headers)


@router.get("/{task}", summary="Get a task of a definition", response_model=DashboardTaskView, responses=readable(404))
async def get_dashboard_defined_task(
    task: TaskId, services: ReadyServices, caller: CallerOfRequest, if_none_match: IfNoneMatch = None
) -> Response:
    """It is `pending`, because only tasks of executions have a state."""
    document = defined_document(await _defined_task(services, caller, task))
    return readable_response(orjson.dumps(document), if_none_match)


@router.put(
    "/{task}",
    summary="Change fields of a task that a dashboard shows",
    response_model=DashboardTaskView,
    responses=CHANGED,
)
async def update_dashboard_defined_task(
    task: TaskId, body: DashboardTaskUpdate, services: ReadyServices, caller: Changer
) -> Response:
    """An omitted field stays unchanged. A status cannot be set: 409 says which call changes it."""
    current = await _defined_task(services, caller, task)
    if body.status is not None and body.status != "pending":
        raise status_of_defined_task(body.status, str(current["workflow_id"]))
    changes = body.changes(current["config"], current["type"])
    change = await services.definitions.merge_task(caller, task, changes, stated=body.of_definition())
    return document_response(_defined(task_document(change.task)))


@router.delete(
    "/{task}",
    status_code=204,
    summary="Delete a task of a definition, without an answer",
    response_class=Response,
    responses=documented_errors(404),
)
async def delete_dashboard_defined_task(task: TaskId, services: ReadyServices, caller: Changer) -> Response:
    """Executions that have it keep it. 422 if other tasks depend on it."""
    await services.definitions.delete_task(caller, task)
    return Response(status_code=204)


@router.get(
    "/{execution}/{task}",
    summary="Get a task of an execution",
    response_model=DashboardTaskView,
    responses=readable(404),
)
async def get_dashboard_task(
    execution: ExecutionId,
    task: TaskId,
    services: ReadyServices,
    caller: CallerOfRequest,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """One task, also of an execution that has ended long ago."""
    document = listed_document(await _task(services, caller, execution, task))
    return readable_response(orjson.dumps(document), if_none_match)


@router.put(
    "/{execution}/{task}",
    summary="Learn which call changes a task of an execution",
    response_model=DashboardTaskView,
    responses=CHANGED,
)
async def update_dashboard_task(
    execution: ExecutionId, task: TaskId, body: DashboardTaskUpdate, services: ReadyServices, caller: CallerOfRequest
) -> Response:
    """The task, if it already is as the body says; otherwise 409, which says which call changes it."""
    current = listed_document(await _task(services, caller, execution, task))
    body.check(current)
    if body.status is not None and body.status != current["status"]:
        raise status_of_task(body.status, str(execution))
    if body.would_change(current):
        raise fields_of_task(task)
    return document_response(current)


async def _task(services: Services, caller: Caller, execution: UUID, task: int) -> ListedTask:
    for found in await services.fleet.tasks_of(caller, execution):
        if found.task_id == task:
            return found
    raise NotFound("task", task_id(execution, task))


async def _defined_task(services: Services, caller: Caller, task: int) -> dict[str, Any]:
    """The document of a task of a definition."""
    document = await services.definitions.document_of_task(caller, task)
    for found in orjson.loads(document.body)["tasks"]:
        if found["id"] == task:
            return dict(found)
    raise NotFound("task", task)


def _defined(task: dict[str, Any]) -> dict[str, Any]:
    return defined_document(orjson.loads(orjson.dumps(task)))
