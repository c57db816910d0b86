"""The request bodies of tasks."""

from typing import Annotated, Any, Literal

from pydantic import Field

from app.api.rest.body_model import (
    UP_TO_MAX_TIMEOUT,
    Body,
    Conversions,
    Description,
    Instant,
    Name,
    bounds,
    with_example,
)
from app.api.rest.read_only_fields import Fixed, Returned, Version, Warnings, omitted
from app.definitions.changes import draft_fields
from app.definitions.matching import ReturnedTask
from app.domain.definitions import (
    MAX_ATTEMPTS,
    MAX_CONCURRENCY,
    MAX_ERROR_CODES,
    MAX_SEQUENCE,
    MAX_TIMEOUT_SECONDS,
    ExecutionType,
    OnFailure,
    RetryPolicy,
    TaskDraft,
)

EXAMPLE_TASK = {
    "name": "fetch",
    "description": "Read the numbers of yesterday",
    "execution_type": "sync",
    "sequence": 1,
    "type": "http",
    "config": {"method": "GET", "url": "${vars.source}/numbers"},
    "timeout_seconds": 30,
    "retry": {"max_attempts": 3, "initial_interval_seconds": 1},
}

Seconds = Annotated[float, Field(json_schema_extra=bounds(0, MAX_TIMEOUT_SECONDS))]
ErrorCodes = Annotated[list[Name], Field(json_schema_extra={"maxItems": MAX_ERROR_CODES})]


class RetryBody(Body):
    """How a failed attempt is retried. An omitted field has the default that is shown here."""

    model_config = with_example({"max_attempts": 5, "initial_interval_seconds": 0.5, "backoff_coefficient": 2})

    max_attempts: int = Field(1, description="1 means no retry.", json_schema_extra=bounds(1, MAX_ATTEMPTS))
    initial_interval_seconds: Seconds = Field(1.0, description="The pause before attempt 2.")
    backoff_coefficient: float = Field(
        2.0, description="Each pause is this many times as long as the previous one.", json_schema_extra=bounds(1, 100)
    )
    max_interval_seconds: Seconds = Field(60.0, description="The longest pause.")
    jitter: float = Field(
        0.1, description="Each pause is shortened at random, at most by this fraction.", json_schema_extra=bounds(0, 1)
    )
    non_retryable_errors: ErrorCodes = Field([], description="Codes of errors that are not retried.")

    def policy(self) -> RetryPolicy:
        return RetryPolicy(**self.values(type(self).model_fields, {"non_retryable_errors": tuple}))


Kind = Annotated[
    Literal["sync", "async"],
    Field(description="Within a group, sync tasks run one after another, then async tasks run concurrently."),
]
Group = Annotated[
    int,
    Field(
        description="Tasks with the same sequence are a group; groups run in ascending order.",
        json_schema_extra=bounds(0, MAX_SEQUENCE),
    ),
]
TypeName = Annotated[str | None, Field(description="The task type; a task without one does nothing and succeeds.")]
Config = Annotated[
    dict[str, Any] | None,
    Field(
        description="Settings of the task type; replaced as a whole. Its texts may contain `${…}`. A task without a "
        "type keeps any settings; a `message`, if it is a text, and `fields` are logged, the others only stored."
    ),
]
Timeout = Annotated[
    float | None, Field(description="How long one attempt may take.", json_schema_extra=UP_TO_MAX_TIMEOUT)
]
Retry = Annotated[RetryBody | None, Field(description="If omitted, there is a single attempt; replaced as a whole.")]
DependsOn = Annotated[
    list[str] | None,
    Field(description="Names of the tasks to wait for. If given, even if empty, it replaces the rule of groups."),
]
WhenFailed = Annotated[
    Literal["fail", "continue"],
    Field(description="The effect of a failure: `fail` ends the execution, `continue` continues without an output."),
]
Compensate = Annotated[
    list[str] | None,
    Field(
        description="Names of the tasks that undo this one when its execution fails or is cancelled. They run only "
        "then, belong to no group, and each undoes one task."
    ),
]
When = Annotated[str | None, Field(description="A boolean expression; if it is false, the task is skipped.")]
ForEach = Annotated[
    str | None,
    Field(description="An expression for a list: the task runs once for each element, which is `item` in its config."),
]
MaxConcurrency = Annotated[
    int | None,
    Field(
        description="How many elements of `for_each` may run at the same time.",
        json_schema_extra=bounds(1, MAX_CONCURRENCY),
    ),
]
OutputSchema = Annotated[
    dict[str, Any] | None, Field(description="The JSON Schema (2020-12) of the output; replaced as a whole.")
]


class TaskFields(Body):
    """The fields of a task."""

    name: Name
    execution_type: Kind
    description: Description = None
    sequence: Group = 0
    type: TypeName = None
    config: Config = None
    timeout_seconds: Timeout = None
    retry: Retry = None
    depends_on: DependsOn = None
    on_failure: WhenFailed = "fail"
    compensate: Compensate = None
    when: When = None
    for_each: ForEach = None
    max_concurrency: MaxConcurrency = None
    output_schema: OutputSchema = None


class TaskBody(TaskFields):
    """A whole task. An omitted field has its default."""

    model_config = with_example(EXAMPLE_TASK)

    def draft(self) -> TaskDraft:
        return TaskDraft(**self.values(type(self).model_fields, CONVERSIONS))


class TaskReadOnly(Returned):
    """What a task has that only the service sets."""

    id: Fixed[int] = omitted()
    workflow_id: Fixed[int] = omitted()
    created_at: Fixed[Instant] = omitted()
    updated_at: Version[Instant] = omitted()
    warnings: Warnings = omitted()


class TaskReplace(TaskReadOnly, TaskFields):
    """A whole task, also as a response has it. An omitted field has its default."""

    model_config = with_example(EXAMPLE_TASK)

    def draft(self) -> TaskDraft:
        return TaskDraft(**self.values(self.settable(), CONVERSIONS))


class TaskInList(TaskReplace):
    """A task of a list that replaces the stored one. It is the stored task with its `id`, or else with its name."""

    def draft(self) -> TaskDraft:
        draft, stated = super().draft(), self.stated()
        return ReturnedTask(**draft_fields(draft), stated=stated) if stated else draft


class TaskPatch(TaskReadOnly, TaskFields):
    """The fields to change. An omitted field stays unchanged; null clears a field."""

    model_config = with_example({"sequence": 2, "timeout_seconds": None})

    # Pydantic does not document the defaults of factories. These fields have none: an omitted field stays unchanged.
    name: Name = Field(default_factory=str)
    execution_type: Kind = Field(default_factory=lambda: "sync")
    sequence: Group = Field(default_factory=int)
    on_failure: WhenFailed = Field(default_factory=lambda: "fail")

    def changes(self) -> dict[str, Any]:
        return self.values(self.model_fields_set & self.settable(), CONVERSIONS)


CONVERSIONS: Conversions = {
    "execution_type": ExecutionType,
    "config": lambda config: config or {},
    "retry": lambda retry: None if retry is None else retry.policy(),
    "depends_on": lambda names: None if names is None else tuple(names),
    "on_failure": OnFailure,
    "compensate": lambda names: tuple(names or ()),
}
