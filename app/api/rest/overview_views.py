"""The documents about executions that dashboards receive. Only the OpenAPI document uses these models."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.api.rest.examples import EXECUTION, EXECUTION_ID
from app.api.rest.views import ErrorView, ExecutionSummaryView, ExecutionView, TaskStatusName, WaitView

PROGRESS = {"done": 2, "total": 5, "percent": 43}
CURRENT = {"task_id": 12, "name": "fetch", "status": "running"}
DURATIONS = {"count": 600, "p50": 3.2, "p95": 11.8}
LISTED: dict[str, Any] = {
    **{name: value for name, value in EXECUTION.items() if name not in ("input", "output")},
    "workflow_name": "Nightly report",
    "workflow_key": "nightly-report",
    "progress": PROGRESS,
    "current_tasks": [CURRENT],
    "current_task_count": 1,
    "duration_seconds": None,
    "retried_by": None,
}
VIEW: dict[str, Any] = {
    "execution": EXECUTION,
    "workflow": {"id": 7, "key": "nightly-report", "name": "Nightly report"},
    "last_sequence": 57,
    "progress": PROGRESS,
    "duration_seconds": None,
    "retried_by": None,
    "tasks": [],
}
COUNTS = {
    "active": {"pending": 3, "running": 12, "paused": 1, "total": 16},
    "ended": {"hours": 24, "completed": 4711, "failed": 8, "cancelled": 0, "total": 4719},
}
STATISTICS: dict[str, Any] = {
    "workflow_id": 7,
    "limit": 1000,
    "days": 30,
    "executions": {
        "count": 640,
        "oldest_created_at": "2026-01-02T08:00:00.000000Z",
        "newest_created_at": "2026-01-31T02:00:00.000000Z",
        "by_status": {"completed": 600, "failed": 30, "cancelled": 10},
        "failures": {"timeout": 30},
        "duration_seconds": DURATIONS,
    },
    "tasks_of_executions": 640,
    "tasks": [],
}


def _example(example: dict[str, Any]) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [example]})


class ProgressView(BaseModel):
    done: int | None = Field(
        description="How many tasks the execution has continued behind; null where the histories of a page are too "
        "long to be counted."
    )
    total: int = Field(description="How many tasks there are that are not compensations.")
    percent: int = Field(description="Also counts how far running tasks have come.")


class CurrentTaskView(BaseModel):
    """A task that has started and not ended."""

    task_id: int
    name: str
    status: Literal["running", "retrying"]


class ListedExecutionView(ExecutionSummaryView):
    """An execution in a list."""

    model_config = _example(LISTED)

    workflow_name: str
    workflow_key: str | None
    progress: ProgressView
    current_tasks: list[CurrentTaskView] = Field(description="The first five.")
    current_task_count: int | None = Field(description="The number of all; null as `progress.done`.")
    duration_seconds: float | None = Field(description="From start to end; null before the end.")
    retried_by: str | None = Field(description="The newest execution that repeats it.")


class ExecutionPage(BaseModel):
    """Newest first."""

    items: list[ListedExecutionView]
    next_cursor: str | None = Field(description="The `cursor` of the next page; null on the last page.")


class WorkflowNameView(BaseModel):
    """A workflow as it is called now; if it was deleted, as it was called in the revision."""

    id: int
    key: str | None
    name: str


class OutputView(BaseModel):
    output_text: str | None = Field(description="JSON text, cut after 500 characters, and then with `…` at its end.")
    output_bytes: int = Field(description="The size of the whole output; 0 without one.")


class AttemptView(OutputView):
    number: int
    status: Literal["running", "completed", "failed", "cancelled", "skipped"]
    started_at: datetime
    finished_at: datetime | None
    error: ErrorView | None
    child_execution_id: str | None


class ElementsView(BaseModel):
    done: int
    failed: int = Field(description="0 or 1: the first element that fails ends the attempt.")
    total: int | None = Field(description="Null until the first element has completed.")


class ReportedView(BaseModel):
    """What a running task has reported last."""

    percent: float | None
    message: str | None


class TaskOverviewView(OutputView):
    """A task with its attempts."""

    task_id: int
    name: str
    status: TaskStatusName
    attempt: int
    started_at: datetime | None
    finished_at: datetime | None
    progress: ReportedView | None
    elements: ElementsView | None = Field(description="Null for a task without `for_each`.")
    error: ErrorView | None
    child_execution_id: str | None = Field(examples=[EXECUTION_ID])
    waits_for: WaitView | None
    message: str | None
    attempt_count: int
    attempts: list[AttemptView] = Field(description="Oldest first; of many, the first and the last.")


class ExecutionOverviewView(BaseModel):
    """An execution with all attempts of its tasks, as of one moment."""

    model_config = _example(VIEW)

    execution: ExecutionView
    workflow: WorkflowNameView
    last_sequence: int = Field(description="The number of the last event that it shows; follow from there.")
    progress: ProgressView
    duration_seconds: float | None
    retried_by: str | None
    tasks: list[TaskOverviewView]


class ActiveView(BaseModel):
    pending: int
    running: int
    paused: int
    total: int


class OfStatusView(BaseModel):
    completed: int
    failed: int
    cancelled: int


class EndedView(OfStatusView):
    hours: int
    total: int


class CountsView(BaseModel):
    """How many executions have not ended, and have ended in the last hours."""

    model_config = _example(COUNTS)

    active: ActiveView
    ended: EndedView


class DurationsView(BaseModel):
    """In seconds; null without any."""

    count: int
    p50: float | None
    p95: float | None


class EndedStatisticsView(BaseModel):
    count: int
    oldest_created_at: datetime | None
    newest_created_at: datetime | None
    by_status: OfStatusView
    failures: dict[str, int] = Field(description="By the code of the error.")
    duration_seconds: DurationsView


class TaskStatisticsView(BaseModel):
    task_id: int
    name: str | None
    attempts: int
    completed: int
    failed: int
    failures: dict[str, int] = Field(description="By the code of the error.")
    duration_seconds: DurationsView


class StatisticsView(BaseModel):
    """How the newest executions of a workflow that have ended have come out, and the attempts of their tasks."""

    model_config = _example(STATISTICS)

    workflow_id: int
    limit: int
    days: int
    executions: EndedStatisticsView
    tasks_of_executions: int = Field(description="In how many of them attempts were counted.")
    tasks: list[TaskStatisticsView]
