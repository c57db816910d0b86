"""The documents of events of entities that clients receive. They are only used by the OpenAPI document."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from app.api.rest.examples import INSTANT
from app.machines.entity import EntityEventType

ENTITY_ID = "0197a3c4-6e3f-7d2b-8a4c-3b7f1dae9f82"
ENTITY_EVENT: dict[str, Any] = {
    "sequence": 2,
    "type": "transitioned",
    "occurred_at": INSTANT,
    "transition": "start_processing",
    "from_state": "initial_state",
    "to_state": "processing",
    "actor": "key:Xk3vT9aB",
    "on_behalf_of": None,
    "notes": "Suspicious pattern",
    "context": {"approval_code": "A-17"},
    "data": None,
    "execution_id": None,
}


class EntityEventView(BaseModel):
    """One event in the history of an entity."""

    model_config = ConfigDict(json_schema_extra={"examples": [ENTITY_EVENT]})

    sequence: int
    type: EntityEventType
    occurred_at: datetime
    transition: str | None = Field(description="The name of the transition; null for other events.")
    from_state: str | None = Field(description="The state that was left.")
    to_state: str | None = Field(description="The state that was entered.")
    actor: str = Field(description="Who has made it: a principal, `timer`, or `execution:ID`.")
    on_behalf_of: str | None = Field(description="For whom, by the actor's own word.")
    notes: str | None
    context: dict[str, Any] | None
    data: dict[str, Any] | None = Field(
        description="By the type: the whole data of a start, the changes of a transition, what a timer or a migration "
        "is about."
    )
    execution_id: str | None = Field(description="The execution that was started.")


class EntityEventPage(BaseModel):
    """Oldest first."""

    items: list[EntityEventView]
    ended: bool = Field(description="True when the entity is in a final state and no event follows.")
