"""`/machines/{machine}/revisions` and `/migrations`: the snapshots of a machine, and moving entities to one."""

from dataclasses import asdict

import orjson
from fastapi import APIRouter, Response

from app.api.rest.body import JsonRoute
from app.api.rest.conditional_requests import IfMatch, IfNoneMatch
from app.api.rest.dependencies import (
    CallerOfRequest,
    Changer,
    Limit,
    MachineDefinitions,
    ReadyServices,
    Skip,
    Strict,
)
from app.api.rest.documentation import ETAG, WITH_BODY, documented_errors, readable
from app.api.rest.machine_bodies import MigrationBody
from app.api.rest.machine_views import (
    MachineChangesView,
    MachineRevisionPage,
    MachineView,
    MigrationView,
    SavedMachineView,
    machine_revision_document,
    migration_document,
    saved_response,
)
from app.api.rest.machines import MachineInPath, expected_machine, machine_ref
from app.api.rest.responses import document_response, page_body, readable_response
from app.api.rest.revisions import Against, RevisionNumber
from app.machines.documents import machine_document

router = APIRouter(prefix="/machines/{machine}", tags=["machines"], route_class=JsonRoute)


@router.get("/revisions", summary="List revisions", response_model=MachineRevisionPage, responses=readable(404))
async def list_machine_revisions(
    machine: MachineInPath,
    machines: MachineDefinitions,
    caller: CallerOfRequest,
    skip: Skip = 0,
    limit: Limit = 100,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Newest first."""
    found, total = await machines.revisions(caller, machine_ref(machine, caller), skip, limit)
    items = [orjson.dumps(machine_revision_document(revision)) for revision in found]
    return readable_response(page_body(items, total, skip, limit), if_none_match)


@router.get("/revisions/{revision}", summary="Get a revision", response_model=MachineView, responses=readable(404))
async def get_machine_revision(
    machine: MachineInPath,
    revision: RevisionNumber,
    machines: MachineDefinitions,
    caller: CallerOfRequest,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """The whole machine as it was at this revision."""
    found = await machines.revision(caller, machine_ref(machine, caller), revision)
    return readable_response(orjson.dumps(machine_document(found)), if_none_match)


@router.get(
    "/revisions/{revision}/changes",
    summary="What a revision changed",
    response_model=MachineChangesView,
    responses=readable(404),
)
async def get_machine_changes(
    machine: MachineInPath,
    revision: RevisionNumber,
    machines: MachineDefinitions,
    caller: CallerOfRequest,
    against: Against = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """The old and the new value of each field that differs, and the names of added and removed states and transitions.

    States are compared by their names, transitions by the state that they leave and their names.
    """
    base = revision - 1 if against is None else against
    found = await machines.differences(caller, machine_ref(machine, caller), revision, base)
    return readable_response(orjson.dumps({"revision": revision, "against": base, **asdict(found)}), if_none_match)


@router.post(
    "/revisions/{revision}/restore",
    summary="Restore a revision",
    response_model=SavedMachineView,
    responses={200: {"headers": ETAG}, **documented_errors(404, 409, 412)},
)
async def restore_machine_revision(
    machine: MachineInPath,
    revision: RevisionNumber,
    machines: MachineDefinitions,
    caller: Changer,
    strict: Strict = False,
    if_match: IfMatch = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Creates a new revision with the contents of this one, except its key. If nothing changes, none is created."""
    ref = machine_ref(machine, caller)
    expected = await expected_machine(machines, caller, ref, if_match, if_none_match)
    return saved_response(await machines.restore(caller, ref, revision, expected, strict=strict))


@router.post(
    "/migrations",
    summary="Move entities to a revision",
    response_model=MigrationView,
    responses=documented_errors(404, *WITH_BODY),
)
async def migrate_entities(
    machine: MachineInPath, body: MigrationBody, services: ReadyServices, caller: Changer
) -> Response:
    """Moves the entities of other revisions to this one, if it has their state, or the one that `map` names for it.

    Each gets an event `migrated`. Its timer begins anew, and nothing is started. The others are listed and stay as
    they are. A repetition moves what is left.
    """
    migrations, ref = services.machines.migrations, machine_ref(machine, caller)
    made = await migrations.migrate(caller, ref, body.to_revision, body.map, dry_run=body.dry_run)
    return document_response(migration_document(made, body.to_revision, dry_run=body.dry_run))
