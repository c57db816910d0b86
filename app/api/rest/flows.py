"""`/flow/run` and `/flows`: workflows whose conditions choose the next task, stored and run in one call."""

from typing import Annotated
from uuid import UUID

import orjson
from fastapi import APIRouter, Path, Query, Response
from pydantic import PlainValidator

from app.api.rest.body import JsonRoute
from app.api.rest.conditional_requests import IfNoneMatch
from app.api.rest.dependencies import (
    CallerOfRequest,
    Changer,
    Definitions,
    Executions,
    Limit,
    ReadyServices,
    Skip,
)
from app.api.rest.documentation import LOCATION, WITH_BODY, documented_errors, readable
from app.api.rest.examples import EXECUTION_ID
from app.api.rest.executions import MAX_WAIT_SECONDS
from app.api.rest.flow_bodies import FlowRunBody
from app.api.rest.flow_views import FlowPage, FlowRunView, FlowView, flow_document, flow_run_document
from app.api.rest.responses import PREFIX, document_response, page_body, readable_response
from app.definitions.ports import WorkflowFilter
from app.domain.documents import workflow_from_document
from app.domain.errors import NotFound
from app.domain.refs import parse_ref
from app.engine.identifiers import parse_execution_id
from app.flows.runs import read_flow, read_flow_of, read_flow_run, run_flow

WAIT_SECONDS = 30

router = APIRouter(tags=["flows"], route_class=JsonRoute)

FlowRunId = Annotated[
    UUID,
    PlainValidator(parse_execution_id, json_schema_input_type=str),
    Path(description="The run's id: that of its execution.", examples=[EXECUTION_ID]),
]
FlowInPath = Annotated[str, Path(description="The flow's id.", examples=["flow123"])]


@router.post(
    "/flow/run",
    summary="Run a flow",
    response_model=FlowRunView,
    responses={
        200: {"description": "The run has ended, successfully or not.", "headers": LOCATION},
        202: {"model": FlowRunView, "description": "The run continues.", "headers": LOCATION},
        **documented_errors(409, 429, *WITH_BODY),
    },
)
async def start_flow_run(
    body: FlowRunBody,
    services: ReadyServices,
    caller: Changer,
    wait: Annotated[
        float, Query(ge=0, le=MAX_WAIT_SECONDS, allow_inf_nan=False, description="Seconds to wait for the end.")
    ] = WAIT_SECONDS,
) -> Response:
    """Stores the flow under its id, as a new revision if it has changed, runs it, and waits for its end.

    The name of each task is that of a registered function. After the response, a run that has not ended will be run to
    its end.
    """
    draft, payload = body.flow.draft(), services.payloads.from_value(body.input, "input")
    executions = services.executions
    workflow, execution = await run_flow(caller, services.definitions, executions, draft, payload, body.idempotency_key)
    if wait > 0 and not execution.status.is_final:
        async with services.identity.long_calls.lasting(caller):
            execution = await executions.wait(caller, execution.id, wait)
    document = flow_run_document(workflow, execution, await read_flow_run(caller, executions, execution))
    headers = {"Location": f"{PREFIX}/flow-runs/{execution.id}"}
    return document_response(document, 200 if execution.status.is_final else 202, headers)


@router.get("/flow-runs/{flow_run}", summary="Get a flow's run", response_model=FlowRunView, responses=readable(404))
async def get_flow_run(
    flow_run: FlowRunId,
    definitions: Definitions,
    executions: Executions,
    caller: CallerOfRequest,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """The run in its current state."""
    found = await executions.get(caller, flow_run)
    workflow = await read_flow_of(caller, definitions, found)
    document = flow_run_document(workflow, found, await read_flow_run(caller, executions, found))
    return readable_response(orjson.dumps(document), if_none_match)


@router.get("/flows", summary="List flows", response_model=FlowPage, responses=readable())
async def list_flows(
    definitions: Definitions,
    caller: CallerOfRequest,
    skip: Skip = 0,
    limit: Limit = 100,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """All workflows with a `start_task`, including those that were stored under `/workflows`."""
    found, total = await definitions.list_documents(caller, WorkflowFilter(routed=True), skip, limit)
    items = [orjson.dumps(flow_document(workflow_from_document(orjson.loads(document)))) for document in found]
    return readable_response(page_body(items, total, skip, limit), if_none_match)


@router.get("/flows/{flow}", summary="Get a flow", response_model=FlowView, responses=readable(404))
async def get_flow(
    flow: FlowInPath, definitions: Definitions, caller: CallerOfRequest, if_none_match: IfNoneMatch = None
) -> Response:
    """The current revision of the flow. It can be changed and deleted under `/workflows`."""
    try:
        workflow = await read_flow(caller, definitions, parse_ref(flow, caller.tenant_id))
    except NotFound:
        raise NotFound("flow", flow) from None
    if workflow is None:
        raise NotFound("flow", flow)
    return readable_response(orjson.dumps(flow_document(workflow)), if_none_match)
