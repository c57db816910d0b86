"""`/rpc/…`: starts and moves entities, and says how they could move."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response

from app.api.rest.body import JsonRoute, takes_bodies_of_curl
from app.api.rest.dependencies import CallerOfRequest, ReadyServices, Services
from app.api.rest.dialects.pg.bodies import (
    PossibleBody,
    PossibleView,
    StartBody,
    StartByIdBody,
    StartByNameBody,
    TransitionBody,
)
from app.api.rest.dialects.pg.documents import OF_READING, OF_WRITING, pg_errors
from app.api.rest.dialects.pg.refused import AMBIGUOUS, BAD_TEXT, PgRefused
from app.api.rest.responses import document_response
from app.domain.callers import Caller
from app.domain.errors import Invalid, NotFound
from app.domain.json_parsing import parse_json
from app.domain.refs import Ref, parse_ref
from app.machines.deciding import TransitionRequest
from app.machines.entities import EntityStart
from app.machines.listed import WORKFLOWS
from app.machines.listing import Chosen, Field, Listing, Operator, Term
from app.machines.refusals import Possible

router = APIRouter(prefix="/rpc", tags=["pg"], route_class=JsonRoute)

InstanceId = Annotated[str, Query(description="The id of the entity, a UUID.")]
Context = Annotated[str | None, Query(description="What conditions are judged by: a JSON object.")]


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


@router.post(
    "/start_workflow_by_id",
    summary="Start an instance by the id of its workflow",
    response_model=UUID,
    responses=pg_errors(*OF_WRITING),
)
@takes_bodies_of_curl(_is_object)
async def pg_start_workflow_by_id(body: StartByIdBody, services: ReadyServices, caller: CallerOfRequest) -> Response:
    """Starts an entity in the initial state of the machine's current revision, and returns its id."""
    machine = parse_ref(str(body.workflow_definition_id), caller.tenant_id, "machine")
    return await _start(services, caller, machine, body)


@router.post(
    "/start_workflow",
    summary="Start an instance by the name of its workflow",
    response_model=UUID,
    responses=pg_errors(*OF_WRITING),
)
@takes_bodies_of_curl(_is_object)
async def pg_start_workflow(body: StartByNameBody, services: ReadyServices, caller: CallerOfRequest) -> Response:
    """As `start_workflow_by_id`. A machine whose name is unique is found by it, any other one by its key."""
    return await _start(services, caller, await _named(services, caller, body.workflow_name), body)


@router.post(
    "/execute_transition",
    summary="Move an instance to another state",
    response_model=bool,
    responses=pg_errors(*OF_WRITING),
)
@takes_bodies_of_curl(_is_object)
async def pg_execute_transition(body: TransitionBody, services: ReadyServices, caller: CallerOfRequest) -> Response:
    """Moves an entity, and returns true. A transition that the state or a condition does not allow is refused: 409."""
    entities = services.machines.entities
    request = TransitionRequest(
        entities.actor(caller, body.executed_by),
        to=body.to_state,
        transition=body.transition_name,
        notes=body.notes,
        context=body.context or {},
        data=body.metadata,
        idempotency_key=body.idempotency_key,
    )
    await entities.transition(caller, _uuid(body.instance_id), request)
    return document_response(True)


@router.get(
    "/get_transitions",
    summary="List the transitions that leave the state of an instance",
    response_model=list[PossibleView],
    responses=pg_errors(*OF_READING),
)
async def pg_get_transitions(
    services: ReadyServices, caller: CallerOfRequest, instance_id: InstanceId, context: Context = None
) -> Response:
    """Each with what blocks it for this caller and context. Changes nothing."""
    return await _possible(services, caller, instance_id, {} if context is None else _object(context))


@router.post(
    "/get_transitions",
    summary="List the transitions that leave the state of an instance",
    response_model=list[PossibleView],
    responses=pg_errors(*OF_READING, 413, 415),
)
@takes_bodies_of_curl(_is_object)
async def pg_post_get_transitions(body: PossibleBody, services: ReadyServices, caller: CallerOfRequest) -> Response:
    """As the GET, with a context of any size."""
    return await _possible(services, caller, body.instance_id, body.context or {})


async def _start(services: Services, caller: Caller, machine: Ref, body: StartBody) -> Response:
    entities = services.machines.entities
    request = TransitionRequest(
        entities.actor(caller, body.executed_by), notes=body.notes, idempotency_key=body.idempotency_key
    )
    wanted = EntityStart(machine, body.entity_table, str(body.entity_id), request, body.metadata or {})
    return document_response(str((await entities.start(caller, wanted)).entity.id))


async def _named(services: Services, caller: Caller, name: str) -> Ref:
    """Names need not be unique, keys are."""
    columns = WORKFLOWS.columns
    is_named = Term(Field(columns["name"]), Operator.EQ, name)
    listing = Listing(WORKFLOWS, (Chosen(Field(columns["id"]), "id"),), (is_named,), limit=2)
    found = await services.machines.listings.rows(caller.tenant_id, listing)
    if len(found) == 1:
        return Ref(tenant_id=caller.tenant_id, id=found[0][0])
    try:
        ref = parse_ref(name, caller.tenant_id, "machine")
        return Ref(tenant_id=caller.tenant_id, id=(await services.machines.definitions.get(caller, ref)).id)
    except NotFound:
        if not found:
            raise
        hint = "call start_workflow_by_id with the id of one of them"
        raise PgRefused(AMBIGUOUS, f"several workflows are named {name!r}", hint=hint, status=409) from None


async def _possible(services: Services, caller: Caller, instance_id: str, context: dict[str, Any]) -> Response:
    entities = services.machines.entities
    request = TransitionRequest(entities.actor(caller), context=context)
    return document_response(_documents(await entities.possible(caller, _uuid(instance_id), request)))


def _documents(found: Sequence[Possible]) -> list[dict[str, Any]]:
    return [
        {
            "name": one.name,
            "to_state": one.target,
            "allowed": one.allowed,
            "blocked_by": list(one.blocked_by),
            "context": dict(one.context),
            "metadata": dict(one.metadata),
        }
        for one in found
    ]


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise PgRefused(BAD_TEXT, f'invalid input syntax for type uuid: "{text[:100]}"') from None


def _object(text: str) -> dict[str, Any]:
    try:
        value = parse_json(text.encode(), "context")
    except Invalid as error:
        raise PgRefused(BAD_TEXT, "invalid input syntax for type json", error.problems[0].message) from None
    if not isinstance(value, dict):
        raise PgRefused(BAD_TEXT, "the context must be a JSON object")
    return value
