"""Suggestions in the words of this dialect."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.api.rest.dialects.dashboard.lists import DashboardPage
from app.api.rest.examples import INSTANT
from app.domain.documents import rfc3339
from app.insights.suggestions import Status, Suggestion

SuggestionStatusName = Literal["pending", "approved", "rejected", "undone", "stale"]
SuggestionSourceName = Literal["history", "external"]

STATUS: Mapping[Status, SuggestionStatusName] = {
    Status.OPEN: "pending",
    Status.APPROVED: "approved",
    Status.REJECTED: "rejected",
    Status.UNDONE: "undone",
    Status.STALE: "stale",
}

SUGGESTION: dict[str, Any] = {
    "id": "5",
    "workflow_id": "7",
    "task_id": "12",
    "type": "add_retries",
    "title": "Retry 'fetch': 8.0 % of its first attempts fail for a passing reason",
    "description": "Of 400 first attempts 32 failed for a reason that may pass, and no retries are set.",
    "patch": [
        {"op": "test", "path": "/tasks/0/id", "value": 12},
        {"op": "replace", "path": "/tasks/0/retry", "value": {"max_attempts": 3}},
    ],
    "status": "pending",
    "source": "history",
    "confidence": 0.95,
    "created_at": INSTANT,
    "decided_at": None,
    "decided_by": None,
    "notes": None,
}


class DashboardSuggestionView(BaseModel):
    """An improvement of a workflow."""

    model_config = ConfigDict(json_schema_extra={"examples": [SUGGESTION]})

    id: str
    workflow_id: str
    task_id: str | None = Field(description="The task of the definition; null if it is about no task.")
    type: str = Field(description="What is suggested.")
    title: str
    description: str
    patch: list[dict[str, Any]] | None = Field(
        description="What approving changes: a JSON Patch of the workflow in `/api/v1`. Null for advice."
    )
    status: SuggestionStatusName
    source: SuggestionSourceName
    confidence: float | None = Field(description="That of the bounds; null for an external one.")
    created_at: datetime
    decided_at: datetime | None
    decided_by: str | None
    notes: str | None


class DashboardSuggestionPage(DashboardPage[DashboardSuggestionView]):
    """Newest first."""


def dashboard_suggestion(suggestion: Suggestion) -> dict[str, Any]:
    task_id, evidence = suggestion.task_id, suggestion.evidence
    return {
        "id": str(suggestion.id),
        "workflow_id": str(suggestion.workflow_id),
        "task_id": None if task_id is None else str(task_id),
        "type": suggestion.rule,
        "title": suggestion.title,
        "description": suggestion.rationale,
        "patch": suggestion.patch,
        "status": STATUS[suggestion.status],
        "source": suggestion.source.value,
        "confidence": None if evidence is None else evidence.confidence,
        "created_at": rfc3339(suggestion.created_at),
        "decided_at": rfc3339(suggestion.decided_at),
        "decided_by": suggestion.decided_by,
        "notes": suggestion.notes,
    }
