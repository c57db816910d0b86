"""`/entities`: start, move and read what state machines govern."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Query, Request, Response
from pydantic import AfterValidator, BaseModel, Field

from app.api.rest.body import JsonRoute
from app.api.rest.conditional_requests import ENTITY_TAG, IfMatch, IfNoneMatch, expected_version
from app.api.rest.dependencies import MAX_LIMIT, CallerOfRequest, Entities, ReadyServices, caller_of, entities_of
from app.api.rest.documentation import ETAG, LOCATION, WITH_BODY, documented_errors, readable
from app.api.rest.entity_bodies import EntityCreate, EntityPatch, KeyInHeader, MachineEntityCreate, TransitionBody
from app.api.rest.entity_events import EntityInPath
from app.api.rest.entity_views import EntityPage, EntityView, MovedView, PossibleList
from app.api.rest.machines import MachineInPath, machine_ref
from app.api.rest.responses import PREFIX, document_response, readable_response
from app.domain.callers import Caller
from app.domain.errors import Invalid
from app.domain.json_parsing import parse_json
from app.domain.texts import text_problem
from app.engine.identifiers import parse_execution_id
from app.machines.deciding import TransitionRequest
from app.machines.entities import EntityService, EntityStart
from app.machines.entity_documents import entity_document, moved_document, possible_document
from app.machines.ports import EntityFilter
from app.machines.refusals import SequenceMismatch
from app.machines.writing import Moved

router = APIRouter(tags=["entities"], route_class=JsonRoute)


def _storable(text: str) -> str:
    if (problem := text_problem(text)) is not None:
        raise ValueError(problem)
    return text


Named = Annotated[str, AfterValidator(_storable)]


class EntityQuery(BaseModel):
    cursor: str | None = Field(None, description="`next_cursor` of the previous page.")
    limit: int = Field(100, ge=1, le=MAX_LIMIT, description="The largest number of items to return.")
    machine: str | None = Field(None, description="Only those of this machine: an id or a key.")
    state: Named | None = Field(None, description="Only those in this state.")
    entity_table: Named | None = Field(None, description="Only those of this kind.")
    entity_id: Named | None = Field(None, description="Only those that are called so.")
    final: bool | None = Field(None, description="Only those in a final state, or only the others.")

    def filter(self, machine_id: int | None) -> EntityFilter:
        return EntityFilter(machine_id, self.state, self.entity_table, self.entity_id, self.final)


@router.post(
    "/entities",
    status_code=201,
    summary="Start an entity",
    response_model=MovedView,
    responses={201: {"headers": ETAG | LOCATION}, **documented_errors(404, 409, 429, *WITH_BODY)},
)
async def start_entity(
    body: EntityCreate, entities: Entities, caller: CallerOfRequest, key: KeyInHeader = None
) -> Response:
    """Puts a thing into the initial state of the current revision of a machine. `entity_table` and `entity_id` say what
    the thing is outside; a machine governs it once.

    409 with the code `entity_exists` and the member `entity_id` if the machine governs it already.
    """
    actor = entities.actor(caller, body.executed_by)
    return await _started(entities, caller, body.start(body.ref(caller.tenant_id), actor, key))


@router.post(
    "/machines/{machine}/entities",
    status_code=201,
    summary="Start an entity of a machine",
    response_model=MovedView,
    responses={201: {"headers": ETAG | LOCATION}, **documented_errors(404, 409, 429, *WITH_BODY)},
)
async def start_machine_entity(
    machine: MachineInPath,
    body: MachineEntityCreate,
    entities: Entities,
    caller: CallerOfRequest,
    key: KeyInHeader = None,
) -> Response:
    """As `POST /entities`."""
    actor = entities.actor(caller, body.executed_by)
    return await _started(entities, caller, body.start(machine_ref(machine, caller), actor, key))


@router.get("/entities", summary="List entities", response_model=EntityPage, responses=readable(404))
async def list_entities(
    services: ReadyServices,
    caller: CallerOfRequest,
    wanted: Annotated[EntityQuery, Query()],
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Newest first."""
    machines, named = services.machines, wanted.machine
    machine = None if named is None else await machines.definitions.get(caller, machine_ref(named, caller))
    before = parse_execution_id(wanted.cursor, "cursor") if wanted.cursor else None
    chosen = wanted.filter(None if machine is None else machine.id)
    found = await machines.entities.list(caller, chosen, before, wanted.limit + 1)
    page = found[: wanted.limit]
    cursor = str(page[-1].id) if len(found) > wanted.limit else None
    document = {"items": [entity_document(entity) for entity in page], "next_cursor": cursor}
    return readable_response(orjson.dumps(document), if_none_match)


