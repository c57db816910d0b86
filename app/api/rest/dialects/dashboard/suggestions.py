"""`/api/suggestions`: improvements of workflows, to be approved or rejected."""

from typing import Annotated

import orjson
from fastapi import APIRouter, Path, Query, Response
from pydantic import Field

from app.api.rest.body import JsonRoute
from app.api.rest.body_model import Body, with_example
from app.api.rest.conditional_requests import IfNoneMatch
from app.api.rest.dependencies import CallerOfRequest, Changer, ReadyServices, Skip
from app.api.rest.dialects.dashboard.ids import suggestion_number
from app.api.rest.dialects.dashboard.lists import DEFAULT_LIMIT, PageLimit, page_response
from app.api.rest.dialects.dashboard.suggestion_documents import (
    STATUS,
    DashboardSuggestionPage,
    DashboardSuggestionView,
    SuggestionStatusName,
    dashboard_suggestion,
)
from app.api.rest.documentation import LOCATION, WITH_BODY, documented_errors, readable
from app.api.rest.responses import document_response, readable_response
from app.api.rest.suggestion_bodies import Approval, PatchOperation, Rejection
from app.domain.refs import parse_ref
from app.insights.suggestions import SuggestionDraft, SuggestionFilter

router = APIRouter(prefix="/api/suggestions", tags=["dashboard"], route_class=JsonRoute)

SuggestionInPath = Annotated[str, Path(description="The suggestion's id.", examples=["5"])]


class DashboardSuggestionCreate(Body):
    """A suggestion of an external source."""

    model_config = with_example({"workflow_id": "7", "title": "Give up on the numbers after half a minute"})

    workflow_id: str | int = Field(description="The workflow's id or key.")
    task: str | None = Field(None, description="The name of the task; null if it is about the whole workflow.")
    type: str = Field("external", description="What is suggested; one of each kind can be pending.")
    title: str
    description: str = ""
    patch: list[PatchOperation] | None = Field(None, description="A JSON Patch of the workflow; null for advice.")

    def draft(self) -> SuggestionDraft:
        patch = None if self.patch is None else [one.model_dump(exclude_unset=True) for one in self.patch]
        return SuggestionDraft(self.title, self.description, self.type, self.task, patch)


@router.get(
    "", summary="List suggestions for a dashboard", response_model=DashboardSuggestionPage, responses=readable(404)
)
async def list_dashboard_suggestions(
    services: ReadyServices,
    caller: CallerOfRequest,
    skip: Skip = 0,
    limit: PageLimit = DEFAULT_LIMIT,
    status: Annotated[SuggestionStatusName | None, Query(description="Only those with this status.")] = None,
    workflow_id: Annotated[str | None, Query(description="Only those of this workflow: an id or a key.")] = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Newest first."""
    ref = None if workflow_id is None else parse_ref(workflow_id, caller.tenant_id)
    wanted = SuggestionFilter(
        None if ref is None else await services.executions.workflow_id(caller, ref),
        next((one for one, word in STATUS.items() if word == status), None),
    )
    found, total = await services.suggestions.list(caller, wanted, skip, limit)
    return page_response([dashboard_suggestion(one) for one in found], total, skip, limit, if_none_match)


@router.post(
    "",
    status_code=201,
    summary="Suggest an improvement",
    response_model=DashboardSuggestionView,
    responses={201: {"headers": LOCATION}, **documented_errors(404, 409, *WITH_BODY)},
)
async def create_dashboard_suggestion(
    body: DashboardSuggestionCreate, services: ReadyServices, caller: Changer
) -> Response:
    """Stores a suggestion. Nothing is changed before someone approves it."""
    ref = parse_ref(str(body.workflow_id), caller.tenant_id)
    made = await services.suggestions.create(caller, ref, body.draft())
    return document_response(dashboard_suggestion(made), 201, {"Location": f"/api/suggestions/{made.id}"})


@router.get(
    "/{suggestion}",
    summary="Get a suggestion for a dashboard",
    response_model=DashboardSuggestionView,
    responses=readable(404),
)
async def get_dashboard_suggestion(
    suggestion: SuggestionInPath, services: ReadyServices, caller: CallerOfRequest, if_none_match: IfNoneMatch = None
) -> Response:
    """What is suggested, and what was decided. `/api/v1/suggestions` has the evidence."""
    found = await services.suggestions.get(caller, suggestion_number(suggestion))
    return readable_response(orjson.dumps(dashboard_suggestion(found)), if_none_match)


@router.post(
    "/{suggestion}/approve",
    summary="Approve a suggestion on a dashboard",
    response_model=DashboardSuggestionView,
    responses=documented_errors(404, 409, *WITH_BODY),
)
async def approve_dashboard_suggestion(
    suggestion: SuggestionInPath, body: Approval, services: ReadyServices, caller: Changer
) -> Response:
    """Applies it to the workflow, as one new revision. 409 if it was decided already, or holds no longer."""
    number = suggestion_number(suggestion)
    decided = await services.suggestions.approve(caller, number, body.approved_by, body.notes)
    return document_response(dashboard_suggestion(decided))


@router.post(
    "/{suggestion}/reject",
    summary="Reject a suggestion on a dashboard",
    response_model=DashboardSuggestionView,
    responses=documented_errors(404, 409, *WITH_BODY),
)
async def reject_dashboard_suggestion(
    suggestion: SuggestionInPath, body: Rejection, services: ReadyServices, caller: Changer
) -> Response:
    """The same is not suggested again for 30 days, unless its evidence has doubled."""
    number = suggestion_number(suggestion)
    decided = await services.suggestions.reject(caller, number, body.rejected_by, body.reason)
    return document_response(dashboard_suggestion(decided))
