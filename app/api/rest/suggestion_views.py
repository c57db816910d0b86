"""Suggestions as clients receive them. Only the OpenAPI document uses these models."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.api.rest.examples import EXECUTION_ID, INSTANT
from app.api.rest.views import Page
from app.insights.bounds import CONFIDENCE

StatusName = Literal["open", "approved", "rejected", "undone", "stale"]
SourceName = Literal["history", "external"]

EXAMPLE_EVIDENCE: dict[str, Any] = {
    "formula": "add_retries/1: wilson",
    "first_id": EXECUTION_ID,
    "last_id": EXECUTION_ID,
    "revision": 4,
    "until": INSTANT,
    "n": 400,
    "k": 32,
    "estimate": 0.08,
    "low": 0.0603,
    "high": 0.1054,
    "confidence": CONFIDENCE,
    "p_value": 1.2e-9,
    "facts": {"hours": 20, "codes": {"http_timeout": 32}},
}
EXAMPLE: dict[str, Any] = {
    "id": 5,
    "workflow_id": 7,
    "task_id": 12,
    "task": "fetch",
    "rule": "add_retries",
    "source": "history",
    "status": "open",
    "title": "Retry 'fetch': 8.0 % of its first attempts fail for a passing reason",
    "rationale": "Of 400 first attempts 32 failed for a reason that may pass, and no retries are set.",
    "patch": [
        {"op": "test", "path": "/tasks/0/id", "value": 12},
        {"op": "test", "path": "/tasks/0/retry", "value": None},
        {"op": "replace", "path": "/tasks/0/retry", "value": {"max_attempts": 3}},
    ],
    "prediction": {"failure_share_now": 0.08, "failure_share": 0.0005},
    "confidence": CONFIDENCE,
    "evidence": EXAMPLE_EVIDENCE,
    "seconds_a_day": 41.0,
    "undoes_id": None,
    "created_at": INSTANT,
    "created_by": None,
    "updated_at": INSTANT,
    "decided_at": None,
    "decided_by": None,
    "notes": None,
    "applied_revision": None,
    "effect": None,
}


class EvidenceView(BaseModel):
    """The sample, and what the formula gave."""

    formula: str = Field(description="The name and version of the formula.")
    first_id: str
    last_id: str = Field(description="The sample is the executions from `first_id` to this one that had ended.")
    revision: int = Field(description="Only executions whose task has the same shape as in this revision count.")
    until: datetime
    n: int
    k: int | None = Field(description="How many of the n count; null for a formula that counts none.")
    estimate: float
    low: float | None
    high: float | None
    confidence: float = Field(description="That of each bound, one-sided.")
    p_value: float
    facts: dict[str, Any]


class SuggestionView(BaseModel):
    """An improvement of a definition."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    id: int
    workflow_id: int
    task_id: int | None
    task: str | None
    rule: str
    source: SourceName
    status: StatusName
    title: str
    rationale: str
    patch: list[dict[str, Any]] | None = Field(description="A JSON Patch (RFC 6902) of the workflow; null for advice.")
    prediction: dict[str, Any]
    confidence: float | None = Field(description="That of the bounds; null for an external one.")
    evidence: EvidenceView | None
    seconds_a_day: float = Field(description="How much time it saves in a day.")
    undoes_id: int | None = Field(description="The suggestion that this one takes back.")
    created_at: datetime
    created_by: str | None
    updated_at: datetime
    decided_at: datetime | None
    decided_by: str | None
    notes: str | None
    applied_revision: int | None = Field(description="The revision that the approval has made.")
    effect: dict[str, Any] | None = Field(description="What has changed since; null while too little is known.")


class SuggestionPage(Page[SuggestionView]):
    """Newest first."""


class EvidenceReportView(BaseModel):
    """The evidence, computed again from the histories that are there now."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "suggestion_id": 5,
                    "rule": "add_retries",
                    "evidence": EXAMPLE_EVIDENCE,
                    "recomputed": EXAMPLE_EVIDENCE,
                    "same": True,
                    "observations": [],
                }
            ]
        }
    )

    suggestion_id: int
    rule: str
    evidence: EvidenceView | None
    recomputed: EvidenceView | None = Field(description="Null if too few of the executions are left.")
    same: bool | None
    observations: list[dict[str, Any]] = Field(description="The executions of the sample, with their attempts.")


class ComputingView(BaseModel):
    """When the suggestions of the tenant are computed."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"requested_at": INSTANT, "computed_at": None, "due_at": INSTANT}]}
    )

    requested_at: datetime | None
    computed_at: datetime | None = Field(description="When they were computed last; null for never.")
    due_at: datetime
