"""`/workflows`: create, read, change and delete whole workflows."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from app.api.rest.body import JsonRoute, takes_bodies_of_curl, takes_yaml
from app.api.rest.conditional_requests import IfMatch, IfNoneMatch, expected_revision
from app.api.rest.dependencies import (
    CallerOfRequest,
    Changer,
    Definitions,
    Limit,
    Skip,
    Strict,
    WorkflowInPath,
    caller_of,
    definitions_of,
)
from app.api.rest.dialects.new_workflow import NewWorkflow, has_steps, words_of
from app.api.rest.dialects.shown_steps import with_steps
from app.api.rest.dialects.stated_steps import check_steps
from app.api.rest.documentation import ETAG, LOCATION, WITH_BODY, documented_errors, readable
from app.api.rest.responses import document_response, page_body, readable_response, workflow_response
from app.api.rest.views import SavedWorkflowView, ShownWorkflowView, WorkflowPage, WorkflowView
from app.api.rest.workflow_bodies import WorkflowPatch, WorkflowReplace
from app.definitions.ports import WorkflowFilter
from app.domain.documents import workflow_document
from app.domain.refs import parse_ref

router = APIRouter(prefix="/workflows", tags=["workflows"], route_class=JsonRoute)


@router.post(
    "",
    status_code=201,
    summary="Create a workflow",
    response_model=SavedWorkflowView,
    responses={201: {"headers": ETAG | LOCATION}, **documented_errors(409, *WITH_BODY)},
)
@takes_bodies_of_curl(has_steps)
@takes_yaml
async def create_workflow(
    body: NewWorkflow, definitions: Definitions, caller: Changer, strict: Strict = False
) -> Response:
    """Stores revision 1 of a new workflow with all its tasks.

    With `steps` in place of `tasks`, each step becomes a task that runs after the one before it, and `id` is the key.
    The body may be JSON or YAML (`application/yaml`).
    """
    with words_of(body):
        stored = await definitions.create(caller, body.draft(), strict=strict)
    return workflow_response(stored, 201)


@router.get("", summary="List workflows", response_model=WorkflowPage, responses=readable())
async def list_workflows(
    definitions: Definitions,
    caller: CallerOfRequest,
    skip: Skip = 0,
    limit: Limit = 100,
    name: Annotated[str | None, Query(description="A part of the name, ignoring case.")] = None,
    key: Annotated[str | None, Query(description="The whole key.")] = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Ordered by id."""
    items, total = await definitions.list_documents(caller, WorkflowFilter(name, key), skip, limit)
    return readable_response(page_body(list(map(with_steps, items)), total, skip, limit), if_none_match)


@router.get("/{workflow}", summary="Get a workflow", response_model=ShownWorkflowView, responses=readable(404))
async def get_workflow(workflow: WorkflowInPath, request: Request, if_none_match: IfNoneMatch = None) -> Response:
    """The current revision. Send its ETag as `If-Match` with a change, so that no other client's change is lost."""
    caller = caller_of(request)
    document = await definitions_of(request).document(caller, parse_ref(workflow, caller.tenant_id))
    return readable_response(with_steps(document.body), if_none_match, document.etag)


@router.put(
    "/{workflow}",
    summary="Replace a workflow",
    response_model=SavedWorkflowView,
    responses={200: {"headers": ETAG}, **documented_errors(404, 409, 412, *WITH_BODY)},
)
@takes_yaml
async def replace_workflow(
    workflow: WorkflowInPath,
    body: WorkflowReplace,
    definitions: Definitions,
    caller: Changer,
    strict: Strict = False,
    if_match: IfMatch = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Sets all fields. An omitted field gets its default; only if `tasks` is omitted, the stored tasks are kept. The
    body may be JSON or YAML (`application/yaml`).

    Tasks are matched with the stored ones by `id` if they have one, otherwise by name: a match keeps its id, other
    tasks are added, and stored tasks without a match are removed. If nothing changes, no revision is created.

    A workflow can be sent back as it was read: `id` and `created_at` must be unchanged (422), and so must `revision`
    and `updated_at` (409, `outdated`). The same holds for its tasks.
    """
    ref = parse_ref(workflow, caller.tenant_id)
    revision = await expected_revision(if_match, if_none_match, lambda: definitions.document(caller, ref))
    await check_steps(body, definitions, caller, ref)
    return workflow_response(
        await definitions.replace(caller, ref, body.draft(), revision, body.stated(), strict=strict)
    )


@router.patch(
    "/{workflow}",
    summary="Change fields of a workflow",
    response_model=SavedWorkflowView,
    responses={200: {"headers": ETAG}, **documented_errors(404, 409, 412, *WITH_BODY)},
)
async def update_workflow(
    workflow: WorkflowInPath,
    body: WorkflowPatch,
    definitions: Definitions,
    caller: Changer,
    strict: Strict = False,
    if_match: IfMatch = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """An omitted field stays unchanged; null clears a field. `name` and `tasks` cannot be null.

    If given, `tasks` is the whole list, matched as in PUT.
    """
    ref = parse_ref(workflow, caller.tenant_id)
    revision = await expected_revision(if_match, if_none_match, lambda: definitions.document(caller, ref))
    await check_steps(body, definitions, caller, ref)
    return workflow_response(
        await definitions.merge(caller, ref, body.changes(), revision, body.stated(), strict=strict)
    )


@router.delete(
    "/{workflow}", summary="Delete a workflow", response_model=WorkflowView, responses=documented_errors(404, 409, 412)
)
async def delete_workflow(
    workflow: WorkflowInPath,
    definitions: Definitions,
    caller: Changer,
    force: Annotated[bool, Query(description="Delete it although other workflows call it.")] = False,
    if_match: IfMatch = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Returns the workflow as it was. Its revisions and executions can still be read by its id.

    409 with the code `workflow_in_use` if tasks of other workflows call it.
    """
    ref = parse_ref(workflow, caller.tenant_id)
    revision = await expected_revision(if_match, if_none_match, lambda: definitions.document(caller, ref))
    return document_response(workflow_document(await definitions.delete(caller, ref, revision, force=force)))
