"""The request bodies of workflows, and of a start."""

from typing import Annotated, Any

from pydantic import Field

from app.api.rest.body_model import UP_TO_MAX_TIMEOUT, Body, Conversions, Description, Instant, Name, with_example
from app.api.rest.dialects.steps import StepBody
from app.api.rest.read_only_fields import Fixed, Returned, Shown, Version, Warnings, omitted
from app.api.rest.routing_bodies import Conditions, MaxVisits, StartTask, conditions_of
from app.api.rest.task_bodies import EXAMPLE_TASK, TaskBody, TaskInList
from app.domain.definitions import MAX_RETENTION_DAYS, WorkflowDraft
from app.domain.executions import MAX_IDEMPOTENCY_KEY
from app.domain.refs import KEY_PATTERN

EXAMPLE_WORKFLOW = {
    "name": "Nightly report",
    "key": "nightly-report",
    "description": "Fetches yesterday's numbers and reports them",
    "timeout_seconds": 3600,
    "variables": {"source": "https://example.com"},
    "retention_days": 30,
    "tasks": [
        EXAMPLE_TASK,
        {"name": "tell sales", "execution_type": "async", "sequence": 2, "type": "log", "config": {"message": "sales"}},
        {"name": "tell all", "execution_type": "async", "sequence": 2, "type": "log", "config": {"message": "all"}},
    ],
}

MATCHED = "A task with an `id` is the stored one with that id; without, it is the one with its name, or a new one."

Key = Annotated[
    str | None,
    Field(
        description="A unique slug, which can be used in place of the id; not only digits.",
        json_schema_extra={"pattern": f"^(?![0-9]+$){KEY_PATTERN.pattern}$"},
    ),
]
ExecutionTimeout = Annotated[
    float | None,
    Field(
        description="How long an execution may take from its start, including pauses.",
        json_schema_extra=UP_TO_MAX_TIMEOUT,
    ),
]
Variables = Annotated[
    dict[str, Any] | None, Field(description="Available as `vars` in expressions; replaced as a whole.")
]
Secrets = Annotated[
    list[str] | None,
    Field(description="The names of the secrets that expressions may use as `secrets.NAME`; no others have a value."),
]
InputSchema = Annotated[
    dict[str, Any] | None, Field(description="The JSON Schema (2020-12) of the input of executions.")
]
Retention = Annotated[
    float | None,
    Field(
        description="After how many days finished executions are removed: 0 means never, null the service's setting.",
        json_schema_extra={"minimum": 0, "maximum": MAX_RETENTION_DAYS},
    ),
]


IdempotencyKey = Annotated[str | None, Field(min_length=1, max_length=MAX_IDEMPOTENCY_KEY)]


class WorkflowFields(Body):
    """The fields of a workflow without its tasks. Each subclass adds `tasks` with its own meaning."""

    name: Name
    description: Description = None
    key: Key = None
    timeout_seconds: ExecutionTimeout = None
    variables: Variables = None
    secrets: Secrets = None
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


class WorkflowReadOnly(Returned):
    """What a workflow has that only the service sets."""

    id: Fixed[int] = omitted()
    revision: Version[int] = omitted()
    created_at: Fixed[Instant] = omitted()
    updated_at: Version[Instant] = omitted()
    steps: Shown[list[StepBody]] = omitted()
    warnings: Warnings = omitted()


class WorkflowReplace(WorkflowReadOnly, WorkflowFields):
    """A whole workflow, also as a response has it. If `tasks` is omitted, the stored tasks are kept."""

    model_config = with_example(EXAMPLE_WORKFLOW)

    tasks: list[TaskInList] = Field(default_factory=list, description=f"The whole list. {MATCHED}")

    def draft(self) -> WorkflowDraft:
        kept = {"tasks"} - self.model_fields_set
        return WorkflowDraft(**self.values(self.settable() - kept, CONVERSIONS))


class WorkflowPatch(WorkflowReadOnly, WorkflowFields):
    """The fields to change. An omitted field stays unchanged; null clears a field."""

    model_config = with_example({"description": "Now with weather", "key": None})

    name: Name = Field(default_factory=str)
    tasks: list[TaskInList] = Field(default_factory=list, description=f"The whole list. {MATCHED}")

    def changes(self) -> dict[str, Any]:
        return self.values(self.model_fields_set & self.settable(), CONVERSIONS)


class ExecutionStart(Body):
    """The input of an execution, and the key that makes its start idempotent."""

    model_config = with_example({"input": {"day": "2026-01-31"}, "idempotency_key": "report-2026-01-31"})

    input: dict[str, Any] = Field(default_factory=dict, description="Given to every task.")
    idempotency_key: IdempotencyKey = Field(
        None, description="A second start of this workflow with the same key returns the execution of the first one."
    )


CONVERSIONS: Conversions = {
    "tasks": lambda tasks: tuple(task.draft() for task in tasks),
    "variables": lambda variables: variables or {},
    "secrets": lambda secrets: tuple(secrets or ()),
    "conditions": conditions_of,
}
