"""Workflows, with how their newest execution stands."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.api.rest.dialects.dashboard.lists import DashboardPage
from app.api.rest.dialects.dashboard.suggestion_documents import (
    SUGGESTION,
    DashboardSuggestionView,
    dashboard_suggestion,
)
from app.api.rest.dialects.dashboard.task_documents import (
    TASK,
    DashboardTaskView,
    defined_document,
    listed_document,
)
from app.api.rest.examples import INSTANT
from app.engine.fleet.ports import ListedTask, NewestExecution
from app.insights.suggestions import Suggestion

IDLE = "idle"

_SUMMARY: dict[str, Any] = {
    "id": "7",
    "name": "Nightly report",
    "description": "Fetches yesterday's numbers and reports them",
    "status": "running",
    "created_at": INSTANT,
    "updated_at": INSTANT,
    "progress": 33,
    "agent_ids": ["12"],
    "task_count": 3,
    "completed_tasks": 1,
}


class DashboardWorkflowView(BaseModel):
    """A workflow. What it says about an execution is about the newest one."""

    model_config = ConfigDict(json_schema_extra={"examples": [_SUMMARY]})

    id: str
    name: str
    description: str | None
    status: Literal["idle", "pending", "running", "paused", "completed", "failed", "cancelled"] = Field(
        description="`idle` if it was never executed."
    )
    created_at: datetime
    updated_at: datetime
    progress: int = Field(description="In percent.")
    agent_ids: list[str] = Field(description="The engine that owns the execution, or has ended it.")
    task_count: int = Field(description="How many tasks its definition has.")
    completed_tasks: int = Field(description="How many tasks of the execution have completed.")


class WorkflowDetailView(DashboardWorkflowView):
    """A workflow with its tasks."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [_SUMMARY | {"tasks": [TASK], "suggestions": [SUGGESTION]}]}
    )

    tasks: list[DashboardTaskView] = Field(
        description="Those of the definition; as they stand in the newest execution, if it has them."
    )
    suggestions: list[DashboardSuggestionView] = Field(description="Those that are pending, the newest first.")


class DashboardWorkflowPage(DashboardPage[DashboardWorkflowView]):
    """Ordered by id."""


def workflow_summary(workflow: Mapping[str, Any], newest: NewestExecution | None) -> dict[str, Any]:
    """A workflow, from its document."""
    engine = None if newest is None else newest.engine_id
    return {
        "id": str(workflow["id"]),
        "name": workflow["name"],
        "description": workflow["description"],
        "status": IDLE if newest is None else newest.status.value,
        "created_at": workflow["created_at"],
        "updated_at": workflow["updated_at"],
        "progress": 0 if newest is None else newest.progress_percent,
        "agent_ids": [] if engine is None else [str(engine)],
        "task_count": len(workflow["tasks"]),
        "completed_tasks": 0 if newest is None else newest.completed,
    }


def workflow_detail(
    workflow: Mapping[str, Any],
    newest: NewestExecution | None,
    tasks: Iterable[ListedTask],
    suggestions: Iterable[Suggestion],
) -> dict[str, Any]:
    """tasks: those of the newest execution."""
    executed = {task.task_id: task for task in tasks}
    shown = [
        listed_document(executed[task["id"]]) if task["id"] in executed else defined_document(task)
        for task in workflow["tasks"]
    ]
    pending = [dashboard_suggestion(one) for one in suggestions]
    return workflow_summary(workflow, newest) | {"tasks": shown, "suggestions": pending}
