"""`/events`: the events of all executions and entities, in the order of their positions, as pages and as a stream."""

from contextlib import aclosing
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field, WithJsonSchema

from app.api.rest.body import JsonRoute
from app.api.rest.dependencies import CallerOfRequest, ReadyServices, Services
from app.api.rest.documentation import documented_errors, or_stream
from app.api.rest.entity_event_views import FeedEventPage
from app.api.rest.event_stream import EventStream, unbroken
from app.api.rest.responses import json_response
from app.api.rest.server_sent_events import LastEventId, Part, Parts, accepts_stream, parse_last_event_id
from app.domain.callers import Caller
from app.domain.errors import Invalid
from app.domain.refs import parse_ref
from app.engine.identifiers import parse_execution_id
from app.feed.documents import feed_event_json
from app.feed.entries import FeedFilter
from app.feed.requests import KNOWN_TYPES, MOST_EVENTS, parse_types, position_as, readable
from app.feed.service import Batches, FeedPage

MAX_POSITION = 2**63 - 1
MAX_WAIT_SECONDS = 60
PAGE_BYTES = 8_388_608
"""A page ends with the event that makes it larger: outputs are up to a megabyte each."""

HEADERS = {"Cache-Control": "no-store", "Vary": "Accept"}
ONLY_OF_PAGES = ("limit", "wait")

EventTypeName = Annotated[str, WithJsonSchema({"type": "string", "enum": list(KNOWN_TYPES)})]

router = APIRouter(tags=["executions"], route_class=JsonRoute)


class FeedQuery(BaseModel):
    after: int | None = Field(
        None,
        ge=0,
        le=MAX_POSITION,
        description="Only events after this position. Without it a page begins with the oldest event that is kept, and "
        "a stream with what is stored from now on.",
    )
    limit: int = Field(
        100, ge=1, le=MOST_EVENTS, description="The largest number of events to return. Not for streams."
    )
    wait: float = Field(
        0,
        ge=0,
        le=MAX_WAIT_SECONDS,
        allow_inf_nan=False,
        description="If there is nothing yet, wait so many seconds for it. Not for streams.",
    )
    workflow_id: str | None = Field(None, description="Only those of this workflow: an id or a key.")
    machine_id: str | None = Field(None, description="Only those of entities of this machine: an id or a key.")
    entity_id: str | None = Field(None, description="Only those of this entity, a UUID.")
    type: list[EventTypeName] = Field([], description="Only those of this type; may be repeated.")


@router.get(
    "/events",
    summary="Read the events of all executions and entities",
    response_model=FeedEventPage,
    responses=or_stream(documented_errors(404, 410)),
)
async def list_feed_events(
    request: Request,
    services: ReadyServices,
    caller: CallerOfRequest,
    wanted: Annotated[FeedQuery, Query()],
    last_event_id: LastEventId = None,
) -> Response:
    """In the order of their positions, which are given once and never late. For the next page pass `next_position` as
    `after`: no event up to it is missing. If it is still that of the request, there is nothing new.

    With `Accept: text/event-stream` the events are streamed instead, without an end. The `id` of each is its position.
    """
    is_stream = accepts_stream(request.headers.get("accept"))
    if is_stream and (refused := [name for name in ONLY_OF_PAGES if name in wanted.model_fields_set]):
        raise Invalid.at(refused[0], f"a stream has no {refused[0]}")
    found = readable(caller, await _filter(services, caller, wanted))
    if is_stream:
        return await _stream(services, caller, wanted.after, last_event_id, found)
    page = await _page(services, caller, wanted, found)
    return json_response(_page_body(page), headers=HEADERS)


async def _filter(services: Services, caller: Caller, wanted: FeedQuery) -> FeedFilter:
    return FeedFilter(
        await _workflow_id(services, caller, wanted),
        types=parse_types(wanted.type, "type"),
        machine_id=await services.machines.machine_id(caller, wanted.machine_id or ""),
        entity_id=None if wanted.entity_id is None else parse_execution_id(wanted.entity_id, "entity_id"),
    )


async def _workflow_id(services: Services, caller: Caller, wanted: FeedQuery) -> int | None:
    if wanted.workflow_id is None:
        return None
    return await services.executions.workflow_id(caller, parse_ref(wanted.workflow_id, caller.tenant_id))


async def _page(services: Services, caller: Caller, wanted: FeedQuery, found: FeedFilter) -> FeedPage:
    async with services.identity.long_calls.lasting(caller):
        return await services.feed.page(caller, wanted.after, wanted.limit, found, wanted.wait)


def _page_body(page: FeedPage) -> bytes:
    items: list[bytes] = []
    size, position = 0, page.next_position
    for index, event in enumerate(page.events):
        items.append(feed_event_json(event))
        size += len(items[-1])
        if size >= PAGE_BYTES and index + 1 < len(page.events):
            position = event.position
            break
    return b'{"items":[%b],"next_position":%d}' % (b",".join(items), position)


async def _stream(
    services: Services, caller: Caller, after: int | None, last_event_id: str | None, found: FeedFilter
) -> Response:
    field = "after"
    if last_event_id:
        field, after = "Last-Event-ID", parse_last_event_id(last_event_id, MAX_POSITION)

    async def opened(position: int | None) -> Parts:
        return _parts(await services.feed.watch(caller, position, found))

    with position_as(field):
        first = await opened(after)
    parts = unbroken(opened, first, after, services.streams)
    return EventStream(parts, services.streams, services.identity.long_calls.lasting(caller), after)


async def _parts(batches: Batches) -> Parts:
    async with aclosing(batches):
        async for batch in batches:
            yield Part(((event.position, feed_event_json(event)) for event in batch.events), batch.last)
