"""`/workflows/{workflow}/tasks` and `/tasks`: read and change single tasks of a workflow."""

import orjson
from fastapi import APIRouter, Request, Response

from app.api.rest.body import JsonRoute
from app.api.rest.conditional_requests import IfMatch, IfNoneMatch, expected_revision
from app.api.rest.dependencies import (
    CallerOfRequest,
    Changer,
    Definitions,
    Limit,
    Skip,
    Strict,
    TaskId,
    WorkflowInPath,
    caller_of,
    definitions_of,
)
from app.api.rest.documentation import ETAG, LOCATION, WITH_BODY, documented_errors, readable
from app.api.rest.responses import PREFIX, json_response, page_body, readable_response, with_warnings
from app.api.rest.task_bodies import TaskBody, TaskPatch, TaskReplace
from app.api.rest.views import SavedTaskView, TaskPage, TaskView
from app.definitions.service import TaskChange
from app.domain.documents import task_document
from app.domain.errors import NotFound
from app.domain.refs import parse_ref

router = APIRouter(tags=["tasks"], route_class=JsonRoute)

CHANGED = {200: {"headers": ETAG}, **documented_errors(404, 409, 412, *WITH_BODY)}


@router.post(
    "/workflows/{workflow}/tasks",
    status_code=201,
    summary="Add a task",
    response_model=SavedTaskView,
    responses={201: {"headers": ETAG | LOCATION}, **documented_errors(404, 412, *WITH_BODY)},
)
async def create_task(
    workflow: WorkflowInPath,
    body: TaskBody,
    definitions: Definitions,
    caller: Changer,
    strict: Strict = False,
    if_match: IfMatch = None,
) -> Response:
    """Adds a task to a workflow, and so creates a new revision of it."""
    ref = parse_ref(workflow, caller.tenant_id)
    revision = await expected_revision(if_match, None, lambda: definitions.document(caller, ref))
    return _task_response(await definitions.add_task(caller, ref, body.draft(), revision, strict=strict), 201)


@router.get(
    "/workflows/{workflow}/tasks",
    summary="List the tasks of a workflow",
    response_model=TaskPage,
    responses=readable(404),
)
async def list_tasks(
    workflow: WorkflowInPath,
    request: Request,
    skip: Skip = 0,
    limit: Limit = 100,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Ordered by sequence and id."""
    caller = caller_of(request)
    document = await definitions_of(request).document(caller, parse_ref(workflow, caller.tenant_id))
    tasks = orjson.loads(document.body)["tasks"]
    items = [orjson.dumps(task) for task in tasks[skip : skip + limit]]
    return readable_response(page_body(items, len(tasks), skip, limit), if_none_match)


@router.get("/tasks/{task}", summary="Get a task", response_model=TaskView, responses=readable(404))
async def get_task(
    task: TaskId, definitions: Definitions, caller: CallerOfRequest, if_none_match: IfNoneMatch = None
) -> Response:
    """The ETag is that of the workflow: any change of the workflow changes it."""
    document = await definitions.document_of_task(caller, task)
    for found in orjson.loads(document.body)["tasks"]:
        if found["id"] == task:
            return readable_response(orjson.dumps(found), if_none_match, document.etag)
    raise NotFound("task", task)


@router.put("/tasks/{task}", summary="Replace a task", response_model=SavedTaskView, responses=CHANGED)
async def replace_task(
    task: TaskId,
    body: TaskReplace,
    definitions: Definitions,
    caller: Changer,
    strict: Strict = False,
    if_match: IfMatch = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Sets all fields. An omitted field gets its default.

    A task can be sent back as it was read: `id`, `workflow_id` and `created_at` must be unchanged (422), and so must
    `updated_at` (409, `outdated`).
    """
    revision = await expected_revision(if_match, if_none_match, lambda: definitions.document_of_task(caller, task))
    return _task_response(
        await definitions.replace_task(caller, task, body.draft(), revision, body.stated(), strict=strict)
    )


@router.patch("/tasks/{task}", summary="Change fields of a task", response_model=SavedTaskView, responses=CHANGED)
async def update_task(
    task: TaskId,
    body: TaskPatch,
    definitions: Definitions,
    caller: Changer,
    strict: Strict = False,
    if_match: IfMatch = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """An omitted field stays unchanged; null clears a field.

    `name`, `execution_type`, `sequence` and `on_failure` cannot be null.

    `config`, `retry`, `depends_on` and `compensate` are replaced as a whole.
    """
    revision = await expected_revision(if_match, if_none_match, lambda: definitions.document_of_task(caller, task))
    return _task_response(
        await definitions.merge_task(caller, task, body.changes(), revision, body.stated(), strict=strict)
    )


@router.delete("/tasks/{task}", summary="Delete a task", response_model=TaskView, responses=documented_errors(404, 412))
async def delete_task(
    task: TaskId,
    definitions: Definitions,
    caller: Changer,
    if_match: IfMatch = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Returns the task as it was. 422 if other tasks depend on it, or if it undoes another task."""
    revision = await expected_revision(if_match, if_none_match, lambda: definitions.document_of_task(caller, task))
    return _task_response(await definitions.delete_task(caller, task, revision))


def _task_response(change: TaskChange, status: int = 200) -> Response:
    headers = {"ETag": change.etag}
    if status == 201:
        headers["Location"] = f"{PREFIX}/tasks/{change.task.id}"
    body = with_warnings(orjson.dumps(task_document(change.task)), change.warnings)
    return json_response(body, status, headers)
