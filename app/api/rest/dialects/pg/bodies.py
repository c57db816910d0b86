"""The request bodies of functions, whose fields are the names of the arguments, and what functions return."""

from typing import Any

from pydantic import BaseModel, Field

from app.api.rest.body_model import Body, with_example
from app.api.rest.examples import EXECUTION_ID

Json = dict[str, Any]


class StartBody(Body):
    """What both ways to start an instance have."""

    entity_table: str = Field(description="What kind of thing it is.")
    entity_id: str | int = Field(description="Which one.")
    metadata: Json | None = Field(None, description="Its data, an object.")
    executed_by: str | None = Field(None, description="For whom it is started; needs the scope `machines:impersonate`.")
    notes: str | None = Field(None, description="Stored with the start.")
    idempotency_key: str | None = Field(None, description="A second call with the same key has the same answer.")


class StartByIdBody(StartBody):
    """Which machine, and which thing."""

    model_config = with_example(
        {
            "workflow_definition_id": "7",
            "entity_table": "transactions",
            "entity_id": "12345",
            "metadata": {"amount": 5000, "risk_score": "medium"},
        }
    )

    workflow_definition_id: str | int = Field(description="The id of the machine, or its key.")


class StartByNameBody(StartBody):
    """Which machine, and which thing."""

    model_config = with_example(
        {"workflow_name": "fraud_detection", "entity_table": "transactions", "entity_id": "12345"}
    )

    workflow_name: str = Field(description="The name of the machine, or its key.")


class TransitionBody(Body):
    """Which instance, and where to."""

    model_config = with_example(
        {
            "instance_id": EXECUTION_ID,
            "to_state": "investigating",
            "executed_by": "security_analyst_1",
            "notes": "Suspicious pattern detected",
        }
    )

    instance_id: str = Field(description="The id of the entity, a UUID.")
    to_state: str | None = Field(None, description="The state to enter.")
    transition_name: str | None = Field(None, description="Which transition, if several lead to the state.")
    executed_by: str | None = Field(None, description="For whom it is made; needs the scope `machines:impersonate`.")
    notes: str | None = Field(None, description="Stored with the transition.")
    context: Json | None = Field(None, description="What conditions are judged by, stored with the transition.")
    metadata: Json | None = Field(None, description="Changes of the entity's metadata; null removes a field.")
    idempotency_key: str | None = Field(None, description="A second call with the same key has the same answer.")


class PossibleBody(Body):
    """Which instance."""

    model_config = with_example({"instance_id": EXECUTION_ID, "context": {"approval_code": "A1"}})

    instance_id: str = Field(description="The id of the entity, a UUID.")
    context: Json | None = Field(None, description="What conditions are judged by.")


class PossibleView(BaseModel):
    """A transition that leaves the state of an instance."""

    model_config = with_example(
        {
            "name": "start_processing",
            "to_state": "processing",
            "allowed": False,
            "blocked_by": ["field_required: approval_code"],
            "context": {},
            "metadata": {},
        }
    )

    name: str
    to_state: str
    allowed: bool = Field(description="Whether it could be made now.")
    blocked_by: list[str] = Field(description="The conditions that do not hold.")
    context: Json
    metadata: Json
