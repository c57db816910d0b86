"""`/entities/{entity}/events`: the history of an entity, as pages and as a stream."""

from collections.abc import Sequence
from contextlib import aclosing
from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import PlainValidator

from app.api.rest.body import JsonRoute
from app.api.rest.conditional_requests import IfNoneMatch
from app.api.rest.dependencies import CallerOfRequest, ReadyServices, Services
from app.api.rest.documentation import Responses, documented_errors, or_stream, readable
from app.api.rest.entity_event_views import ENTITY_ID, EntityEventPage
from app.api.rest.event_stream import EventStream, unbroken
from app.api.rest.execution_events import MAX_EVENTS, MAX_SEQUENCE, After
from app.api.rest.responses import readable_response
from app.api.rest.server_sent_events import LastEventId, Part, Parts, accepts_stream, parse_last_event_id
from app.domain.callers import Caller
from app.domain.errors import Invalid
from app.engine.identifiers import parse_execution_id
from app.machines.updates import EntityUpdate
from app.machines.watching import EntityWatching, UpdatePage, Updates

EntityInPath = Annotated[
    UUID,
    PlainValidator(partial(parse_execution_id, field="entity_id"), json_schema_input_type=str),
    Path(description="The entity's id, a UUID.", examples=[ENTITY_ID]),
]

OVER: Responses = {204: {"description": "A stream that would begin behind the last event of a final state."}}

router = APIRouter(tags=["entities"], route_class=JsonRoute)


@router.get(
    "/entities/{entity}/events",
    summary="Read the history of an entity",
    response_model=EntityEventPage,
    responses=or_stream(readable(404)) | OVER,
)
async def list_entity_events(  # noqa: PLR0913 - one for each parameter of the request
    request: Request,
    entity: EntityInPath,
    services: ReadyServices,
    caller: CallerOfRequest,
    after: After = 0,
    limit: Annotated[int, Query(ge=1, le=MAX_EVENTS, description="The largest number of events to return.")] = 100,
    last_event_id: LastEventId = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Oldest first; the numbers are 1, 2, 3, … without a gap. For the next page pass the last number as `after`.

    With `Accept: text/event-stream` the history is streamed instead, as `/events/stream` does.
    """
    if accepts_stream(request.headers.get("accept")):
        if "limit" in request.query_params:
            raise Invalid.at("limit", "a stream has no limit")
        return await _stream(services, caller, entity, after, last_event_id)
    page = await services.machines.watching.page(caller, entity, after, limit)
    response = readable_response(_page_body(page), if_none_match)
    response.headers["Vary"] = "Accept"
    return response


@router.get(
    "/entities/{entity}/events/stream",
    summary="Stream the history of an entity",
    response_class=Response,
    responses=or_stream(documented_errors(404)) | OVER,
)
async def stream_entity_events(
    entity: EntityInPath,
    services: ReadyServices,
    caller: CallerOfRequest,
    after: After = 0,
    last_event_id: LastEventId = None,
) -> Response:
    """Server-sent events: replays the history, then sends what is new, until the entity is in a final state. The `id`
    of each is its number. After the last event comes `event: end`; a client that connects again behind it gets 204.
    """
    return await _stream(services, caller, entity, after, last_event_id)


async def _stream(
    services: Services, caller: Caller, entity_id: UUID, after: int, last_event_id: str | None
) -> Response:
    field = "after"
    if last_event_id:
        field, after = "Last-Event-ID", parse_last_event_id(last_event_id, MAX_SEQUENCE)
    watching = services.machines.watching
    if await _is_over(watching, caller, entity_id, after, field):
        return Response(status_code=204)

    async def opened(position: int | None) -> Parts:
        return _parts(await watching.watch(caller, entity_id, position or 0))

    parts = unbroken(opened, await opened(after), after, services.streams)
    return EventStream(parts, services.streams, services.identity.long_calls.lasting(caller), after)


async def _is_over(watching: EntityWatching, caller: Caller, entity_id: UUID, after: int, field: str) -> bool:
    """Whether nothing follows this number. Raise `NotFound`, and `Invalid` for a number beyond the history."""
    page = await watching.page(caller, entity_id, max(after - 1, 0), 2)
    if not page.updates:
        raise Invalid.at(field, f"{after} is beyond the history, which has fewer events")
    return page.ended and page.updates[-1].event.sequence == after


async def _parts(batches: Updates) -> Parts:
    async with aclosing(batches):
        async for batch in batches:
            yield Part(_documents(batch), batch[-1].event.sequence)


def _documents(batch: Sequence[EntityUpdate]) -> list[tuple[int, bytes]]:
    return [(update.event.sequence, update.json) for update in batch]


def _page_body(page: UpdatePage) -> bytes:
    items = b",".join(update.json for update in page.updates)
    return b'{"items":[%b],"ended":%b}' % (items, b"true" if page.ended else b"false")
