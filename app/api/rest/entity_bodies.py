"""The request bodies of entities."""

from typing import Annotated, Any

from fastapi import Header
from pydantic import Field

from app.api.rest.body_model import Body, with_example
from app.api.rest.workflow_bodies import IdempotencyKey
from app.domain.definitions import MAX_NAME
from app.domain.errors import Invalid
from app.domain.executions import MAX_IDEMPOTENCY_KEY
from app.domain.refs import Ref, parse_ref
from app.machines.actors import EXECUTION, Actor
from app.machines.deciding import TransitionRequest
from app.machines.entities import EntityStart
from app.machines.limits import MAX_ENTITY_NAME, MAX_NOTES

OutsideName = Annotated[str, Field(json_schema_extra={"minLength": 1, "maxLength": MAX_ENTITY_NAME, "pattern": r"\S"})]
Notes = Annotated[str | None, Field(json_schema_extra={"maxLength": MAX_NOTES})]
Person = Annotated[str | None, Field(json_schema_extra={"minLength": 1, "maxLength": MAX_NAME, "pattern": r"\S"})]
KeyInHeader = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=MAX_IDEMPOTENCY_KEY,
        description="As `idempotency_key` of the body.",
    ),
]

EXAMPLE_START: dict[str, Any] = {
    "machine": "fraud_detection",
    "entity_table": "transactions",
    "entity_id": "12345",
    "data": {"amount": 5000, "risk_score": "medium"},
}


class EntityRequest(Body):
    """What all requests about an entity have."""

    notes: Notes = Field(None, description="For people; stored with the event.")
    context: dict[str, Any] = Field(
        default_factory=dict,
        description="The caller's own. Conditions can ask for it; it is stored with the event.",
    )
    executed_by: Person = Field(
        None, description="For whom the caller acts. It needs the scope `machines:impersonate`, unless AUTH is off."
    )
    idempotency_key: IdempotencyKey = Field(
        None, description="A repetition with the same key changes nothing and gets the first response again."
    )

    def _request(self, actor: Actor, key_in_header: str | None, **fields: Any) -> TransitionRequest:
        key = self._key(key_in_header)
        return TransitionRequest(actor, notes=self.notes, context=self.context, idempotency_key=key, **fields)

    def _key(self, in_header: str | None) -> str | None:
        if None not in (self.idempotency_key, in_header) and self.idempotency_key != in_header:
            raise Invalid.at("idempotency_key", "is another one than that of the header Idempotency-Key")
        key = self.idempotency_key or in_header
        if key is not None and key.startswith(EXECUTION):
            raise Invalid.at("idempotency_key", f"must not begin with {EXECUTION!r}: the service uses such keys itself")
        return key


class MachineEntityCreate(EntityRequest):
    """A new entity of a machine that is named elsewhere."""

    model_config = with_example({name: value for name, value in EXAMPLE_START.items() if name != "machine"})

    entity_table: OutsideName = Field(description="What kind of thing it is, outside.")
    entity_id: OutsideName = Field(description="What it is called there.")
    data: dict[str, Any] = Field(default_factory=dict, description="The entity's own.")

    def start(self, machine: Ref, actor: Actor, key_in_header: str | None) -> EntityStart:
        request = self._request(actor, key_in_header)
        return EntityStart(machine, self.entity_table, self.entity_id, request, self.data)


class EntityCreate(MachineEntityCreate):
    """A new entity."""

    model_config = with_example(EXAMPLE_START)

    machine: str = Field(description="The id or the key of the machine that is to govern it.")

    def ref(self, tenant_id: int) -> Ref:
        return parse_ref(self.machine, tenant_id, "machine")


class EntityChange(EntityRequest):
    """What all changes of an entity have."""

    expected_sequence: int | None = Field(
        None, description="The number of the last event that the caller knows; if there is another by now, 412."
    )


class TransitionBody(EntityChange):
    """Where an entity is to be moved: by the name of the transition, or of the state if exactly one leads there."""

    model_config = with_example(
        {"to_state": "investigating", "notes": "Suspicious pattern", "context": {"approval_code": "A-17"}}
    )

    to_state: Person = Field(None, description="The state that it enters.")
    transition: Person = Field(None, description="The name of the transition.")
    data: dict[str, Any] | None = Field(None, description="Changes of its data, as in PATCH.")

    def request(self, actor: Actor, key_in_header: str | None) -> TransitionRequest:
        fields = {"to": self.to_state, "transition": self.transition, "data": self.data}
        return self._request(actor, key_in_header, expected_sequence=self.expected_sequence, **fields)


class EntityPatch(EntityChange):
    """A change of an entity's data."""

    model_config = with_example({"data": {"risk_score": "high", "flag": None}, "notes": "scored again"})

    data: dict[str, Any] = Field(
        description="A merge patch (RFC 7396): null removes a field, objects are merged, all else replaces."
    )

    def request(self, actor: Actor, key_in_header: str | None) -> TransitionRequest:
        return self._request(actor, key_in_header, expected_sequence=self.expected_sequence, data=self.data)
