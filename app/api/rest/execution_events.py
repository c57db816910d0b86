"""`/executions/{execution}/events`: the history of an execution, as pages and as a stream."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Annotated

import orjson
from fastapi import APIRouter, Query, Request, Response

from app.api.rest.body import JsonRoute
from app.api.rest.conditional_requests import IfNoneMatch
from app.api.rest.dependencies import CallerOfRequest, ExecutionId, ReadyServices, Services
from app.api.rest.documentation import Responses, documented_errors, or_stream, readable
from app.api.rest.event_stream import EventStream, unbroken
from app.api.rest.responses import readable_response
from app.api.rest.server_sent_events import LastEventId, Part, Parts, accepts_stream, parse_last_event_id
from app.api.rest.views import EventPage
from app.domain.callers import Caller
from app.domain.errors import Invalid
from app.engine.service import ExecutionService
from app.engine.watching.documents import event_document, event_json
from app.engine.watching.updates import Update

MAX_EVENTS = 1_000
MAX_SEQUENCE = 2**31 - 1

After = Annotated[int, Query(ge=0, le=MAX_SEQUENCE, description="Only events with a higher number.")]

OVER: Responses = {204: {"description": "A stream that would begin behind the final event."}}

router = APIRouter(tags=["executions"], route_class=JsonRoute)


@router.get(
    "/executions/{execution}/events",
    summary="Read a history",
    response_model=EventPage,
    responses=or_stream(readable(404)) | OVER,
)
async def list_events(  # noqa: PLR0913 - one for each parameter of the request
    request: Request,
    execution: ExecutionId,
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
        return await _stream(services, caller, execution, after, last_event_id)
    page = await services.executions.updates(caller, execution, after, limit)
    document = {"items": [event_document(update) for update in page.updates], "ended": page.ended}
    response = readable_response(orjson.dumps(document), if_none_match)
    response.headers["Vary"] = "Accept"
    return response


@router.get(
    "/executions/{execution}/events/stream",
    summary="Stream a history",
    response_class=Response,
    responses=or_stream(documented_errors(404)) | OVER,
)
async def stream_events(
    execution: ExecutionId,
    services: ReadyServices,
    caller: CallerOfRequest,
    after: After = 0,
    last_event_id: LastEventId = None,
) -> Response:
    """Server-sent events: replays the history, then sends what is new, until the execution has ended. The `id` of each
    is its number. After the final event comes `event: end`; a client that connects again behind it gets 204.
    """
    return await _stream(services, caller, execution, after, last_event_id)


async def _stream(
    services: Services, caller: Caller, execution: ExecutionId, after: int, last_event_id: str | None
) -> Response:
    field = "after"
    if last_event_id:
        field, after = "Last-Event-ID", parse_last_event_id(last_event_id, MAX_SEQUENCE)
    executions = services.executions
    if await _is_over(executions, caller, execution, after, field):
        return Response(status_code=204)

    async def opened(position: int | None) -> Parts:
        return _parts(await executions.watch(caller, execution, position or 0))

    parts = unbroken(opened, await opened(after), after, services.streams)
    return EventStream(parts, services.streams, services.identity.long_calls.lasting(caller), after)


async def _is_over(
    executions: ExecutionService, caller: Caller, execution: ExecutionId, after: int, field: str
) -> bool:
    """Whether nothing follows this number. Raise `NotFound`, and `Invalid` for a number beyond the history."""
    page = await executions.updates(caller, execution, max(after - 1, 0), 2)
    if not page.updates:
        raise Invalid.at(field, f"{after} is beyond the history, which has fewer events")
    return page.ended and page.updates[-1].event.sequence == after


async def _parts(batches: AsyncGenerator[Sequence[Update]]) -> Parts:
    async with aclosing(batches):
        async for batch in batches:
            events = ((update.event.sequence, event_json(update)) for update in batch)
            yield Part(events, batch[-1].event.sequence)
