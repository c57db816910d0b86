"""What clients may send of a task."""

from typing import Annotated, Any, Literal

from pydantic import Field

from app.api.rest.body_model import UP_TO_MAX_TIMEOUT, Body, Conversions, Description, Name, bounds, with_example
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
    """What is left out has the default that is shown here."""

    model_config = with_example({"max_attempts": 5, "initial_interval_seconds": 0.5, "backoff_coefficient": 2})

    max_attempts: int = Field(1, description="1: no retry", json_schema_extra=bounds(1, MAX_ATTEMPTS))
    initial_interval_seconds: Seconds = Field(1.0, description="The wait before attempt 2.")
    backoff_coefficient: float = Field(
        2.0, description="Each wait is this many times the one before.", json_schema_extra=bounds(1, 100)
    )
    max_interval_seconds: Seconds = Field(60.0, description="No wait is longer.")
    jitter: float = Field(
        0.1, description="Each wait is shortened by up to this fraction of it.", json_schema_extra=bounds(0, 1)
    )
    non_retryable_errors: ErrorCodes = Field([], description="Codes of errors after which no attempt follows.")

    def policy(self) -> RetryPolicy:
        return RetryPolicy(**self.values(type(self).model_fields, {"non_retryable_errors": tuple}))


Kind = Annotated[
    Literal["sync", "async"],
    Field(description="Within a group, sync tasks run one after another, then async tasks side by side."),
]
Group = Annotated[
    int,
    Field(
        description="Tasks of equal sequence are a group; groups run in ascending order.",
        json_schema_extra=bounds(0, MAX_SEQUENCE),
    ),
]
TypeName = Annotated[str | None, Field(description="The task type; a task without one does nothing and succeeds.")]
Config = Annotated[
    dict[str, Any] | None,
    Field(description="What the task type needs to know; one value, as a whole. Its texts may hold `${…}`."),
]
Timeout = Annotated[
    float | None, Field(description="How long one attempt may take.", json_schema_extra=UP_TO_MAX_TIMEOUT)
]
Retry = Annotated[RetryBody | None, Field(description="Without one there is a single attempt; one value, as a whole.")]
DependsOn = Annotated[
    list[str] | None,
    Field(
        description="Names of the tasks to wait for. Where given, also when empty, it replaces the rule of the group."
    ),
]
WhenFailed = Annotated[
    Literal["fail", "continue"],
    Field(description="What its failure means: `fail` ends the execution, `continue` goes on without its output."),
]
Compensate = Annotated[
    list[str] | None,
    Field(
        description="Names of the tasks that undo this one when its execution fails or is cancelled. They run only "
        "then, belong to no group, and each undoes one task."
    ),
]
When = Annotated[str | None, Field(description="An expression, true or false: where it is false, the task is skipped.")]
ForEach = Annotated[
    str | None,
    Field(description="An expression for a list: the task runs once per element, which its config knows as `item`."),
]
MaxConcurrency = Annotated[
    int | None,
    Field(
        description="How many elements of `for_each` may run side by side.",
        json_schema_extra=bounds(1, MAX_CONCURRENCY),
    ),
]
OutputSchema = Annotated[
    dict[str, Any] | None, Field(description="The JSON Schema (2020-12) that the output must keep; one value.")
]


class TaskFields(Body):
    """What can be said about a task."""

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
    """A whole task. What is left out has its default."""

    model_config = with_example(EXAMPLE_TASK)

    def draft(self) -> TaskDraft:
        return TaskDraft(**self.values(type(self).model_fields, CONVERSIONS))


class TaskPatch(TaskFields):
    """The fields to change. What is left out stays, null clears."""

    model_config = with_example({"sequence": 2, "timeout_seconds": None})

    # Made by a factory, these defaults are not shown: a field that is left out has none.
    name: Name = Field(default_factory=str)
    execution_type: Kind = Field(default_factory=lambda: "sync")
    sequence: Group = Field(default_factory=int)
    on_failure: WhenFailed = Field(default_factory=lambda: "fail")

    def changes(self) -> dict[str, Any]:
        return self.values(self.model_fields_set, CONVERSIONS)


CONVERSIONS: Conversions = {
    "execution_type": ExecutionType,
    "config": lambda config: config or {},
    "retry": lambda retry: None if retry is None else retry.policy(),
    "depends_on": lambda names: None if names is None else tuple(names),
    "on_failure": OnFailure,
    "compensate": lambda names: tuple(names or ()),
}
