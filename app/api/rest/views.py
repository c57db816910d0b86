"""The documents that clients receive. Only the OpenAPI document uses these models: responses are built from bytes."""

from datetime import datetime
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from app.api.rest.examples import EVENT, EXECUTION, FEED_EVENT, INSTANT, TASK, WORKFLOW

Item = TypeVar("Item")

ExecutionStatusName = Literal["pending", "running", "paused", "completed", "failed", "cancelled"]
TaskStatusName = Literal["pending", "running", "retrying", "completed", "failed", "cancelled", "skipped"]


def _example(example: dict[str, Any]) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [example]})


class RetryView(BaseModel):
    max_attempts: int
    initial_interval_seconds: float
    backoff_coefficient: float
    max_interval_seconds: float
    jitter: float
    non_retryable_errors: list[str] = []


class TaskView(BaseModel):
    """A task of a workflow. A field with a default may be missing in revisions that are older than the field."""

    model_config = _example(TASK)

    id: int
    workflow_id: int
    name: str
    description: str | None
    execution_type: Literal["sync", "async"]
    sequence: int
    type: str | None
    config: dict[str, Any]
    timeout_seconds: float | None
    retry: RetryView | None
    depends_on: list[str] | None
    on_failure: Literal["fail", "continue"] = "fail"
    compensate: list[str] = []
    when: str | None = None
    for_each: str | None = None
    max_concurrency: int | None = None
    output_schema: dict[str, Any] | None = None
    created_at: datetime
    updated_at: datetime


class ConditionView(BaseModel):
    """Chooses the next task when a task has ended."""

    name: str
    source_task: str
    outcome: Literal["success", "failure", "any"]
    target_task_success: str
    target_task_failure: str
    description: str | None


class WorkflowView(BaseModel):
    """One whole revision of a workflow. Tasks are ordered by sequence and id.

    A field with a default may be missing in revisions that are older than the field.
    """

    model_config = _example(WORKFLOW)

    id: int
    key: str | None
    name: str
    description: str | None
    timeout_seconds: float | None = None
    variables: dict[str, Any] = {}
    secrets: list[str] = []
    input_schema: dict[str, Any] | None = None
    retention_days: float | None = None
    start_task: str | None = None
    conditions: list[ConditionView] = []
    max_visits: int | None = None
    revision: int = Field(description="Counts from 1; each change creates the next one.")
    tasks: list[TaskView]
    created_at: datetime
    updated_at: datetime


class StepView(BaseModel):
    """A task in the form of a step."""

    name: str
    type: Literal["delay", "webhook"]
    config: dict[str, Any]


class ShownWorkflowView(WorkflowView):
    """The current revision of a workflow, with its steps if it could have been created from them."""

    steps: list[StepView] = Field(
        [], description="The tasks as steps. Left out for a workflow that cannot be described by steps alone."
    )


class ProblemView(BaseModel):
    path: str = Field(description="The field, e.g. `tasks[2].config.url`; empty for the whole definition.")
    message: str


class PlacedProblemView(ProblemView):
    line: int | None = Field(None, description="Where the field is in the body, from 1; only with `places=true`.")
    column: int | None = Field(None, description="As `line`.")


WARNINGS: Any = Field([], description="What may be wrong although it is stored. Left out if there is nothing.")


class SavedWorkflowView(ShownWorkflowView):
    """A workflow after it was saved."""

    warnings: list[ProblemView] = WARNINGS


class SavedTaskView(TaskView):
    """A task after its workflow was saved."""

    warnings: list[ProblemView] = WARNINGS


class VerdictView(BaseModel):
    """Whether a definition could be stored, all problems that prevent it, and what may be wrong all the same."""

    model_config = _example(
        {
            "valid": False,
            "problems": [{"path": "tasks[0].config.url", "message": "there is no variable 'sauce'"}],
            "warnings": [{"path": "tasks[1].config.workflow", "message": "there is no workflow 'price'"}],
        }
    )

    valid: bool
    problems: list[PlacedProblemView]
    warnings: list[PlacedProblemView]
    file: str | None = Field(None, description="The definition as a file; only with the parameter `file`.")


class RevisionFileView(BaseModel):
    """A revision as a definition file has it: without ids, revisions, times and default values."""

    model_config = _example({"key": "nightly", "name": "Nightly report", "tasks": []})

    key: str | None = None
    name: str
    tasks: list[dict[str, Any]] = []


class RevisionView(BaseModel):
    """A summary of a revision."""

    model_config = _example(
        {
            "workflow_id": 7,
            "revision": 1,
            "name": "Nightly report",
            "task_count": 3,
            "created_at": INSTANT,
            "requested_by": "key:Xk3vT9aB",
        }
    )

    workflow_id: int
    revision: int
    name: str
    task_count: int
    created_at: datetime
    requested_by: str | None = Field(description="The principal that has made it; null while AUTH is off.")


