"""`/executions`: start, list and read executions."""

from typing import Annotated

import orjson
from fastapi import APIRouter, Query, Response

from app.api.rest.body import JsonRoute
from app.api.rest.conditional_requests import IfNoneMatch
from app.api.rest.dependencies import CallerOfRequest, ExecutionId, Executions, ReadyServices, WorkflowInPath
from app.api.rest.documentation import LOCATION, WITH_BODY, documented_errors, readable
from app.api.rest.execution_documents import (
    execution_document,
    task_execution_document,
)
from app.api.rest.responses import PREFIX, document_response, readable_response
from app.api.rest.views import ExecutionView, TaskExecutionList
from app.api.rest.workflow_bodies import ExecutionStart
from app.domain.refs import parse_ref
from app.engine.starting import StartRequest

MAX_WAIT_SECONDS = 60

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
