"""`/trigger` and `/runs`: executions under another name, with ids that callers may choose. `/health` beside them."""

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Header, Path, Query, Response

from app.api.rest.body import JsonRoute, takes_bodies_of_curl
from app.api.rest.conditional_requests import IfNoneMatch
from app.api.rest.dependencies import CallerOfRequest, Executions, Limit, ReadyServices
from app.api.rest.dialects.run_bodies import TriggerBody
from app.api.rest.dialects.run_documents import run_document, run_summary
from app.api.rest.dialects.run_views import RunPage, RunView, TriggeredView
from app.api.rest.documentation import LOCATION, WITH_BODY, documented_errors, readable
from app.api.rest.examples import EXECUTION_ID
from app.api.rest.responses import PREFIX, document_response, readable_response
from app.api.rest.views import HealthView
from app.domain.errors import NotFound
from app.domain.permissions import Access, Permission, Target
from app.domain.refs import Ref, parse_ref
from app.domain.run_ids import parse_run_id
from app.domain.traces import parse_traceparent
from app.engine.execution_filter import ExecutionFilter
from app.engine.identifiers import parse_execution_id
from app.engine.triggering.service import TriggerRequest
from app.identity.workflow_limits import Named

OF_A_WORKFLOW = Permission(Access.CALLERS, target=Target.WORKFLOW)
"""For callers that are limited to some workflows: the one that is named must be one of them."""

router = APIRouter(tags=["runs"], route_class=JsonRoute)

RunInPath = Annotated[
    str, Path(description="The run's id: a UUID, or the text with which it was triggered.", examples=[EXECUTION_ID])
]
Traceparent = Annotated[
    str | None, Header(description="The trace that the run belongs to (W3C Trace Context). A wrong one is ignored.")
]


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


@router.post(
    "/trigger",
    status_code=202,
    summary="Trigger a workflow",
    response_model=TriggeredView,
    responses={202: {"headers": LOCATION}, **documented_errors(404, 409, *WITH_BODY)},
)
@takes_bodies_of_curl(_is_object)
async def trigger_workflow(
    body: TriggerBody, services: ReadyServices, caller: CallerOfRequest, traceparent: Traceparent = None
) -> Response:
    """Starts an execution of the current revision. After the response, it will be run to its end.

    A trigger with a `run_id` that was used before for this workflow has the same response, and starts nothing. With
    another workflow it is refused: 409 with the code `run_id_taken`.
    """
    ref = parse_ref(str(body.workflow_id), caller.tenant_id)
    await services.identity.admission.check_limit(caller, OF_A_WORKFLOW, Named(workflow=ref))
    payload = services.payloads.from_value(body.payload, "payload")
    run_id = None if body.run_id is None else parse_run_id(body.run_id, caller.tenant)
    request = TriggerRequest(ref, payload, run_id, traceparent=parse_traceparent(traceparent))
    execution_id = await services.triggers.trigger(caller, request)
    headers = {"Location": f"{PREFIX}/runs/{execution_id}"}
    return document_response({"run_id": str(execution_id), "status": "triggered"}, 202, headers)


@router.get("/runs", summary="List runs", response_model=RunPage, responses=readable(404))
async def list_runs(
    executions: Executions,
    caller: CallerOfRequest,
    limit: Limit = 100,
    cursor: Annotated[str | None, Query(description="`next_cursor` of the previous page.")] = None,
    workflow_id: Annotated[str | None, Query(description="Only those of this workflow: an id or a key.")] = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Newest first, without payloads and step results. Every execution is a run, however it was started."""
    ref = None if workflow_id is None else parse_ref(workflow_id, caller.tenant_id)
    wanted = ExecutionFilter(None if ref is None else await executions.workflow_id(caller, ref))
    before = parse_execution_id(cursor, "cursor") if cursor else None
    page = await executions.list_executions(caller, wanted, before, limit)
    document = {
        "items": [run_summary(execution) for execution in page.executions],
        "next_cursor": None if page.next_cursor is None else str(page.next_cursor),
        "limit": limit,
    }
    return readable_response(orjson.dumps(document), if_none_match)


@router.get("/runs/{run}", summary="Get a run", response_model=RunView, responses=readable(404))
async def get_run(
    run: RunInPath, services: ReadyServices, caller: CallerOfRequest, if_none_match: IfNoneMatch = None
) -> Response:
    """The run in its current state, with the result of each step."""
    check_limit = services.identity.admission.check_limit
    try:
        found = await services.triggers.find(caller, parse_run_id(run, caller.tenant))
    except NotFound:
        await check_limit(caller, OF_A_WORKFLOW, Named())
        raise
    workflow = Ref(tenant_id=caller.tenant_id, id=found.workflow_id)
    await check_limit(caller, OF_A_WORKFLOW, Named(workflow=workflow))
    document = run_document(found, await services.executions.tasks(caller, found.id))
    return readable_response(orjson.dumps(document), if_none_match)


@router.get("/health", summary="Is the service alive", response_model=HealthView)
async def get_health() -> Response:
    """As `/healthz`: 200 while the process is alive. `/readyz` says whether it can serve requests."""
    return document_response({"status": "ok"})
