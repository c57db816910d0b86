"""Schedules as clients receive them."""

from datetime import datetime
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, Field

from app.api.rest.examples import EXECUTION_ID, INSTANT
from app.api.rest.schedule_bodies import OverlapName
from app.api.rest.views import Page
from app.domain.documents import rfc3339
from app.schedules.schedule import Schedule

NEXT = "2026-02-01T01:00:00.000000Z"
EXAMPLE: dict[str, Any] = {
    "id": 3,
    "key": "nightly",
    "workflow_id": 7,
    "cron": "0 2 * * *",
    "allow_every_second": False,
    "time_zone": "Europe/Berlin",
    "at": None,
    "input": {"day": "yesterday"},
    "overlap": "skip",
    "catch_up_seconds": 3600.0,
    "paused": False,
    "next_fire_at": NEXT,
    "waiting_fire_at": None,
    "last_fire_at": "2026-01-31T01:00:00.000000Z",
    "last_execution_id": EXECUTION_ID,
    "problem": None,
    "created_at": INSTANT,
    "updated_at": INSTANT,
}


class ScheduleView(BaseModel):
    """When a workflow is started automatically."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    id: int
    key: str | None
    workflow_id: int
    cron: str | None
    allow_every_second: bool = Field(description="Whether `cron` has all 60 seconds.")
    time_zone: str
    at: datetime | None
    input: dict[str, Any]
    overlap: OverlapName
    catch_up_seconds: float
    paused: bool
    next_fire_at: datetime | None = Field(description="Null while it is paused, and if it will not fire again.")
    waiting_fire_at: datetime | None = Field(description="A fire whose execution is not started yet.")
    last_fire_at: datetime | None = Field(description="The latest fire that started an execution.")
    last_execution_id: str | None
    problem: str | None = Field(description="Why the schedule starts nothing; normally null.")
    created_at: datetime
    updated_at: datetime


class SchedulePage(Page[ScheduleView]):
    """Ordered by id."""


class FireList(BaseModel):
    """The times at which a schedule fires next, soonest first."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [NEXT]}]})

    items: list[datetime]


def schedule_document(schedule: Schedule) -> dict[str, Any]:
    timing = schedule.timing
    return {
        "id": schedule.id,
        "key": schedule.key,
        "workflow_id": schedule.workflow_id,
        "cron": timing.cron,
        "allow_every_second": timing.is_every_second,
        "time_zone": timing.time_zone,
        "at": rfc3339(timing.at),
        "input": orjson.Fragment(schedule.input.text),
        "overlap": schedule.overlap.value,
        "catch_up_seconds": schedule.catch_up_seconds,
        "paused": schedule.paused,
        "next_fire_at": None if schedule.paused else rfc3339(schedule.next_fire_at),
        "waiting_fire_at": rfc3339(schedule.waiting_fire_at),
        "last_fire_at": rfc3339(schedule.last_fire_at),
        "last_execution_id": None if schedule.last_execution_id is None else str(schedule.last_execution_id),
        "problem": timing.problem,
        "created_at": rfc3339(schedule.created_at),
        "updated_at": rfc3339(schedule.updated_at),
    }