@router.get("/entities/{entity}", summary="Get an entity", response_model=EntityView, responses=readable(404))
async def get_entity(
    entity: EntityInPath, entities: Entities, caller: CallerOfRequest, if_none_match: IfNoneMatch = None
) -> Response:
    """The entity in its current state. Its ETag is for `If-Match` of a change."""
    found = await entities.get(caller, entity)
    return readable_response(orjson.dumps(entity_document(found)), if_none_match, found.etag)


@router.patch(
    "/entities/{entity}",
    summary="Change the data of an entity",
    response_model=MovedView,
    responses={200: {"headers": ETAG}, **documented_errors(404, 409, 412, *WITH_BODY)},
)
async def update_entity(
    entity: EntityInPath,
    body: EntityPatch,
    entities: Entities,
    caller: CallerOfRequest,
    if_match: IfMatch = None,
    key: KeyInHeader = None,
) -> Response:
    """Changes the data and not the state. Nothing changes in a final state (409, `entity_is_final`)."""
    request = body.request(entities.actor(caller, body.executed_by), key)
    request = await _expecting(entities, caller, entity, request, if_match)
    return _moved(await entities.change_data(caller, entity, request))


@router.post(
    "/entities/{entity}/transitions",
    summary="Move an entity",
    response_model=MovedView,
    responses={200: {"headers": ETAG}, **documented_errors(404, 409, 412, *WITH_BODY)},
)
async def transition_entity(
    entity: EntityInPath,
    body: TransitionBody,
    request: Request,
    if_match: IfMatch = None,
    key: KeyInHeader = None,
) -> Response:
    """Makes one transition, in one transaction: the state, the event, and the executions that it starts.

    403 `role_required` if the caller does not have the role. 409 `conditions_not_met` lists in `errors` all conditions
    that do not hold; `transition_not_possible`, `transition_ambiguous` and `entity_is_final` say in `state` where the
    entity is, and in `transitions` what leaves it. 409 `effect_failed` if an execution cannot be started.
    """
    entities, caller = entities_of(request), caller_of(request)
    asked = body.request(entities.actor(caller, body.executed_by), key)
    asked = await _expecting(entities, caller, entity, asked, if_match)
    return _moved(await entities.transition(caller, entity, asked))


@router.get(
    "/entities/{entity}/transitions",
    summary="What can be done with an entity",
    response_model=PossibleList,
    responses=readable(404),
)
async def list_entity_transitions(
    entity: EntityInPath,
    entities: Entities,
    caller: CallerOfRequest,
    context: Annotated[str, Query(description="The context of the request, a JSON object.")] = "{}",
    executed_by: Annotated[str | None, Query(description="For whom the caller would act.")] = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """All transitions that leave the state, with what blocks each of them for this caller. Nothing changes."""
    request = TransitionRequest(entities.actor(caller, executed_by), context=_context(context))
    found = await entities.possible(caller, entity, request)
    return readable_response(orjson.dumps({"items": [possible_document(one) for one in found]}), if_none_match)


async def _started(entities: EntityService, caller: Caller, wanted: EntityStart) -> Response:
    moved = await entities.start(caller, wanted)
    return _moved(moved, 201, {"Location": f"{PREFIX}/entities/{moved.entity.id}"})


def _moved(moved: Moved, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A repeated request has no ETag: that of now would be of what the caller has not seen."""
    etag = {} if moved.was_repeated else {"ETag": moved.entity.etag}
    return document_response(moved_document(moved), status, {**etag, **(headers or {})})


async def _expecting(
    entities: EntityService, caller: Caller, entity_id: UUID, request: TransitionRequest, if_match: str | None
) -> TransitionRequest:
    """The request with what `If-Match` expects. An ETag says which event is the last, so that nothing has to be read.

    Raise `SequenceMismatch`, and `Invalid` if the body expects another event.
    """
    if if_match is None or if_match.strip() == "*":
        return request
    named = re.findall(rf'(?<!W/)"{entity_id}-([0-9]{{1,10}})"', if_match)
    expected: int | None
    if len(named) == 1 and len(ENTITY_TAG.findall(if_match)) == 1:
        expected = int(named[0])
    else:
        found = await entities.get(caller, entity_id)
        mismatch = SequenceMismatch(entity_id, found.sequence)
        expected = expected_version(if_match, None, found.etag, found.sequence, mismatch)
    if request.expected_sequence not in (None, expected):
        raise Invalid.at("expected_sequence", "is another event than that of If-Match")
    return replace(request, expected_sequence=expected)


def _context(text: str) -> dict[str, Any]:
    value = parse_json(text, "context")
    if not isinstance(value, dict):
        raise Invalid.at("context", "must be a JSON object")
    return value
