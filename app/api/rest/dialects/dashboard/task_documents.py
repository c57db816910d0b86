"""Tasks of executions, and of definitions that have not run yet, in the words of this dialect."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.api.rest.dialects.dashboard.ids import task_id
from app.api.rest.dialects.dashboard.lists import DashboardPage
from app.api.rest.examples import EXECUTION_ID, INSTANT
from app.domain.documents import rfc3339
from app.domain.states import TaskStatus
from app.engine.fleet.ports import ListedTask

TaskStatusName = Literal["pending", "in_progress", "completed", "failed", "cancelled", "skipped"]

STATUS: Mapping[TaskStatus, TaskStatusName] = {
    TaskStatus.PENDING: "pending",
    TaskStatus.RUNNING: "in_progress",
    TaskStatus.RETRYING: "in_progress",
    TaskStatus.COMPLETED: "completed",
    TaskStatus.FAILED: "failed",
    TaskStatus.CANCELLED: "cancelled",
    TaskStatus.SKIPPED: "skipped",
}

METADATA = "metadata"
"""Where the config of a task without a type has what only this dialect knows."""

KEPT = ("priority", "due_date")
"""What it knows there."""

TASK: dict[str, Any] = {
    "id": f"{EXECUTION_ID}/12",
    "name": "fetch",
    "description": "Read the numbers of yesterday",
    "status": "completed",
    "workflow_id": "7",
    "agent_id": "12",
    "priority": None,
    "due_date": None,
    "created_at": INSTANT,
    "started_at": INSTANT,
    "completed_at": "2026-01-31T02:00:01.250000Z",
    "duration_seconds": 1.25,
}


class DashboardTaskView(BaseModel):
    """A task of an execution, or of a definition."""

    model_config = ConfigDict(json_schema_extra={"examples": [TASK]})

    id: str = Field(description="`execution/task`; the number alone for a task of a definition.")
    name: str
    description: str | None
    status: TaskStatusName = Field(description="`skipped` also if the execution has ended without the task.")
    workflow_id: str
    agent_id: str | None = Field(description="The engine that owns its execution, or has ended it.")
    priority: Any = Field(description="From the task's metadata; null without it, as `due_date`.")
    due_date: Any
    created_at: datetime = Field(description="Of the execution, or of the definition's task.")
    started_at: datetime | None
    completed_at: datetime | None = Field(description="When it ended, however it did.")
    duration_seconds: float | None


class DashboardTaskPage(DashboardPage[DashboardTaskView]):
    """Of the newest execution first."""

    total_is_exact: bool = Field(description="False if there are more than `total`, or more executions than looked at.")


def listed_document(task: ListedTask) -> dict[str, Any]:
    """A task of an execution."""
    started, ended = task.started_at, task.ended_at
    return {
        "id": task_id(task.execution_id, task.task_id),
        "name": task.name,
        "description": task.description,
        "status": STATUS[task.status],
        "workflow_id": str(task.workflow_id),
        "agent_id": None if task.engine_id is None else str(task.engine_id),
        **{name: task.metadata.get(name) for name in KEPT},
        "created_at": rfc3339(task.created_at),
        "started_at": rfc3339(started),
        "completed_at": rfc3339(ended),
        "duration_seconds": (ended - started).total_seconds() if started and ended else None,
    }


def defined_document(task: Mapping[str, Any]) -> dict[str, Any]:
    """A task of a definition, from its document."""
    metadata = metadata_of(task)
    return {
        "id": str(task["id"]),
        "name": task["name"],
        "description": task["description"],
        "status": STATUS[TaskStatus.PENDING],
        "workflow_id": str(task["workflow_id"]),
        "agent_id": None,
        **{name: metadata.get(name) for name in KEPT},
        "created_at": task["created_at"],
        "started_at": None,
        "completed_at": None,
        "duration_seconds": None,
    }


def metadata_of(task: Mapping[str, Any]) -> Mapping[str, Any]:
    """What only this dialect knows of a task of a definition. With a type, the whole config belongs to the type."""
    found = task["config"].get(METADATA) if task["type"] is None else None
    return found if isinstance(found, Mapping) else {}
