"""Suggestions as JSON: as they are stored, audited and sent."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from app.domain.documents import rfc3339
from app.insights.suggestions import ComputingState, Evidence, Suggestion

Document = dict[str, Any]


def suggestion_document(suggestion: Suggestion) -> Document:
    evidence = suggestion.evidence
    return {
        "id": suggestion.id,
        "workflow_id": suggestion.workflow_id,
        "task_id": suggestion.task_id,
        "task": suggestion.task,
        "rule": suggestion.rule,
        "source": suggestion.source.value,
        "status": suggestion.status.value,
        "title": suggestion.title,
        "rationale": suggestion.rationale,
        "patch": None if suggestion.patch is None else [dict(one) for one in suggestion.patch],
        "prediction": dict(suggestion.prediction),
        "confidence": None if evidence is None else evidence.confidence,
        "evidence": None if evidence is None else evidence_document(evidence),
        "seconds_a_day": suggestion.seconds_a_day,
        "undoes_id": suggestion.undoes_id,
        "created_at": rfc3339(suggestion.created_at),
        "created_by": suggestion.created_by,
        "updated_at": rfc3339(suggestion.updated_at),
        "decided_at": rfc3339(suggestion.decided_at),
        "decided_by": suggestion.decided_by,
        "notes": suggestion.notes,
        "applied_revision": suggestion.applied_revision,
        "effect": None if suggestion.effect is None else dict(suggestion.effect),
    }


def evidence_document(evidence: Evidence) -> Document:
    ids = {"first_id": str(evidence.first_id), "last_id": str(evidence.last_id)}
    return asdict(evidence) | ids | {"until": rfc3339(evidence.until), "facts": dict(evidence.facts)}


def evidence_from_document(document: Mapping[str, Any]) -> Evidence:
    ids = {name: UUID(document[name]) for name in ("first_id", "last_id")}
    return Evidence(**{**document, **ids, "until": datetime.fromisoformat(document["until"])})


def computing_document(state: ComputingState) -> Document:
    return {
        "requested_at": rfc3339(state.requested_at),
        "computed_at": rfc3339(state.computed_at),
        "due_at": rfc3339(state.due_at),
    }
