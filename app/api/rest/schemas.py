"""What clients may send. Types are judged here, JSON's own and strictly; the rules of values by the domain.

The bounds in the schemas are for readers: `app.domain.definitions` holds and checks them, so that every way in has the
same ones.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.domain.definitions import (
    KEY_PATTERN,
    MAX_ATTEMPTS,
    MAX_DESCRIPTION,
    MAX_NAME,
    MAX_SEQUENCE,
    MAX_TIMEOUT_SECONDS,
    ExecutionType,
    RetryPolicy,
    TaskDraft,
    WorkflowDraft,
)

MAX_IDEMPOTENCY_KEY = 200
MAX_REASON = 1_000
MAX_SIGNAL_NAME = 200

EXAMPLE_TASK = {
    "name": "fetch",
    "description": "Read the numbers of yesterday",
    "execution_type": "sync",
    "sequence": 1,
    "type": "http",
    "config": {"method": "GET", "url": "https://example.com/numbers"},
    "timeout_seconds": 30,
    "retry": {"max_attempts": 3, "initial_interval_seconds": 1},
}
EXAMPLE_WORKFLOW = {
    "name": "Nightly report",
    "key": "nightly-report",
    "description": "Fetches yesterday's numbers and tells everybody",
    "tasks": [
        EXAMPLE_TASK,
        {"name": "tell sales", "execution_type": "async", "sequence": 2, "type": "log", "config": {"message": "sales"}},
        {"name": "tell all", "execution_type": "async", "sequence": 2, "type": "log", "config": {"message": "all"}},
    ],
}


def _bounds(minimum: float, maximum: float) -> Any:
    return {"minimum": minimum, "maximum": maximum}


class Body(BaseModel):
    """A request body: no unknown fields, and no value that is not of its type."""

    model_config = ConfigDict(strict=True, extra="forbid")


def _example(example: dict[str, Any]) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [example]})


Name = Annotated[str, Field(json_schema_extra={"minLength": 1, "maxLength": MAX_NAME, "pattern": r"\S"})]
Description = Annotated[str | None, Field(json_schema_extra={"maxLength": MAX_DESCRIPTION})]
Key = Annotated[
    str | None,
    Field(
        description="A unique slug, to be used wherever an id is taken; not all digits.",
        json_schema_extra={"pattern": f"^(?![0-9]+$){KEY_PATTERN.pattern}$"},
    ),
]
Seconds = Annotated[float, Field(json_schema_extra=_bounds(0, MAX_TIMEOUT_SECONDS))]


class RetryBody(Body):
    """What is left out has the default that is shown here."""

    model_config = _example({"max_attempts": 5, "initial_interval_seconds": 0.5, "backoff_coefficient": 2})

    max_attempts: int = Field(1, description="1: no retry", json_schema_extra=_bounds(1, MAX_ATTEMPTS))
    initial_interval_seconds: Seconds = Field(1.0, description="The wait before attempt 2.")
    backoff_coefficient: float = Field(
        2.0, description="Each wait is this many times the one before.", json_schema_extra=_bounds(1, 100)
    )
    max_interval_seconds: Seconds = Field(60.0, description="No wait is longer.")
    jitter: float = Field(
        0.1, description="Each wait is shortened by up to this fraction of it.", json_schema_extra=_bounds(0, 1)
    )

    def policy(self) -> RetryPolicy:
        return RetryPolicy(**self.model_dump())


Kind = Annotated[
    Literal["sync", "async"],
    Field(description="Within a group, sync tasks run one after another, then async tasks side by side."),
]
Group = Annotated[
    int,
    Field(
        description="Tasks of equal sequence are a group; groups run in ascending order.",
        json_schema_extra=_bounds(0, MAX_SEQUENCE),
    ),
]
TypeName = Annotated[str | None, Field(description="The task type; a task without one does nothing and succeeds.")]
Config = Annotated[dict[str, Any] | None, Field(description="What the task type needs to know; one value, as a whole.")]
Timeout = Annotated[
    float | None,
    Field(
        description="How long one attempt may take.",
        json_schema_extra={"exclusiveMinimum": 0, "maximum": MAX_TIMEOUT_SECONDS},
    ),
]
Retry = Annotated[RetryBody | None, Field(description="Without one there is a single attempt; one value, as a whole.")]
DependsOn = Annotated[
    list[str] | None,
    Field(
        description="Names of the tasks to wait for. Where given, also when empty, it replaces the rule of the group."
    ),
]


class TaskBody(Body):
    """A whole task. What is left out has its default."""

    model_config = _example(EXAMPLE_TASK)

    name: Name
    execution_type: Kind
    description: Description = None
    sequence: Group = 0
    type: TypeName = None
    config: Config = None
    timeout_seconds: Timeout = None
    retry: Retry = None
    depends_on: DependsOn = None

    def draft(self) -> TaskDraft:
        return TaskDraft(**domain_values(self, type(self).model_fields))


class TaskPatch(Body):
    """The fields to change. What is left out stays, null clears."""

    model_config = _example({"sequence": 2, "timeout_seconds": None})

    name: Name = Field(default_factory=str)
    execution_type: Kind = Field(default_factory=lambda: "sync")
    description: Description = None
    sequence: Group = Field(default_factory=int)
    type: TypeName = None
    config: Config = None
    timeout_seconds: Timeout = None
    retry: Retry = None
    depends_on: DependsOn = None

    def changes(self) -> dict[str, Any]:
        return domain_values(self, self.model_fields_set)


class WorkflowCreate(Body):
    """A new workflow."""

    model_config = _example(EXAMPLE_WORKFLOW)

    name: Name
    description: Description = None
    key: Key = None
    tasks: list[TaskBody] = Field(default_factory=list)

    def draft(self) -> WorkflowDraft:
        return WorkflowDraft(**domain_values(self, type(self).model_fields))


class WorkflowReplace(Body):
    """A whole workflow, except that the stored tasks are kept when `tasks` is left out."""

    model_config = _example(EXAMPLE_WORKFLOW)

    name: Name
    description: Description = None
    key: Key = None
    tasks: list[TaskBody] = Field(
        default_factory=list, description="Each takes the id of the stored task that has its name."
    )

    def draft(self) -> WorkflowDraft:
        return WorkflowDraft(**domain_values(self, {"name", "description", "key"} | self.model_fields_set))


class WorkflowPatch(Body):
    """The fields to change. What is left out stays, null clears."""

    model_config = _example({"description": "Now with weather", "key": None})

    name: Name = Field(default_factory=str)
    description: Description = None
    key: Key = None
    tasks: list[TaskBody] = Field(
        default_factory=list, description="The whole list; each takes the id of the stored task that has its name."
    )

    def changes(self) -> dict[str, Any]:
        return domain_values(self, self.model_fields_set)


class ExecutionStart(Body):
    """What an execution starts with."""

    model_config = _example({"input": {"day": "2026-01-31"}, "idempotency_key": "report-2026-01-31"})

    input: dict[str, Any] = Field(default_factory=dict, description="Given to every task.")
    idempotency_key: str | None = Field(
        None,
        min_length=1,
        max_length=MAX_IDEMPOTENCY_KEY,
        description="A second start of this workflow with the same key answers the first one's execution.",
    )


class ReasonBody(Body):
    """Why an execution is cancelled, paused or resumed."""

    model_config = _example({"reason": "started by mistake"})

    reason: str = Field("", max_length=MAX_REASON, description="For people; it becomes part of the history.")


class SignalBody(Body):
    """A signal for an execution; `payload` is any JSON value and becomes the output of the task that takes it."""

    model_config = _example({"name": "approved", "payload": {"by": "Ada"}})

    name: str = Field(min_length=1, max_length=MAX_SIGNAL_NAME, description="What the waiting task waits for.")
    payload: Any = Field(None, description="Becomes the waiting task's output.")


CONVERSIONS: Mapping[str, Callable[[Any], Any]] = {
    "execution_type": ExecutionType,
    "config": lambda config: config or {},
    "retry": lambda retry: None if retry is None else retry.policy(),
    "depends_on": lambda names: None if names is None else tuple(names),
    "tasks": lambda tasks: tuple(task.draft() for task in tasks),
}


def domain_values(body: Body, names: Iterable[str]) -> dict[str, Any]:
    """The named fields as the domain has them."""
    return {name: CONVERSIONS.get(name, _same)(getattr(body, name)) for name in names}


def _same(value: Any) -> Any:
    return value
