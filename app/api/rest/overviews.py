"""Lists, counts, statistics and views of executions: what dashboards read."""

from typing import Annotated

import orjson
from fastapi import APIRouter, Query, Response

from app.api.rest.conditional_requests import IfNoneMatch
from app.api.rest.dependencies import CallerOfRequest, ExecutionId, Executions, Overviews, ReadyServices, WorkflowInPath
from app.api.rest.documentation import readable
from app.api.rest.overview_documents import counts_document, listed_document, statistics_document, view_document
from app.api.rest.overview_queries import ExecutionQuery
from app.api.rest.overview_views import CountsView, ExecutionOverviewView, ExecutionPage, StatisticsView
from app.api.rest.responses import readable_response
from app.domain.callers import Caller
from app.domain.refs import parse_ref
from app.engine.identifiers import parse_execution_id
from app.engine.service import ExecutionService

MOST_EXECUTIONS = 1_000
MOST_DAYS = 30

router = APIRouter(tags=["executions"])

OfWorkflow = Annotated[str | None, Query(description="Only those of this workflow: an id or a key.")]
Newest = Annotated[int, Query(ge=1, le=MOST_EXECUTIONS, description="How many executions to look at.")]
Days = Annotated[int, Query(ge=1, le=MOST_DAYS, description="How old these may be.")]


@router.get("/executions", summary="List executions", response_model=ExecutionPage, responses=readable(404))
async def list_executions(
    executions: Executions,
    overviews: Overviews,
    caller: CallerOfRequest,
    wanted: Annotated[ExecutionQuery, Query()],
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Newest first, without inputs and outputs, but with how far they have come."""
    workflow_id = await _workflow_id(executions, caller, wanted.workflow_id)
    before = parse_execution_id(wanted.cursor, "cursor") if wanted.cursor else None
    page = await overviews.list_executions(
        caller, wanted.filter(workflow_id), wanted.workflow_name, before, wanted.limit
    )
    cursor = None if page.next_cursor is None else str(page.next_cursor)
    document = {"items": [listed_document(one) for one in page.executions], "next_cursor": cursor}
    return readable_response(orjson.dumps(document), if_none_match)


@router.get("/executions/counts", summary="Count executions", response_model=CountsView, responses=readable(404))
async def count_executions(
    executions: Executions,
    overviews: Overviews,
    caller: CallerOfRequest,
    workflow_id: OfWorkflow = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """How many have not ended, and how many have ended in the last 24 hours, by status."""
    counts = await overviews.counts(caller, await _workflow_id(executions, caller, workflow_id))
    return readable_response(orjson.dumps(counts_document(counts)), if_none_match)


@router.get(
    "/executions/{execution}/view",
    summary="Get an execution with all attempts",
    response_model=ExecutionOverviewView,
    responses=readable(404),
)
async def get_execution_view(
    execution: ExecutionId, overviews: Overviews, caller: CallerOfRequest, if_none_match: IfNoneMatch = None
) -> Response:
    """The execution and each of its tasks with all attempts, as of one moment, and the number of the last event.
    Outputs are cut, and elements are counted.
    """
    document = await view_document(await overviews.view(caller, execution))
    return readable_response(orjson.dumps(document), if_none_match)


@router.get(
    "/workflows/{workflow}/statistics",
    summary="Get statistics of a workflow",
    response_model=StatisticsView,
    responses=readable(404),
)
async def get_workflow_statistics(
    workflow: WorkflowInPath,
    services: ReadyServices,
    caller: CallerOfRequest,
    limit: Newest = MOST_EXECUTIONS,
    days: Days = MOST_DAYS,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """How the newest executions that have ended came out, how long they took, and the same of the attempts of each
    task. Of a deleted workflow they are found by its id.
    """
    ref = parse_ref(workflow, caller.tenant_id)
    workflow_id = await services.executions.workflow_id(caller, ref)
    statistics = await services.overviews.statistics(caller, workflow_id, limit, days)
    if statistics.executions.count == 0:
        await services.definitions.document(caller, ref)  # which refuses one that does not exist
    asked = {"workflow_id": workflow_id, "limit": limit, "days": days}
    return readable_response(orjson.dumps(asked | statistics_document(statistics)), if_none_match)


async def _workflow_id(executions: ExecutionService, caller: Caller, text: str | None) -> int | None:
    return None if text is None else await executions.workflow_id(caller, parse_ref(text, caller.tenant_id))
