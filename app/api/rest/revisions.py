"""`/workflows/{workflow}/revisions`: the immutable snapshots, also of workflows that are deleted."""

from dataclasses import asdict
from typing import Annotated

import orjson
from fastapi import APIRouter, Path, Response

from app.api.rest.conditions import IfNoneMatch
from app.api.rest.dependencies import Definitions, Limit, Skip, WorkflowRef
from app.api.rest.documentation import readable
from app.api.rest.responses import page_body, readable_response
from app.api.rest.views import RevisionPage, WorkflowView
from app.definitions.ports import RevisionSummary
from app.domain.documents import rfc3339

router = APIRouter(prefix="/workflows/{workflow}/revisions", tags=["revisions"])


@router.get("", summary="List revisions", response_model=RevisionPage, responses=readable(404))
async def list_revisions(
    workflow: WorkflowRef,
    definitions: Definitions,
    skip: Skip = 0,
    limit: Limit = 100,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Newest first. A deleted workflow's are found by its id."""
    summaries, total = await definitions.list_revisions(workflow, skip, limit)
    items = [_summary(summary) for summary in summaries]
    return readable_response(page_body(items, total, skip, limit), if_none_match)


@router.get("/{revision}", summary="Get a revision", response_model=WorkflowView, responses=readable(404))
async def get_revision(
    workflow: WorkflowRef,
    revision: Annotated[int, Path(description="The revision's number.", examples=[1])],
    definitions: Definitions,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """The whole workflow as it was. A deleted workflow's are found by its id."""
    return readable_response(await definitions.revision_document(workflow, revision), if_none_match)


def _summary(summary: RevisionSummary) -> bytes:
    return orjson.dumps(asdict(summary) | {"created_at": rfc3339(summary.created_at)})
