"""What clients may send of a workflow, and to start one."""

from typing import Annotated, Any

from pydantic import Field

from app.api.rest.body_model import UP_TO_MAX_TIMEOUT, Body, Conversions, Description, Name, with_example
from app.api.rest.routing_bodies import Conditions, MaxVisits, StartTask, conditions_of
from app.api.rest.task_bodies import EXAMPLE_TASK, TaskBody
from app.domain.definitions import MAX_RETENTION_DAYS, WorkflowDraft
from app.domain.executions import MAX_IDEMPOTENCY_KEY
from app.domain.refs import KEY_PATTERN

EXAMPLE_WORKFLOW = {
    "name": "Nightly report",
    "key": "nightly-report",
    "description": "Fetches yesterday's numbers and tells everybody",
    "timeout_seconds": 3600,
    "variables": {"source": "https://example.com"},
    "retention_days": 30,
    "tasks": [
        EXAMPLE_TASK,
        {"name": "tell sales", "execution_type": "async", "sequence": 2, "type": "log", "config": {"message": "sales"}},
        {"name": "tell all", "execution_type": "async", "sequence": 2, "type": "log", "config": {"message": "all"}},
    ],
}

Key = Annotated[
    str | None,
    Field(
        description="A unique slug, to be used wherever an id is taken; not all digits.",
        json_schema_extra={"pattern": f"^(?![0-9]+$){KEY_PATTERN.pattern}$"},
    ),
]
ExecutionTimeout = Annotated[
    float | None,
    Field(
        description="How long an execution may take from its start, pauses included.",
        json_schema_extra=UP_TO_MAX_TIMEOUT,
    ),
]
Variables = Annotated[
    dict[str, Any] | None, Field(description="What expressions know as `vars`: plain JSON; one value, as a whole.")
]
InputSchema = Annotated[
    dict[str, Any] | None, Field(description="The JSON Schema (2020-12) that the input of executions must keep.")
]
Retention = Annotated[
    float | None,
    Field(
        description="After how many days finished executions are removed: 0 never; null as the service's setting says.",
        json_schema_extra={"minimum": 0, "maximum": MAX_RETENTION_DAYS},
    ),
]


IdempotencyKey = Annotated[str | None, Field(min_length=1, max_length=MAX_IDEMPOTENCY_KEY)]


class WorkflowFields(Body):
    """What can be said about a workflow beside its tasks. Each body that extends this adds `tasks` in its own sense."""

    name: Name
    description: Description = None
    key: Key = None
    timeout_seconds: ExecutionTimeout = None
    variables: Variables = None
    input_schema: InputSchema = None
    retention_days: Retention = None
    start_task: StartTask = None
    conditions: Conditions = None
    max_visits: MaxVisits = None


class WorkflowCreate(WorkflowFields):
    """A new workflow."""

    model_config = with_example(EXAMPLE_WORKFLOW)

    tasks: list[TaskBody] = Field(default_factory=list)

    def draft(self) -> WorkflowDraft:
        return WorkflowDraft(**self.values(type(self).model_fields, CONVERSIONS))


class WorkflowReplace(WorkflowFields):
    """A whole workflow, except that the stored tasks are kept when `tasks` is left out."""

    model_config = with_example(EXAMPLE_WORKFLOW)

    tasks: list[TaskBody] = Field(
        default_factory=list, description="Each takes the id of the stored task that has its name."
    )

    def draft(self) -> WorkflowDraft:
        kept = {"tasks"} - self.model_fields_set
        return WorkflowDraft(**self.values(type(self).model_fields.keys() - kept, CONVERSIONS))


class WorkflowPatch(WorkflowFields):
    """The fields to change. What is left out stays, null clears."""

    model_config = with_example({"description": "Now with weather", "key": None})

    name: Name = Field(default_factory=str)
    tasks: list[TaskBody] = Field(
        default_factory=list, description="The whole list; each takes the id of the stored task that has its name."
    )

    def changes(self) -> dict[str, Any]:
        return self.values(self.model_fields_set, CONVERSIONS)


class ExecutionStart(Body):
    """What an execution starts with."""

    model_config = with_example({"input": {"day": "2026-01-31"}, "idempotency_key": "report-2026-01-31"})

    input: dict[str, Any] = Field(default_factory=dict, description="Given to every task.")
    idempotency_key: IdempotencyKey = Field(
        None, description="A second start of this workflow with the same key answers the first one's execution."
    )


CONVERSIONS: Conversions = {
    "tasks": lambda tasks: tuple(task.draft() for task in tasks),
    "variables": lambda variables: variables or {},
    "conditions": conditions_of,
}