class Page(BaseModel, Generic[Item]):
    """One page of a list."""

    items: list[Item]
    page: int = Field(description="Counts from 1: skip / limit + 1, rounded down.")
    size: int = Field(description="How many items a page may have: the limit.")
    total: int = Field(description="The number of items on all pages.")
    pages: int = Field(description="The number of pages of this size.")


class WorkflowPage(Page[ShownWorkflowView]):
    """Ordered by id."""


class TaskPage(Page[TaskView]):
    """Ordered by sequence and id."""


class RevisionPage(Page[RevisionView]):
    """Newest first."""


class ErrorView(BaseModel):
    """Why a task or an execution failed; `code` is for programs, `message` for people."""

    code: str
    message: str


class ParentView(BaseModel):
    """The task that has started an execution as its child."""

    execution_id: str
    task_id: int


class ExecutionSummaryView(BaseModel):
    """An execution without its input and output."""

    model_config = _example({name: value for name, value in EXECUTION.items() if name not in ("input", "output")})

    id: str
    workflow_id: int
    revision: int
    status: ExecutionStatusName
    error: ErrorView | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    idempotency_key: str | None
    origin_id: str | None = Field(description="The execution that this one repeats; null when it repeats none.")
    parent: ParentView | None = Field(description="The task whose child it is; null when it is no child.")
    root_id: str = Field(description="The execution at the top of its family; its own id when it is no child.")
    depth: int = Field(description="How many executions are above it; 0 when it is no child.")
    started_by: str | None = Field(
        description="The principal that has started it, or `schedule:ID`; null for a child, and while AUTH is off."
    )


class ExecutionView(ExecutionSummaryView):
    """One run of one revision."""

    model_config = _example(EXECUTION)

    input: Any
    output: Any = Field(
        description="The outputs of the last tasks, by name; for a workflow with `start_task`, the output of the last "
        "task that completed. Null until the execution has completed."
    )


class RepetitionView(ExecutionView):
    """A new execution that repeats another one."""

    model_config = _example(EXECUTION | {"latest_revision": 2})

    latest_revision: int | None = Field(
        description="The workflow's newest revision, which may be newer than `revision`; null if it was deleted."
    )


class WaitView(BaseModel):
    """What a started task waits for."""

    model_config = _example({"signal": "approved", "until": INSTANT})

    signal: str | None = Field(description="The signal that ends the wait; null if no signal does.")
    until: datetime | None = Field(description="When the wait ends by itself; null if it does not.")


class EventView(BaseModel):
    """One event of a history. `status` and `progress_percent` are those of the execution after the event."""

    model_config = _example(EVENT)

    sequence: int
    type: str
    occurred_at: datetime
    status: ExecutionStatusName
    progress_percent: int
    task_id: int | None
    task_name: str | None
    task_status: TaskStatusName | None
    attempt: int
    message: str
    output: Any
    error: ErrorView | None
    waits_for: WaitView | None = Field(description="What the task waits for from this event on; null otherwise.")
    requested_by: str | None = Field(
        description="The principal that has requested this cancel, pause, resume, signal or skip; null for other "
        "events, and while AUTH is off."
    )


class EventPage(BaseModel):
    """Oldest first."""

    items: list[EventView]
    ended: bool = Field(description="True when the execution has ended and no event follows.")


class FeedEventView(EventView):
    """One event of any execution, at its position."""

    model_config = _example(FEED_EVENT)

    position: int = Field(description="1, 2, 3, … over all executions and entities; given once, and never late.")
    execution_id: str
    workflow_id: int


class TaskExecutionView(BaseModel):
    """The state of one task of an execution."""

    task_id: int
    name: str
    status: TaskStatusName
    attempt: int
    started_at: datetime | None
    finished_at: datetime | None
    output: Any
    error: ErrorView | None
    child_execution_id: str | None = Field(
        description="For a task of type `workflow`, the execution that it has started last. The filter `parent` of "
        "`/executions` finds all."
    )
    waits_for: WaitView | None = Field(description="What the task waits for; null if it does not wait.")
    message: str | None = Field(description="What the task waits for, for people, and the command that continues it.")


class TaskExecutionList(BaseModel):
    """In the order in which they run."""

    items: list[TaskExecutionView]


class HealthView(BaseModel):
    status: Literal["ok"]


class CacheView(BaseModel):
    hits: int = Field(description="Reads that the cache served.")
    misses: int = Field(description="Reads that were not in the cache; their results were stored there.")
    bypasses: int = Field(description="Reads while the cache was unreachable, or could not be filled during a change.")
    loads: int = Field(description="Reads of the database because of misses and bypasses.")


class ReadinessView(BaseModel):
    status: Literal["ready"]
    cache: CacheView


class ProblemField(BaseModel):
    field: str = Field(
        description="The field in the request, e.g. `tasks[2].retry.jitter`; empty for the whole request."
    )
    message: str


class Problem(BaseModel):
    """An error, RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str = Field(description="For programs; it never changes.")
    request_id: str = Field(description="The id of the request, as in the header X-Request-ID and in the log.")
    errors: list[ProblemField] = Field([], description="The wrong fields, if the error is about fields.")
