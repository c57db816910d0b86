"""`/entities/{entity}/events`: the history of an entity."""

from functools import partial
from typing import Annotated
from uuid import UUID

import orjson
from fastapi import APIRouter, Path, Query, Response
from pydantic import PlainValidator

from app.api.rest.body import JsonRoute
from app.api.rest.conditional_requests import IfNoneMatch
from app.api.rest.dependencies import CallerOfRequest, Entities
from app.api.rest.documentation import readable
from app.api.rest.entity_event_views import ENTITY_ID, EntityEventPage
from app.api.rest.execution_events import MAX_EVENTS, After
from app.api.rest.responses import readable_response
from app.engine.identifiers import parse_execution_id
from app.machines.updates import entity_event_document

EntityInPath = Annotated[
    UUID,
    PlainValidator(partial(parse_execution_id, field="entity_id"), json_schema_input_type=str),
    Path(description="The entity's id, a UUID.", examples=[ENTITY_ID]),
]

router = APIRouter(tags=["entities"], route_class=JsonRoute)


@router.get(
    "/entities/{entity}/events",
    summary="Read the history of an entity",
    response_model=EntityEventPage,
    responses=readable(404),
)
async def list_entity_events(
    entity: EntityInPath,
    entities: Entities,
    caller: CallerOfRequest,
    after: After = 0,
    limit: Annotated[int, Query(ge=1, le=MAX_EVENTS, description="The largest number of events to return.")] = 100,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Oldest first; the numbers are 1, 2, 3, … without a gap. For the next page pass the last number as `after`."""
    found = await entities.history(caller, entity, after, limit)
    current = await entities.get(caller, entity)
    last = found[-1].sequence if found else after
    document = {
        "items": [entity_event_document(event) for event in found],
        "ended": current.is_final and last >= current.sequence,
    }
    return readable_response(orjson.dumps(document), if_none_match)
