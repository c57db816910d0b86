"""The tables of suggestions. They are written with `queries/suggestions.sql`."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Integer

from app.adapters.database.tables import Base, JsonText
from app.insights.suggestions import Source, Status

_STATUSES = ", ".join(f"'{word.value}'" for word in Status)
_SOURCES = ", ".join(f"'{word.value}'" for word in Source)


class SuggestionRow(Base):
    """A suggestion; `app/insights/suggestions.py` says what the columns are.

    evidence: the sample and what the formula gave: ids, n, k, interval, version of the formula.
    held_until: until then, no one else decides it.
    """

    __tablename__ = "suggestions"

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    tenant_id: Mapped[int] = mapped_column(Integer)
    workflow_id: Mapped[int]
    task_id: Mapped[int | None]
    task: Mapped[str | None]
    rule: Mapped[str]
    source: Mapped[str]
    status: Mapped[str]
    title: Mapped[str]
    rationale: Mapped[str]
    patch: Mapped[str | None] = mapped_column(JsonText)
    inverse: Mapped[str | None] = mapped_column(JsonText)
    prediction: Mapped[str] = mapped_column(JsonText)
    evidence: Mapped[str | None] = mapped_column(JsonText)
    seconds_a_day: Mapped[float]
    undoes_id: Mapped[int | None]
    created_at: Mapped[datetime]
    created_by: Mapped[str | None]
    updated_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None]
    notes: Mapped[str | None]
    applied_revision: Mapped[int | None] = mapped_column(Integer)
    effect: Mapped[str | None] = mapped_column(JsonText)
    held_until: Mapped[datetime | None]

    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "workflow_id"], ["workflows.tenant_id", "workflows.id"], ondelete="CASCADE"),
        CheckConstraint(f"status IN ({_STATUSES})", name="known_status"),
        CheckConstraint(f"source IN ({_SOURCES})", name="known_source"),
        CheckConstraint("length(title) BETWEEN 1 AND 2000", name="title_length"),
        CheckConstraint("(status = 'open') = (decided_at IS NULL)", name="open_is_not_decided"),
        CheckConstraint("source <> 'history' OR evidence IS NOT NULL OR undoes_id IS NOT NULL", name="has_evidence"),
        Index(None, "tenant_id", "id"),
        Index(None, "workflow_id", "id"),
        Index(
            "uq_suggestions_open",
            "workflow_id",
            text("coalesce(task_id, 0)"),
            "source",
            "rule",
            unique=True,
            postgresql_where=text("status = 'open'"),
        ),
    )


class SuggestionRunRow(Base):
    """When suggestions of a tenant are computed, and which engine does it.

    requested_at: when a caller has asked for it; null if that is done.
    holder, held_until: until then no other engine computes them.
    """

    __tablename__ = "suggestion_runs"

    tenant_id: Mapped[int] = mapped_column(Integer, ForeignKey("tenants.id"), primary_key=True, autoincrement=False)
    due_at: Mapped[datetime]
    requested_at: Mapped[datetime | None]
    holder: Mapped[UUID | None]
    held_until: Mapped[datetime | None]
    computed_at: Mapped[datetime | None]


class EngineFullnessRow(Base):
    """Since when an engine has been full to 90 % or more, and when it was so last for 15 minutes or longer.

    engine: the name of the engine.
    """

    __tablename__ = "engine_fullness"

    engine: Mapped[str] = mapped_column(primary_key=True)
    seen_at: Mapped[datetime]
    full_since: Mapped[datetime | None]
    was_full_from: Mapped[datetime | None]
    was_full_until: Mapped[datetime | None]
