"""`/workflows/{workflow}/revisions`: the immutable snapshots of workflows, including deleted ones."""

import asyncio
from dataclasses import asdict
from typing import Annotated

import orjson
from fastapi import APIRouter, Path, Query, Response

from app.api.rest.conditional_requests import IfMatch, IfNoneMatch, expected_revision
from app.api.rest.dependencies import (
    CallerOfRequest,
    Changer,
    Definitions,
    Limit,
    Skip,
    Strict,
    WorkflowInPath,
)
from app.api.rest.documentation import ETAG, documented_errors, readable
from app.api.rest.files.file_texts import MEDIA_TYPES as FILE_MEDIA_TYPES
from app.api.rest.files.file_texts import FileFormat, file_text
from app.api.rest.files.normalising import file_document
from app.api.rest.responses import page_body, readable_response, workflow_response
from app.api.rest.revision_views import RevisionChangesView
from app.api.rest.views import RevisionFileView, RevisionPage, SavedWorkflowView, WorkflowView
from app.definitions.ports import RevisionSummary
from app.domain.documents import rfc3339, workflow_from_document
from app.domain.refs import parse_ref

router = APIRouter(prefix="/workflows/{workflow}/revisions", tags=["revisions"])

RevisionNumber = Annotated[int, Path(description="The revision's number.", examples=[1])]
Against = Annotated[
    int | None,
    Query(description="The revision to compare with; 0 stands for an empty workflow. The default is the previous one."),
]


@router.get("", summary="List revisions", response_model=RevisionPage, responses=readable(404))
async def list_revisions(
    workflow: WorkflowInPath,
    definitions: Definitions,
    caller: CallerOfRequest,
    skip: Skip = 0,
    limit: Limit = 100,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Newest first. The revisions of a deleted workflow are found by its id."""
    summaries, total = await definitions.list_revisions(caller, parse_ref(workflow, caller.tenant_id), skip, limit)
    items = [_summary(summary) for summary in summaries]
    return readable_response(page_body(items, total, skip, limit), if_none_match)


@router.get("/{revision}", summary="Get a revision", response_model=WorkflowView, responses=readable(404))
async def get_revision(
    workflow: WorkflowInPath,
    revision: RevisionNumber,
    definitions: Definitions,
    caller: CallerOfRequest,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """The whole workflow as it was at this revision. The revisions of a deleted workflow are found by its id."""
    return readable_response(
        await definitions.revision_document(caller, parse_ref(workflow, caller.tenant_id), revision), if_none_match
    )


_FILE = readable(404)


@router.get(
    "/{revision}/file",
    summary="Get a revision as a file",
    response_model=RevisionFileView,
    responses=_FILE | {200: {"content": {"application/yaml": {"schema": {"type": "string"}}}, **_FILE[200]}},
)
async def get_revision_file(
    workflow: WorkflowInPath,
    revision: RevisionNumber,
    definitions: Definitions,
    caller: CallerOfRequest,
    format: Annotated[FileFormat, Query(description="The language of the file.")] = FileFormat.YAML,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """The definition without ids, revisions, times and default values, as `workflow export` writes it.

    To send it back with PUT changes nothing. The revisions of a deleted workflow are found by its id.
    """
    stored = await definitions.revision_document(caller, parse_ref(workflow, caller.tenant_id), revision)
    text = await asyncio.to_thread(_file, stored, format)  # to write YAML takes long
    return readable_response(text, if_none_match, media_type=FILE_MEDIA_TYPES[format])


def _file(stored: bytes, format: FileFormat) -> bytes:
    document = file_document(workflow_from_document(orjson.loads(stored)))
    document.setdefault("tasks", [])  # a PUT without them would keep the stored ones
    return file_text(document, format).encode()


@router.get(
    "/{revision}/changes",
    summary="What a revision changed",
    response_model=RevisionChangesView,
    responses=readable(404),
)
async def get_revision_changes(
    workflow: WorkflowInPath,
    revision: RevisionNumber,
    definitions: Definitions,
    caller: CallerOfRequest,
    against: Against = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """The old and the new value of each field that differs, and the names of added and removed tasks.

    Tasks with the same name, or with the same id, are compared with each other. The revisions of a deleted workflow are
    found by its id.
    """
    base = revision - 1 if against is None else against
    differences = await definitions.revision_differences(caller, parse_ref(workflow, caller.tenant_id), revision, base)
    return readable_response(
        orjson.dumps({"revision": revision, "against": base, **asdict(differences)}), if_none_match
    )


@router.post(
    "/{revision}/restore",
    summary="Restore a revision",
    response_model=SavedWorkflowView,
    responses={200: {"headers": ETAG}, **documented_errors(404, 409, 412)},
)
async def restore_revision(
    workflow: WorkflowInPath,
    revision: RevisionNumber,
    definitions: Definitions,
    caller: Changer,
    strict: Strict = False,
    if_match: IfMatch = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Creates a new revision with the contents of this one, including its key. The revisions in between are kept.

    Tasks are matched by name: a match keeps its id, others get a new one. If nothing changes, no revision is created. A
    deleted workflow cannot be restored, but a new workflow can be created from one of its revisions.
    """
    ref = parse_ref(workflow, caller.tenant_id)
    expected = await expected_revision(if_match, if_none_match, lambda: definitions.document(caller, ref))
    return workflow_response(await definitions.restore(caller, ref, revision, expected, strict=strict))


def _summary(summary: RevisionSummary) -> bytes:
    return orjson.dumps(asdict(summary) | {"created_at": rfc3339(summary.created_at)})
