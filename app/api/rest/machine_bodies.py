"""The request bodies of machines. Their forms are documentation: `app.machines.parsing` reads them as they were sent,
so that a body and a definition file mean the same.
"""

from typing import Annotated, Any, ClassVar

from pydantic import ConfigDict, Field, GetJsonSchemaHandler
from pydantic_core import CoreSchema

from app.api.rest.body_model import Body, Description, Instant, Name, with_example
from app.api.rest.read_only_fields import Fixed, Returned, Version, Warnings, omitted
from app.api.rest.workflow_bodies import Key
from app.domain.definitions import MAX_TIMEOUT_SECONDS
from app.machines.machine import MAX_STATES, MAX_TRANSITIONS, MachineDraft
from app.machines.parsing import flattened, parse_machine

EXAMPLE_MACHINE: dict[str, Any] = {
    "workflow": {"name": "fraud_detection", "version": "1.0", "metadata": {"category": "risk"}},
    "states": [
        {"name": "initial_state", "initial": True, "metadata": {"color": "#orange"}},
        {"name": "processing", "after": {"seconds": 86400, "to": "completed"}},
        {"name": "completed", "final": True},
    ],
    "transitions": [
        {
            "from": "initial_state",
            "to": "processing",
            "name": "start_processing",
            "conditions": {"field_required": "approval_code", "role": "processor"},
        },
        {"from": "processing", "to": "completed", "name": "complete"},
    ],
}

Free = Annotated[dict[str, Any] | None, Field(description="The caller's own; it is stored as it is.")]


class RunForm(Body):
    """An execution that is started in the same commit; its id is in the history of the entity."""

    workflow: str = Field(description="The workflow's key or id.")
    input: dict[str, Any] | None = Field(None, description="Its texts can have expressions, as `${data.amount}`.")
    on_completed: str | None = Field(None, description="The transition that its completion fires.")
    on_failed: str | None = Field(None, description="The transition that its failure, or its cancel, fires.")


class TimerForm(Body):
    """What leaves a state by itself: one of `seconds` and `at`, and one of `to` and `transition`."""

    seconds: Annotated[float | None, Field(json_schema_extra={"minimum": 0, "maximum": MAX_TIMEOUT_SECONDS})] = Field(
        None, description="How long after the state was entered."
    )
    at: str | None = Field(None, description="An expression for an instant, as `data.deadline`.")
    to: str | None = Field(None, description="The state that it leads to.")
    transition: str | None = Field(None, description="The name of the transition that it fires.")
    retry_seconds: float | None = Field(None, description="After how long it is tried again when it is blocked.")


class StateForm(Body):
    """A state."""

    name: Name
    initial: bool | None = Field(None, description="Entities begin in it. Exactly one state is.")
    final: bool | None = Field(None, description="Nothing leaves it.")
    description: Description = None
    metadata: Free = None
    after: TimerForm | None = Field(None, description="Its timer.")
    on_enter: RunForm | str | None = Field(None, description="What is started when it is entered.")
    on_exit: RunForm | str | None = Field(None, description="What is started when it is left.")


class ConditionsForm(Body):
    """What must hold. Roles are checked first."""

    field_required: str | list[str] | None = Field(None, description="In the request's `context`, or in the data.")
    field_equals: dict[str, Any] | None = Field(None, description="As above: fields and their values.")
    role: str | None = Field(None, description="A role, or a group of the caller.")
    roles: list[str] | None = Field(None, description="One of these.")
    cel: str | None = Field(
        None, description="An expression over `data`, `context`, `actor`, `entity`, `state`, `now` …"
    )
    min_seconds_in_state: float | None = None
    not_same_actor_as: str | None = Field(None, description="A transition that somebody else must have made.")


class TransitionForm(Body):
    """A way from a state to another."""

    source: str = Field(alias="from", description="The state that it leaves; `*` for every one that is not final.")
    target: str = Field(alias="to", description="The state that it enters.")
    name: str | None = Field(None, description="Unique among those that leave a state; the default is `to_STATE`.")
    description: Description = None
    conditions: ConditionsForm | None = None
    run: RunForm | str | None = Field(None, description="What it starts.")
    context: Free = None
    metadata: Free = None


class AboutForm(Body):
    """The name of a machine, and what belongs to it."""

    name: Name
    key: Key = None
    description: Description = None
    version: str | float | None = Field(None, description="The caller's own.")
    metadata: Free = None


class MachineForm(Body):
    """A machine, as in a definition file: `name` and what belongs to it at the top, or within `workflow` or `machine`.

    The key is the name, if that is a slug and no key is given. A machine without `transitions` has one for every pair
    of states, except from final ones.
    """

    model_config = with_example(EXAMPLE_MACHINE)

    workflow: AboutForm | None = None
    machine: AboutForm | None = None
    name: str | None = Field(None, description="Required, here or within `workflow` or `machine`.")
    key: Key = None
    description: Description = None
    version: str | float | None = Field(None, description="The caller's own.")
    metadata: Free = None
    states: list[StateForm | str] = Field(json_schema_extra={"minItems": 1, "maxItems": MAX_STATES})
    transitions: list[TransitionForm] | None = Field(None, json_schema_extra={"maxItems": MAX_TRANSITIONS})


class MachineReadOnly(Returned):
    """What a machine has that only the service sets."""

    id: Fixed[int] = omitted()
    revision: Version[int] = omitted()
    created_at: Fixed[Instant] = omitted()
    updated_at: Version[Instant] = omitted()
    warnings: Warnings = omitted()


class MachineReplaceForm(MachineReadOnly, MachineForm):
    """A whole machine, also as a response has it."""

    model_config = with_example(EXAMPLE_MACHINE)


class MachinePatchForm(MachineReadOnly, MachineForm):
    """The fields to change. An omitted field stays unchanged; null clears a field. Lists are replaced as a whole."""

    model_config = with_example({"description": "Now with a description"})

    states: list[StateForm | str] = Field(default_factory=list, json_schema_extra={"maxItems": MAX_STATES})


class _AsWritten(Body):
    """An object whose fields are read elsewhere. `form` describes it in the OpenAPI document."""

    model_config = ConfigDict(strict=True, extra="allow")
    form: ClassVar[type[Body]] = MachineForm

    @classmethod
    def __get_pydantic_json_schema__(cls, _schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return handler.resolve_ref_schema(handler(cls.form.__pydantic_core_schema__))

    @property
    def written(self) -> dict[str, Any]:
        return self.model_extra or {}


class MachineCreate(_AsWritten):
    """A new machine."""

    def draft(self) -> MachineDraft:
        return parse_machine(self.written)


class MachineReplace(MachineReadOnly, _AsWritten):
    """A whole machine."""

    form = MachineReplaceForm

    def draft(self) -> MachineDraft:
        return parse_machine(self.written)


class MachinePatch(MachineReadOnly, _AsWritten):
    """Some fields of a machine."""

    form = MachinePatchForm

    def changes(self) -> dict[str, Any]:
        return dict(flattened(self.written))


class MigrationBody(Body):
    """Where entities are to be moved to."""

    model_config = with_example({"to_revision": 3, "map": {"processing": "review"}, "dry_run": True})

    to_revision: int = Field(description="The revision that is to govern them.")
    map: dict[str, str] = Field(default_factory=dict, description="The new state for a state; others stay.")
    dry_run: bool = Field(False, description="Say what would be done, and do nothing.")
