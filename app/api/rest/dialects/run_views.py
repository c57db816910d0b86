"""Runs as clients receive them, for the OpenAPI document."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.api.rest.examples import EXECUTION_ID, INSTANT

RunStatusName = Literal["pending", "running", "success", "failed", "paused", "cancelled"]
StepStatusName = Literal["pending", "running", "success", "failed", "skipped"]

_SUMMARY: dict[str, Any] = {
    "uuid": EXECUTION_ID,
    "id": EXECUTION_ID,
    "workflow_id": 7,
    "status": "success",
    "started_at": INSTANT,
    "completed_at": INSTANT,
    "error": None,
}
_STEP_RESULT: dict[str, Any] = {
    "step_name": "delay",
    "status": "success",
    "started_at": INSTANT,
    "completed_at": INSTANT,
    "output": {"seconds": 2},
    "error": None,
}


def _example(example: dict[str, Any]) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [example]})


class TriggeredView(BaseModel):
    """An accepted trigger."""

    model_config = _example({"run_id": EXECUTION_ID, "status": "triggered"})

    run_id: str = Field(description="The id of the run, which is that of its execution: a UUID.")
    status: Literal["triggered"]


class StepResultView(BaseModel):
    """The state of one task of an execution."""

    step_name: str
    status: StepStatusName = Field(description="`failed` also for a task that was cancelled: `error` tells them apart.")
    started_at: datetime | None
    completed_at: datetime | None
    output: Any
    error: str | None = Field(description="The code of the error, a colon, and its message.")


class RunSummaryView(BaseModel):
    """A run without its payload and step results."""

    model_config = _example(_SUMMARY)

    uuid: str = Field(description="The id of the execution.")
    id: str = Field(description="The text with which it was triggered; the same as `uuid` if there was none.")
    workflow_id: int
    status: RunStatusName
    started_at: datetime | None
    completed_at: datetime | None
    error: str | None = Field(description="The code of the error, a colon, and its message.")


class RunView(RunSummaryView):
    """An execution, in the form of a run."""

    model_config = _example(_SUMMARY | {"payload": {"user": "demo"}, "step_results": {"delay": _STEP_RESULT}})

    payload: Any
    step_results: dict[str, StepResultView] = Field(description="By the names of the tasks, in the order of the plan.")


class RunPage(BaseModel):
    """Newest first."""

    items: list[RunSummaryView]
    next_cursor: str | None = Field(description="The `cursor` of the next page; null on the last page.")
    limit: int = Field(description="The largest number of items of a page.")
