"""`/machines`: create, read, change and delete state machines of entities."""

from typing import Annotated

import orjson
from fastapi import APIRouter, Path, Query, Request, Response

from app.api.rest.body import JsonRoute, takes_yaml
from app.api.rest.conditional_requests import IfMatch, IfNoneMatch, expected_version
from app.api.rest.dependencies import CallerOfRequest, Changer, Limit, MachineDefinitions, Skip, Strict
from app.api.rest.documentation import ETAG, LOCATION, WITH_BODY, documented_errors, readable
from app.api.rest.machine_bodies import MachineCreate, MachinePatch, MachineReplace
from app.api.rest.machine_views import MachinePage, MachineView, SavedMachineView, saved_response
from app.api.rest.responses import document_response, page_body, readable_response
from app.api.rest.validation import JudgingRoute, Places, verdict_response
from app.api.rest.views import VerdictView
from app.domain.callers import Caller
from app.domain.errors import RevisionMismatch
from app.domain.refs import Ref, parse_ref
from app.machines.documents import machine_document
from app.machines.ports import MachineFilter
from app.machines.service import MachineService

router = APIRouter(prefix="/machines", tags=["machines"], route_class=JsonRoute)
judging = APIRouter(prefix="/machines", tags=["machines"], route_class=JudgingRoute)

MachineInPath = Annotated[str, Path(description="The machine's id or key.", examples=["fraud_detection"])]


@router.post(
    "",
    status_code=201,
    summary="Create a machine",
    response_model=SavedMachineView,
    responses={201: {"headers": ETAG | LOCATION}, **documented_errors(409, *WITH_BODY)},
)
@takes_yaml
async def create_machine(
    body: MachineCreate, machines: MachineDefinitions, caller: Changer, strict: Strict = False
) -> Response:
    """Stores revision 1 of a new machine. The body is as a definition file has it: JSON, or YAML
    (`application/yaml`).
    """
    return saved_response(await machines.create(caller, body.draft(), strict=strict), 201)


@router.get("", summary="List machines", response_model=MachinePage, responses=readable())
async def list_machines(
    machines: MachineDefinitions,
    caller: CallerOfRequest,
    skip: Skip = 0,
    limit: Limit = 100,
    name: Annotated[str | None, Query(description="A part of the name, ignoring case.")] = None,
    key: Annotated[str | None, Query(description="The whole key.")] = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Ordered by id."""
    found, total = await machines.list(caller, MachineFilter(name, key), skip, limit)
    items = [orjson.dumps(machine_document(machine)) for machine in found]
    return readable_response(page_body(items, total, skip, limit), if_none_match)


@router.get("/{machine}", summary="Get a machine", response_model=MachineView, responses=readable(404))
async def get_machine(
    machine: MachineInPath, machines: MachineDefinitions, caller: CallerOfRequest, if_none_match: IfNoneMatch = None
) -> Response:
    """The current revision. Send its ETag as `If-Match` with a change, so that no other client's change is lost."""
    found = await machines.get(caller, machine_ref(machine, caller))
    return readable_response(orjson.dumps(machine_document(found)), if_none_match, found.etag)


@router.put(
    "/{machine}",
    summary="Replace a machine",
    response_model=SavedMachineView,
    responses={200: {"headers": ETAG}, **documented_errors(404, 409, 412, *WITH_BODY)},
)
@takes_yaml
async def replace_machine(
    machine: MachineInPath,
    body: MachineReplace,
    machines: MachineDefinitions,
    caller: Changer,
    strict: Strict = False,
    if_match: IfMatch = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Sets all fields. An omitted field gets its default. If nothing changes, no revision is created.

    Entities stay at the revision that they were started with; `POST …/migrations` moves them. A machine can be sent
    back as it was read: `id` and `created_at` must be unchanged (422), and so must `revision` and `updated_at` (409,
    `outdated`).
    """
    ref, draft = machine_ref(machine, caller), body.draft()
    revision = await expected_machine(machines, caller, ref, if_match, if_none_match)
    return saved_response(await machines.replace(caller, ref, draft, revision, body.stated(), strict=strict))


@router.patch(
    "/{machine}",
    summary="Change fields of a machine",
    response_model=SavedMachineView,
    responses={200: {"headers": ETAG}, **documented_errors(404, 409, 412, *WITH_BODY)},
)
async def update_machine(
    machine: MachineInPath,
    body: MachinePatch,
    machines: MachineDefinitions,
    caller: Changer,
    strict: Strict = False,
    if_match: IfMatch = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """An omitted field stays unchanged; null clears a field. `name`, `states` and `transitions` cannot be null.

    If given, `states` and `transitions` are the whole lists.
    """
    ref = machine_ref(machine, caller)
    revision = await expected_machine(machines, caller, ref, if_match, if_none_match)
    return saved_response(await machines.merge(caller, ref, body.changes(), revision, body.stated(), strict=strict))


@router.delete(
    "/{machine}", summary="Delete a machine", response_model=MachineView, responses=documented_errors(404, 409, 412)
)
async def delete_machine(
    machine: MachineInPath,
    machines: MachineDefinitions,
    caller: Changer,
    if_match: IfMatch = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Returns the machine as it was. Its revisions are deleted, too.

    409 with the code `machine_in_use` if it governs entities, also ended ones: they would lose their histories.
    """
    ref = machine_ref(machine, caller)
    revision = await expected_machine(machines, caller, ref, if_match, if_none_match)
    return document_response(machine_document(await machines.delete(caller, ref, revision)))


@judging.post(
    "/validate", summary="Check a machine", response_model=VerdictView, responses=documented_errors(*WITH_BODY)
)
@takes_yaml
async def validate_machine(
    request: Request,
    body: MachineCreate,
    machines: MachineDefinitions,
    strict: Strict = False,
    places: Places = False,
) -> Response:
    """Returns all problems for which creating this machine would be refused, and all warnings. Nothing is stored.

    The body may be JSON or YAML (`application/yaml`). It does not check whether the key belongs to another machine.
    """
    verdict = machines.judge(body.draft(), strict=strict)
    return await verdict_response(request, verdict.problems, verdict.warnings)


async def expected_machine(
    machines: MachineService, caller: Caller, ref: Ref, if_match: str | None, if_none_match: str | None
) -> int | None:
    """The revision that must be current for the change; None allows any. Raise `RevisionMismatch` or `Refused`."""
    if if_match is None and if_none_match is None:
        return None
    current = await machines.get(caller, ref)
    mismatch = RevisionMismatch(ref, current.revision, "machine")
    return expected_version(if_match, if_none_match, current.etag, current.revision, mismatch)


def machine_ref(machine: str, caller: Caller) -> Ref:
    return parse_ref(machine, caller.tenant_id, "machine")
