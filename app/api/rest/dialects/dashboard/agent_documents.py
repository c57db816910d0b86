"""Engines as agents."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from app.api.rest.dialects.dashboard.lists import DashboardPage
from app.api.rest.dialects.dashboard.task_documents import STATUS, TaskStatusName
from app.api.rest.examples import EXECUTION_ID, INSTANT
from app.domain.documents import rfc3339
from app.domain.engines import EngineStatus, RecentTask, ShownEngine

_RECENT: Mapping[str, Any] = {
    "id": f"{EXECUTION_ID}/12",
    "name": "fetch",
    "status": "completed",
    "workflow_id": "7",
    "started_at": INSTANT,
    "completed_at": INSTANT,
}
_AGENT: dict[str, Any] = {
    "id": "12",
    "name": "engine-12",
    "status": "online",
    "capabilities": ["delay", "http", "log", "python"],
    "current_task_id": None,
    "success_rate": 0.9896,
    "total_tasks": 420,
    "failed_tasks": 3,
    "last_seen": INSTANT,
    "recent_tasks": [_RECENT],
}


class RecentTaskView(BaseModel):
    """A task that an agent has begun."""

    id: str
    name: str
    status: TaskStatusName
    workflow_id: str
    started_at: datetime
    completed_at: datetime | None


class AgentView(BaseModel):
    """An engine. The numbers are those of your tenant, as `work` of `/api/v1/engines`."""

    model_config = ConfigDict(json_schema_extra={"examples": [_AGENT]})

    id: str
    name: str
    status: EngineStatus
    capabilities: list[str] = Field(description="The types of tasks that it can run.")
    current_task_id: str | None = Field(description="The task in progress that was started last.")
    success_rate: float | None = Field(
        description="Which part of the attempts of the last hour has succeeded; null if there were fewer than 20."
    )
    total_tasks: int
    failed_tasks: int
    last_seen: datetime
    recent_tasks: list[RecentTaskView] = Field(description="At most five, the one that was started last first.")


class AgentPage(DashboardPage[AgentView]):
    """Those that run first, the newest first."""


def agent_document(engine: ShownEngine) -> dict[str, Any]:
    work = engine.work
    return {
        "id": str(engine.id),
        "name": f"{engine.profile.kind}-{engine.id}",
        "status": engine.status.value,
        "capabilities": list(engine.profile.task_types),
        "current_task_id": work.current,
        "success_rate": work.success_rate,
        "total_tasks": work.total,
        "failed_tasks": work.failed,
        "last_seen": rfc3339(engine.renewed_at),
        "recent_tasks": [_recent_document(task) for task in work.recent],
    }


def _recent_document(task: RecentTask) -> dict[str, Any]:
    return {
        "id": task.id,
        "name": task.name,
        "status": STATUS[task.status],
        "workflow_id": str(task.workflow_id),
        "started_at": rfc3339(task.started_at),
        "completed_at": rfc3339(task.ended_at),
    }
