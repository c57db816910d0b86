"""`/schedules`: workflows that are started automatically."""

from typing import Annotated

import orjson
from fastapi import APIRouter, Path, Query, Response

from app.api.rest.body import JsonRoute
from app.api.rest.conditional_requests import IfNoneMatch
from app.api.rest.dependencies import (
    CallerOfRequest,
    Changer,
    Limit,
    ReadyServices,
    Schedules,
    Skip,
)
from app.api.rest.documentation import LOCATION, WITH_BODY, documented_errors, readable
from app.api.rest.responses import PREFIX, document_response, page_body, readable_response
from app.api.rest.schedule_bodies import ScheduleBody, ScheduleReplace
from app.api.rest.schedule_views import FireList, SchedulePage, ScheduleView, schedule_document
from app.domain.callers import Caller
from app.domain.documents import rfc3339
from app.domain.refs import Ref, parse_ref

MAX_PREVIEW = 100

router = APIRouter(prefix="/schedules", tags=["schedules"], route_class=JsonRoute)

ScheduleInPath = Annotated[str, Path(description="The schedule's id or key.", examples=["nightly"])]


@router.post(
    "",
    status_code=201,
    summary="Create a schedule",
    response_model=ScheduleView,
    responses={201: {"headers": LOCATION}, **documented_errors(404, 409, *WITH_BODY)},
)
async def create_schedule(body: ScheduleBody, services: ReadyServices, caller: Changer) -> Response:
    """The workflow must exist. Give either `cron` or `at`."""
    schedule = await services.schedules.create(caller, body.draft(services.payloads, caller.tenant_id))
    headers = {"Location": f"{PREFIX}/schedules/{schedule.id}"}
    return document_response(schedule_document(schedule), 201, headers)


@router.get("", summary="List schedules", response_model=SchedulePage, responses=readable(404))
async def list_schedules(
    schedules: Schedules,
    caller: CallerOfRequest,
    skip: Skip = 0,
    limit: Limit = 100,
    workflow_id: Annotated[str | None, Query(description="Only those of this workflow: an id or a key.")] = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Ordered by id."""
    workflow = None if workflow_id is None else parse_ref(workflow_id, caller.tenant_id)
    page, total = await schedules.list_schedules(caller, workflow, skip, limit)
    items = [orjson.dumps(schedule_document(schedule)) for schedule in page]
    return readable_response(page_body(items, total, skip, limit), if_none_match)


@router.get("/{schedule}", summary="Get a schedule", response_model=ScheduleView, responses=readable(404))
async def get_schedule(
    schedule: ScheduleInPath, schedules: Schedules, caller: CallerOfRequest, if_none_match: IfNoneMatch = None
) -> Response:
    """The schedule in its current state."""
    found = await schedules.get(caller, _named(schedule, caller))
    return readable_response(orjson.dumps(schedule_document(found)), if_none_match)


@router.put(
    "/{schedule}",
    summary="Replace a schedule",
    response_model=ScheduleView,
    responses=documented_errors(404, 409, *WITH_BODY),
)
async def replace_schedule(
    schedule: ScheduleInPath, body: ScheduleReplace, services: ReadyServices, caller: Changer
) -> Response:
    """Sets all fields. An omitted field gets its default; only an omitted `paused` stays unchanged. `workflow` must be
    the same as before.

    If the times change, a waiting fire is dropped. A schedule can be sent back as it was read: `id`, `workflow_id` and
    `created_at` must be unchanged (422), and so must `updated_at` (409, `outdated`). Other fields that only the service
    sets are ignored.
    """
    ref, draft = _named(schedule, caller), body.draft(services.payloads, caller.tenant_id)
    replaced = await services.schedules.replace(caller, ref, draft, body.stated())
    return document_response(schedule_document(replaced))


@router.delete(
    "/{schedule}", summary="Delete a schedule", response_model=ScheduleView, responses=documented_errors(404)
)
async def delete_schedule(schedule: ScheduleInPath, schedules: Schedules, caller: Changer) -> Response:
    """Returns the schedule as it was. Executions that it has started continue."""
    return document_response(schedule_document(await schedules.delete(caller, _named(schedule, caller))))


@router.post(
    "/{schedule}/pause", summary="Pause a schedule", response_model=ScheduleView, responses=documented_errors(404)
)
async def pause_schedule(schedule: ScheduleInPath, schedules: Schedules, caller: Changer) -> Response:
    """The schedule starts nothing until it is resumed; a waiting fire is dropped. No effect when repeated."""
    return document_response(schedule_document(await schedules.pause(caller, _named(schedule, caller))))


@router.post(
    "/{schedule}/resume", summary="Resume a schedule", response_model=ScheduleView, responses=documented_errors(404)
)
async def resume_schedule(schedule: ScheduleInPath, schedules: Schedules, caller: Changer) -> Response:
    """The schedule fires again from its next time on. Fires during the pause are not started later. No effect when
    repeated.
    """
    return document_response(schedule_document(await schedules.resume(caller, _named(schedule, caller))))


@router.get("/{schedule}/next", summary="Preview a schedule", response_model=FireList, responses=readable(404))
async def preview_schedule(
    schedule: ScheduleInPath,
    schedules: Schedules,
    caller: CallerOfRequest,
    count: Annotated[int, Query(ge=1, le=MAX_PREVIEW, description="The largest number of times to return.")] = 5,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """The next times at which the schedule fires, as if it were not paused."""
    fires = await schedules.preview(caller, _named(schedule, caller), count)
    return readable_response(orjson.dumps({"items": [rfc3339(fire) for fire in fires]}), if_none_match)


def _named(schedule: str, caller: Caller) -> Ref:
    return parse_ref(schedule, caller.tenant_id, "schedule")
