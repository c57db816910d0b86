"""Entities as clients receive them. Only the OpenAPI document uses these models: `app.machines.entity_documents` makes
the documents.
"""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from app.api.rest.entity_event_views import ENTITY_EVENT, ENTITY_ID, EntityEventView
from app.api.rest.examples import INSTANT

ENTITY: dict[str, Any] = {
    "id": ENTITY_ID,
    "machine_id": 4,
    "revision": 1,
    "entity_table": "transactions",
    "entity_id": "12345",
    "state": "processing",
    "sequence": 2,
    "is_final": False,
    "data": {"amount": 5000, "risk_score": "medium"},
    "due": {"at": "2026-02-01T02:00:00.000000Z", "to": "completed", "transition": None},
    "entered_at": INSTANT,
    "created_at": INSTANT,
    "updated_at": INSTANT,
    "completed_at": None,
}
MOVED: dict[str, Any] = {
    "id": ENTITY_ID,
    "machine_id": 4,
    "entity_table": "transactions",
    "entity_id": "12345",
    "state": "processing",
    "event": ENTITY_EVENT,
}
POSSIBLE: dict[str, Any] = {
    "name": "start_processing",
    "to": "processing",
    "allowed": False,
    "blocked_by": ["field_required: approval_code"],
    "context": {},
    "metadata": {},
}


def _example(example: dict[str, Any]) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [example]})


class DueView(BaseModel):
    """A timer that is set."""

    at: datetime
    to: str | None
    transition: str | None


class EntityView(BaseModel):
    """One thing that a machine governs."""

    model_config = _example(ENTITY)

    id: str
    machine_id: int
    revision: int = Field(description="The revision of the machine by which it is judged.")
    entity_table: str
    entity_id: str
    state: str
    sequence: int = Field(description="The number of its last event.")
    is_final: bool
    data: dict[str, Any]
    due: DueView | None = Field(description="The timer of its state; null without one.")
    entered_at: datetime = Field(description="When it entered the state.")
    created_at: datetime
    updated_at: datetime
    completed_at: datetime | None = Field(description="When it entered a final state.")


class EntityPage(BaseModel):
    """Newest first."""

    items: list[EntityView]
    next_cursor: str | None = Field(description="The `cursor` of the next page; null on the last page.")


class MovedView(BaseModel):
    """What a request has done. A repetition with the same idempotency key gets the same."""

    model_config = _example(MOVED)

    id: str
    machine_id: int
    entity_table: str
    entity_id: str
    state: str | None = Field(description="The state that the request has led to; null for a change of data.")
    event: EntityEventView


class PossibleView(BaseModel):
    """A transition that leaves the state."""

    model_config = _example(POSSIBLE)

    name: str
    to: str
    allowed: bool
    blocked_by: list[str] = Field(description="The conditions that do not hold.")
    context: dict[str, Any]
    metadata: dict[str, Any]


class PossibleList(BaseModel):
    """In the order of the definition."""

    items: list[PossibleView]
