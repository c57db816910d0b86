"""`/schedules`: workflows that are started by the clock."""

from typing import Annotated

import orjson
from fastapi import APIRouter, Path, Query, Response

from app.api.rest.body import JsonRoute
from app.api.rest.conditional_requests import IfNoneMatch
from app.api.rest.dependencies import Limit, ReadyServices, Schedules, Skip
from app.api.rest.documentation import LOCATION, WITH_BODY, documented_errors, readable
from app.api.rest.responses import PREFIX, document_response, page_body, readable_response
from app.api.rest.schedule_bodies import ScheduleBody
from app.api.rest.schedule_views import FireList, SchedulePage, ScheduleView, schedule_document
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
async def create_schedule(body: ScheduleBody, services: ReadyServices) -> Response:
    """Needs a workflow that exists, and either `cron` or `at`."""
    schedule = await services.schedules.create(body.draft(services.payloads))
    headers = {"Location": f"{PREFIX}/schedules/{schedule.id}"}
    return document_response(schedule_document(schedule), 201, headers)


@router.get("", summary="List schedules", response_model=SchedulePage, responses=readable(404))
async def list_schedules(
    schedules: Schedules,
    skip: Skip = 0,
    limit: Limit = 100,
    workflow_id: Annotated[str | None, Query(description="Only those of this workflow: an id or a key.")] = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Ordered by id."""
    workflow = None if workflow_id is None else parse_ref(workflow_id)
    page, total = await schedules.list_schedules(workflow, skip, limit)
    items = [orjson.dumps(schedule_document(schedule)) for schedule in page]
    return readable_response(page_body(items, total, skip, limit), if_none_match)


@router.get("/{schedule}", summary="Get a schedule", response_model=ScheduleView, responses=readable(404))
async def get_schedule(schedule: ScheduleInPath, schedules: Schedules, if_none_match: IfNoneMatch = None) -> Response:
    """How it stands."""
    return readable_response(orjson.dumps(schedule_document(await schedules.get(_named(schedule)))), if_none_match)


@router.put(
    "/{schedule}",
    summary="Replace a schedule",
    response_model=ScheduleView,
    responses=documented_errors(404, 409, *WITH_BODY),
)
async def replace_schedule(schedule: ScheduleInPath, body: ScheduleBody, services: ReadyServices) -> Response:
    """Sets every field, to its default where it is left out; only `paused` left out stays, and `workflow` must.

    A fire that waits is dropped when the times are new.
    """
    replaced = await services.schedules.replace(_named(schedule), body.draft(services.payloads))
    return document_response(schedule_document(replaced))


@router.delete(
    "/{schedule}", summary="Delete a schedule", response_model=ScheduleView, responses=documented_errors(404)
)
async def delete_schedule(schedule: ScheduleInPath, schedules: Schedules) -> Response:
    """Answers the schedule as it was. Executions that it has started go on."""
    return document_response(schedule_document(await schedules.delete(_named(schedule))))


@router.post(
    "/{schedule}/pause", summary="Pause a schedule", response_model=ScheduleView, responses=documented_errors(404)
)
async def pause_schedule(schedule: ScheduleInPath, schedules: Schedules) -> Response:
    """It starts nothing more until it is resumed; a fire that waits is dropped. Harmless when repeated."""
    return document_response(schedule_document(await schedules.pause(_named(schedule))))


@router.post(
    "/{schedule}/resume", summary="Resume a schedule", response_model=ScheduleView, responses=documented_errors(404)
)
async def resume_schedule(schedule: ScheduleInPath, schedules: Schedules) -> Response:
    """It fires again from the next time on; what came due meanwhile is not made up. Harmless when repeated."""
    return document_response(schedule_document(await schedules.resume(_named(schedule))))


@router.get("/{schedule}/next", summary="Preview a schedule", response_model=FireList, responses=readable(404))
async def preview_schedule(
    schedule: ScheduleInPath,
    schedules: Schedules,
    count: Annotated[int, Query(ge=1, le=MAX_PREVIEW, description="How many times to answer at most.")] = 5,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """The next times at which it fires, as if it were not paused."""
    fires = await schedules.preview(_named(schedule), count)
    return readable_response(orjson.dumps({"items": [rfc3339(fire) for fire in fires]}), if_none_match)


def _named(schedule: str) -> Ref:
    return parse_ref(schedule, "schedule")
