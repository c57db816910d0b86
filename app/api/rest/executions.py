"""`/executions`: start, list and read executions."""

from typing import Annotated

import orjson
from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from app.api.rest.body import JsonRoute
from app.api.rest.body_model import QueryInstant
from app.api.rest.conditional_requests import IfNoneMatch
from app.api.rest.dependencies import MAX_LIMIT, CallerOfRequest, ExecutionId, Executions, ReadyServices, WorkflowInPath
from app.api.rest.documentation import LOCATION, WITH_BODY, documented_errors, readable
from app.api.rest.execution_documents import (
    execution_document,
    execution_summary,
    task_execution_document,
)
from app.api.rest.responses import PREFIX, document_response, readable_response
from app.api.rest.views import ExecutionPage, ExecutionStatusName, ExecutionView, TaskExecutionList
from app.api.rest.workflow_bodies import ExecutionStart
from app.domain.refs import parse_ref
from app.domain.states import ExecutionStatus
from app.engine.identifiers import parse_execution_id
from app.engine.ports import ExecutionFilter
from app.engine.starting import StartRequest

MAX_WAIT_SECONDS = 60


class ExecutionQuery(BaseModel):
    cursor: str | None = Field(None, description="`next_cursor` of the previous page.")
    limit: int = Field(100, ge=1, le=MAX_LIMIT, description="The largest number of items to return.")
    status: ExecutionStatusName | None = Field(None, description="Only those in this status.")
    workflow_id: str | None = Field(None, description="Only those of this workflow: an id or a key.")
    parent: str | None = Field(None, description="Only those that tasks of this execution have started.")
    root_id: str | None = Field(None, description="Only those below this execution, the top of their family.")
    created_after: QueryInstant | None = Field(None, description="Only those created after this instant.")
    created_before: QueryInstant | None = Field(None, description="Only those created before this instant.")

    def filter(self, workflow_id: int | None) -> ExecutionFilter:
        """Return the filter. `workflow_id` is the id that the query's `workflow_id` (an id or a key) stands for."""
        status = None if self.status is None else ExecutionStatus(self.status)
        parent_id = None if self.parent is None else parse_execution_id(self.parent, "parent")
        root_id = None if self.root_id is None else parse_execution_id(self.root_id, "root_id")
        return ExecutionFilter(workflow_id, status, self.created_after, self.created_before, parent_id, root_id)


router = APIRouter(tags=["executions"], route_class=JsonRoute)


@router.post(
    "/workflows/{workflow}/executions",
    status_code=202,
    summary="Start an execution",
    response_model=ExecutionView,
    responses={
        200: {"model": ExecutionView, "description": "The execution has ended.", "headers": LOCATION},
        202: {"description": "The execution is accepted and will be run.", "headers": LOCATION},
        **documented_errors(404, 409, 429, *WITH_BODY),
    },
)
async def start_execution(
    workflow: WorkflowInPath,
    services: ReadyServices,
    caller: CallerOfRequest,
    body: ExecutionStart | None = None,
    wait: Annotated[
        float, Query(ge=0, le=MAX_WAIT_SECONDS, allow_inf_nan=False, description="Seconds to wait for the end.")
    ] = 0,
) -> Response:
    """Starts an execution of the current revision. After the response, the execution will be run to its end, even if
    processes crash.

    A start with an `idempotency_key` that was used before for this workflow returns the execution that it started then.
    With another input it is refused: 409 with the code `idempotency_mismatch`.
    """
    body = body or ExecutionStart()
    executions, payload = services.executions, services.payloads.from_value(body.input, "input")
    request = StartRequest(parse_ref(workflow, caller.tenant_id), payload, body.idempotency_key)
    started = await executions.start(caller, request)
    execution = started.execution
    if wait > 0 and not execution.status.is_final:
        async with services.identity.long_calls.lasting(caller):
            execution = await executions.wait(caller, execution.id, wait)
    headers = {"Location": f"{PREFIX}/executions/{execution.id}"}
    return document_response(execution_document(execution), 200 if execution.status.is_final else 202, headers)


@router.get("/executions", summary="List executions", response_model=ExecutionPage, responses=readable(404))
async def list_executions(
    executions: Executions,
    caller: CallerOfRequest,
    wanted: Annotated[ExecutionQuery, Query()],
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Newest first, without inputs and outputs."""
    workflow = wanted.workflow_id
    ref = None if workflow is None else parse_ref(workflow, caller.tenant_id)
    workflow_id = None if ref is None else await executions.workflow_id(caller, ref)
    before = parse_execution_id(wanted.cursor, "cursor") if wanted.cursor else None
    page = await executions.list_executions(caller, wanted.filter(workflow_id), before, wanted.limit)
    cursor = None if page.next_cursor is None else str(page.next_cursor)
    document = {"items": [execution_summary(e) for e in page.executions], "next_cursor": cursor}
    return readable_response(orjson.dumps(document), if_none_match)


@router.get(
    "/executions/{execution}", summary="Get an execution", response_model=ExecutionView, responses=readable(404)
)
async def get_execution(
    execution: ExecutionId, executions: Executions, caller: CallerOfRequest, if_none_match: IfNoneMatch = None
) -> Response:
    """The execution in its current state."""
    found = await executions.get(caller, execution)
    return readable_response(orjson.dumps(execution_document(found)), if_none_match)


@router.get(
    "/executions/{execution}/tasks",
    summary="List the tasks of an execution",
    response_model=TaskExecutionList,
    responses=readable(404),
)
async def list_task_executions(
    execution: ExecutionId, executions: Executions, caller: CallerOfRequest, if_none_match: IfNoneMatch = None
) -> Response:
    """The state of each task of the revision, in the order in which they run."""
    tasks = await executions.tasks(caller, execution)
    document = {"items": [task_execution_document(execution, task) for task in tasks]}
    return readable_response(orjson.dumps(document), if_none_match)
