"""`/suggestions`: improvements of definitions, computed from histories or sent by others."""

from typing import Annotated

import orjson
from fastapi import APIRouter, Path, Query, Response

from app.api.rest.body import JsonRoute
from app.api.rest.conditional_requests import IfNoneMatch
from app.api.rest.dependencies import CallerOfRequest, Changer, Definitions, Limit, Skip, Suggestions
from app.api.rest.documentation import LOCATION, WITH_BODY, documented_errors, readable
from app.api.rest.responses import PREFIX, document_response, page_body, readable_response
from app.api.rest.suggestion_bodies import Approval, Rejection, SuggestionBody, Undoing
from app.api.rest.suggestion_views import (
    ComputingView,
    EvidenceReportView,
    SourceName,
    StatusName,
    SuggestionPage,
    SuggestionView,
)
from app.domain.refs import parse_ref
from app.insights.documents import computing_document, suggestion_document
from app.insights.suggestions import Source, Status, SuggestionFilter

router = APIRouter(prefix="/suggestions", tags=["suggestions"], route_class=JsonRoute)

SuggestionId = Annotated[int, Path(description="The suggestion's id.", examples=[5])]


@router.get("", summary="List suggestions", response_model=SuggestionPage, responses=readable(404))
async def list_suggestions(  # noqa: PLR0913 - one for each filter
    suggestions: Suggestions,
    definitions: Definitions,
    caller: CallerOfRequest,
    skip: Skip = 0,
    limit: Limit = 100,
    workflow_id: Annotated[str | None, Query(description="Only those of this workflow: an id or a key.")] = None,
    status: Annotated[StatusName | None, Query(description="Only those with this status.")] = None,
    rule: Annotated[str | None, Query(description="Only those of this rule.")] = None,
    source: Annotated[SourceName | None, Query(description="Only those from this source.")] = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Newest first."""
    found = None
    if workflow_id is not None:
        found = (await definitions.document(caller, parse_ref(workflow_id, caller.tenant_id))).workflow_id
    wanted = SuggestionFilter(
        found, None if status is None else Status(status), rule, None if source is None else Source(source)
    )
    page, total = await suggestions.list(caller, wanted, skip, limit)
    items = [orjson.dumps(suggestion_document(one)) for one in page]
    return readable_response(page_body(items, total, skip, limit), if_none_match)


@router.post(
    "",
    status_code=201,
    summary="Suggest something",
    response_model=SuggestionView,
    responses={201: {"headers": LOCATION}, **documented_errors(404, 409, *WITH_BODY)},
)
async def create_suggestion(body: SuggestionBody, suggestions: Suggestions, caller: Changer) -> Response:
    """Stores a suggestion of an external source. Nothing is changed before someone approves it.

    `patch` must fit the current revision. Of each workflow, task and `rule`, one can be open.
    """
    made = await suggestions.create(caller, body.ref(caller.tenant_id), body.draft())
    headers = {"Location": f"{PREFIX}/suggestions/{made.id}"}
    return document_response(suggestion_document(made), 201, headers)


@router.post(
    "/compute",
    status_code=202,
    summary="Compute suggestions",
    response_model=ComputingView,
    responses=documented_errors(),
)
async def compute_suggestions(suggestions: Suggestions, caller: Changer) -> Response:
    """Asks the engines to compute the suggestions of the tenant soon. Without this, they do so every 6 hours."""
    return document_response(computing_document(await suggestions.compute(caller)), 202)


@router.get("/{suggestion_id}", summary="Get a suggestion", response_model=SuggestionView, responses=readable(404))
async def get_suggestion(
    suggestion_id: SuggestionId, suggestions: Suggestions, caller: CallerOfRequest, if_none_match: IfNoneMatch = None
) -> Response:
    """What is suggested, from what sample, and what was decided."""
    found = await suggestions.get(caller, suggestion_id)
    return readable_response(orjson.dumps(suggestion_document(found)), if_none_match)


@router.get(
    "/{suggestion_id}/evidence",
    summary="Get the evidence of a suggestion",
    response_model=EvidenceReportView,
    responses=readable(404),
)
async def get_suggestion_evidence(
    suggestion_id: SuggestionId, suggestions: Suggestions, caller: CallerOfRequest, if_none_match: IfNoneMatch = None
) -> Response:
    """The observations that the suggestion was computed from, and its formula computed again from them."""
    report = await suggestions.evidence(caller, suggestion_id)
    return readable_response(orjson.dumps(report), if_none_match)


@router.post(
    "/{suggestion_id}/approve",
    summary="Approve a suggestion",
    response_model=SuggestionView,
    responses=documented_errors(404, 409, *WITH_BODY),
)
async def approve_suggestion(
    suggestion_id: SuggestionId, body: Approval, suggestions: Suggestions, caller: Changer
) -> Response:
    """Applies the patch to the current revision of the workflow: one new revision. Running executions keep theirs.

    409 with the code `suggestion_stale` if the newest histories no longer support it, or the field has changed.
    """
    decided = await suggestions.approve(caller, suggestion_id, body.approved_by, body.notes)
    return document_response(suggestion_document(decided))


@router.post(
    "/{suggestion_id}/reject",
    summary="Reject a suggestion",
    response_model=SuggestionView,
    responses=documented_errors(404, 409, *WITH_BODY),
)
async def reject_suggestion(
    suggestion_id: SuggestionId, body: Rejection, suggestions: Suggestions, caller: Changer
) -> Response:
    """The same is not suggested again for 30 days, unless its evidence has doubled."""
    decided = await suggestions.reject(caller, suggestion_id, body.rejected_by, body.reason)
    return document_response(suggestion_document(decided))


@router.post(
    "/{suggestion_id}/undo",
    summary="Take back an approved suggestion",
    response_model=SuggestionView,
    responses=documented_errors(404, 409, *WITH_BODY),
)
async def undo_suggestion(
    suggestion_id: SuggestionId, body: Undoing, suggestions: Suggestions, caller: Changer
) -> Response:
    """Gives back the old value, in a new revision. 409 with the code `suggestion_stale` if it was changed since."""
    decided = await suggestions.undo(caller, suggestion_id, body.undone_by, body.notes)
    return document_response(suggestion_document(decided))
