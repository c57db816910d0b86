"""Suggestions as values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

Operation = Mapping[str, Any]
Patch = tuple[Operation, ...]
"""A JSON Patch (RFC 6902) of the workflow's document, as REST returns it."""

Facts = Mapping[str, Any]

MAX_TITLE = 200
MAX_RATIONALE = 10_000
MAX_NOTES = 10_000
MAX_BY = 200


class Rule(StrEnum):
    """What is suggested. Others who suggest something choose a name of their own."""

    ADD_RETRIES = "add_retries"
    SET_TIMEOUT = "set_timeout"
    RUN_SIDE_BY_SIDE = "run_side_by_side"
    MORE_CONCURRENCY = "more_concurrency"
    LESS_CONCURRENCY = "less_concurrency"
    STOP_USELESS_RETRIES = "stop_useless_retries"
    MORE_ATTEMPTS = "more_attempts"
    NEVER_REACHED = "never_reached"
    UNREAD_OUTPUT = "unread_output"
    CAPACITY = "capacity"
    UNDO = "undo"


class Source(StrEnum):
    """HISTORY: computed by this service. EXTERNAL: from someone who has called `POST /suggestions`."""

    HISTORY = "history"
    EXTERNAL = "external"


class Status(StrEnum):
    """OPEN: to be decided. STALE: it holds no longer, or its field has changed. The others say what was decided."""

    OPEN = "open"
    APPROVED = "approved"
    REJECTED = "rejected"
    UNDONE = "undone"
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class Evidence:
    """The sample that a suggestion was computed from, and what the formula gave.

    formula: the name and version of the formula.
    first_id, last_id: the sample is the executions from one to the other that had ended until `until`, whose task had
        the same shape as in revision `revision`.
    revision: the revision at which it was computed.
    until: when it was computed.
    n: how many observations there are.
    k: how many of them count; None for a formula that counts none.
    estimate: the estimate, in the unit of the rule.
    low, high: the bounds, each of them one-sided at `confidence`; None without that bound.
    confidence: that of each bound.
    p_value: that of the test; compared with those of the other candidates of the same run.
    facts: what else the formula has used or found, by name.
    """

    formula: str
    first_id: UUID
    last_id: UUID
    revision: int
    until: datetime
    n: int
    k: int | None
    estimate: float
    low: float | None
    high: float | None
    confidence: float
    p_value: float
    facts: Facts = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One suggestion.

    workflow_id: what it is about.
    task_id, task: the task, and its name when the suggestion was made; None if it is about no task.
    rule: one of `Rule`, or the name that an external source has given.
    title: one sentence: what to do.
    rationale: why.
    patch: the change; None for mere advice, which nothing applies.
    prediction: what is expected of the change, by name.
    evidence: what it was computed from; None for an external one.
    seconds_a_day: how much time it saves in a day, by the rates of its sample; shown ones are chosen by it.
    undoes_id: the approved suggestion that this one would take back.
    decided_at, decided_by, notes: the decision; None while it is open.
    applied_revision: the revision that the approval has made.
    effect: what has changed since then; None while too little is known.
    """

    id: int
    tenant_id: int
    workflow_id: int
    task_id: int | None
    task: str | None
    rule: str
    source: Source
    status: Status
    title: str
    rationale: str
    patch: Patch | None
    prediction: Facts
    evidence: Evidence | None
    seconds_a_day: float
    created_at: datetime
    updated_at: datetime
    created_by: str | None = None
    undoes_id: int | None = None
    decided_at: datetime | None = None
    decided_by: str | None = None
    notes: str | None = None
    applied_revision: int | None = None
    inverse: Patch | None = None
    effect: Facts | None = None


@dataclass(frozen=True, slots=True)
class SuggestionDraft:
    """What an external source suggests.

    workflow: the workflow's id or key.
    task: the name of the task; None if it is about the whole workflow.
    """

    title: str
    rationale: str = ""
    rule: str = "external"
    task: str | None = None
    patch: Sequence[Operation] | None = None
    prediction: Facts = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SuggestionFilter:
    """None asks for all.

    workflow_id: only those of this workflow.
    status: only those with this status.
    rule: only those of this rule.
    source: only those of this source.
    """

    workflow_id: int | None = None
    status: Status | None = None
    rule: str | None = None
    source: Source | None = None


@dataclass(frozen=True, slots=True)
class ComputingState:
    """When suggestions of a tenant are computed.

    requested_at: when someone has asked for it; None if that is done.
    computed_at: when they were computed last; None for never.
    due_at: when they are computed next, at the latest.
    """

    requested_at: datetime | None
    computed_at: datetime | None
    due_at: datetime
