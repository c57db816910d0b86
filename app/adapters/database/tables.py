"""The tables. The ORM is for definitions only; the engine writes executions and events with `queries/*.sql`.

Rules are constraints, with two deliberate exceptions: `executions` and `execution_events` have no foreign keys. Their
rows remain when the workflow is deleted, and checking a foreign key would lock a row for every event
(docs/decisions/0003).
"""

import enum
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    DateTime,
    Dialect,
    Enum,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    LargeBinary,
    MetaData,
    SmallInteger,
    Text,
    UniqueConstraint,
    cast,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSON, JSONB
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from sqlalchemy.types import BigInteger, Double, Integer, TypeDecorator

from app.domain.definitions import ExecutionType, OnFailure
from app.domain.events import EventType
from app.domain.states import ExecutionStatus
from app.schedules.schedule import Overlap

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


KEY_RULE = "key ~ '^[a-zA-Z0-9]([a-zA-Z0-9._-]{0,98}[a-zA-Z0-9])?$' AND key !~ '^[0-9]+$'"


def _native_enum(words: type[enum.StrEnum], name: str) -> Enum:
    return Enum(words, name=name, native_enum=True, values_callable=lambda e: [word.value for word in e])


EXECUTION_TYPE = _native_enum(ExecutionType, "execution_type")
ON_FAILURE = _native_enum(OnFailure, "on_failure")
EXECUTION_STATUS = _native_enum(ExecutionStatus, "execution_status")
EVENT_TYPE = _native_enum(EventType, "event_type")
OVERLAP_POLICY = _native_enum(Overlap, "overlap_policy")


class JsonText(TypeDecorator[str]):
    """A `json` column that is read and written as text. Unlike `jsonb`, it returns the text byte for byte."""

    impl = JSON
    cache_ok = True

    def column_expression(self, column: ColumnElement[str]) -> ColumnElement[str]:
        """Read the column as text, because SQLAlchemy makes the driver parse every `json` column."""
        return cast(column, Text)

    def bind_processor(self, dialect: Dialect) -> None:
        return None

    def result_processor(self, dialect: Dialect, coltype: object) -> None:
        return None


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it as a class attribute
        int: BigInteger,
        str: Text,
        float: Double,
        datetime: DateTime(timezone=True),
        UUID: PG_UUID(as_uuid=True),
        dict[str, Any]: JSONB,
        list[str]: ARRAY(Text),
    }


class WorkflowRow(Base):
    __tablename__ = "workflows"

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    key: Mapped[str | None]
    name: Mapped[str]
    description: Mapped[str | None]
    timeout_seconds: Mapped[float | None]
    variables: Mapped[dict[str, Any]]
    secrets: Mapped[list[str] | None]
    input_schema: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    retention_days: Mapped[float | None]
    start_task: Mapped[str | None]
    conditions: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    max_visits: Mapped[int | None] = mapped_column(Integer)
    revision: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    tenant_id: Mapped[int] = mapped_column(Integer, ForeignKey("tenants.id"))
    tasks: Mapped[list["TaskRow"]] = relationship(
        order_by="TaskRow.sequence, TaskRow.id", cascade="all, delete-orphan", passive_deletes=True, lazy="raise"
    )

    __table_args__ = (
        UniqueConstraint("tenant_id", "key"),
        UniqueConstraint("tenant_id", "id"),
        CheckConstraint("revision >= 1", name="revision_from_one"),
        CheckConstraint("length(name) BETWEEN 1 AND 200", name="name_length"),
        CheckConstraint(KEY_RULE, name="key_is_a_slug"),
        CheckConstraint("timeout_seconds > 0", name="timeout_positive"),
        CheckConstraint("retention_days >= 0", name="retention_not_negative"),
        CheckConstraint("max_visits >= 1", name="max_visits_positive"),
        CheckConstraint(
            "start_task IS NOT NULL OR (max_visits IS NULL AND conditions = '[]')", name="conditions_of_a_route"
        ),
    )


class TaskRow(Base):
    __tablename__ = "tasks"

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    workflow_id: Mapped[int] = mapped_column(ForeignKey("workflows.id", ondelete="CASCADE"))
    name: Mapped[str]
    description: Mapped[str | None]
    execution_type: Mapped[ExecutionType] = mapped_column(EXECUTION_TYPE)
    sequence: Mapped[int] = mapped_column(Integer)
    type: Mapped[str | None]
    config: Mapped[dict[str, Any]]
    timeout_seconds: Mapped[float | None]
    retry: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    depends_on: Mapped[list[str] | None]
    on_failure: Mapped[OnFailure] = mapped_column(ON_FAILURE)
    compensate: Mapped[list[str]]
    when: Mapped[str | None] = mapped_column("when_expression")
    for_each: Mapped[str | None]
    max_concurrency: Mapped[int | None] = mapped_column(Integer)
    output_schema: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    __table_args__ = (
        UniqueConstraint("workflow_id", "name"),
        CheckConstraint("sequence >= 0", name="sequence_not_negative"),
        CheckConstraint("length(name) BETWEEN 1 AND 200", name="name_length"),
        CheckConstraint("timeout_seconds > 0", name="timeout_positive"),
        CheckConstraint("max_concurrency >= 1", name="max_concurrency_positive"),
        CheckConstraint("for_each IS NOT NULL OR max_concurrency IS NULL", name="max_concurrency_of_a_loop"),
    )


class RevisionRow(Base):
    """One revision of a workflow. The row remains when the workflow is deleted.

    snapshot: the workflow's document, byte for byte as REST returns it.
    requested_by: the principal that made it; null for everyone, while authentication is off.
    """

    __tablename__ = "workflow_revisions"

    workflow_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    revision: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    snapshot: Mapped[str] = mapped_column(JsonText)
    created_at: Mapped[datetime]
    tenant_id: Mapped[int] = mapped_column(Integer)
    requested_by: Mapped[str | None]

    __table_args__ = (CheckConstraint("revision >= 1", name="revision_from_one"),)


class _EngineColumns:
    """What an engine says about itself when it gets its lease; the last four, each time it renews it."""

    kind: Mapped[str] = mapped_column(server_default="engine")
    host: Mapped[str | None]
    pid: Mapped[int | None] = mapped_column(Integer)
    version: Mapped[str | None]
    capacity: Mapped[int] = mapped_column(Integer, server_default="0")
    task_types: Mapped[list[str]] = mapped_column(server_default="{}")
    functions: Mapped[list[str]] = mapped_column(server_default="{}")
    running: Mapped[int] = mapped_column(Integer, server_default="0")
    parked: Mapped[int] = mapped_column(Integer, server_default="0")
    draining: Mapped[bool] = mapped_column(server_default="false")
    renewed_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


class EngineRow(_EngineColumns, Base):
    """The lease of one engine process. When the row is deleted, nothing that this engine still writes is stored."""

    __tablename__ = "engines"

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    name: Mapped[str]
    started_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    lease_until: Mapped[datetime]


class EndedEngineRow(_EngineColumns, Base):
    """An engine whose lease has ended, as it was then. Kept for some days, so that it can be shown."""

    __tablename__ = "ended_engines"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime]


class ExecutionRow(Base):
    """Written when an execution starts, gets another owner or ends, not at each step.

    due_at: when an execution without an owner may be claimed. With an owner it is infinity, until a command arrives.
    owner_id: the engine that runs the execution; null when no engine does.
    ended_by: the engine that has ended it; null before that.
    failure: `{"code", "message"}`.
    origin_id: the execution that this one repeats.
    parent_id: the execution whose task has started this one as its child; null, as the four that follow, if none has.
    root_id: the execution at the top of the family.
    parent_task_id: the task of the parent.
    parent_element: which element of the task, from 0; null if the task does not run for each.
    depth: how many executions are above this one.
    started_by: the principal that has started it; null for everyone, while authentication is off, and for a child.
    """

    __tablename__ = "executions"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    workflow_id: Mapped[int]
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    due_at: Mapped[datetime]
    owner_id: Mapped[int | None]
    revision: Mapped[int] = mapped_column(Integer)
    status: Mapped[ExecutionStatus] = mapped_column(EXECUTION_STATUS)
    idempotency_key: Mapped[str | None]
    input: Mapped[str] = mapped_column(JsonText)
    output: Mapped[str | None] = mapped_column(JsonText)
    failure: Mapped[str | None] = mapped_column(JsonText)
    origin_id: Mapped[UUID | None]
    parent_id: Mapped[UUID | None]
    root_id: Mapped[UUID | None]
    parent_task_id: Mapped[int | None]
    parent_element: Mapped[int | None] = mapped_column(Integer)
    depth: Mapped[int | None] = mapped_column(SmallInteger)
    tenant_id: Mapped[int] = mapped_column(Integer)
    started_by: Mapped[str | None]
    ended_by: Mapped[int | None]

    __table_args__ = (
        CheckConstraint(
            "(finished_at IS NOT NULL) = (status IN ('completed', 'failed', 'cancelled'))", name="finished_is_final"
        ),
        CheckConstraint("finished_at IS NULL OR owner_id IS NULL", name="finished_has_no_owner"),
        CheckConstraint("started_at IS NOT NULL OR status IN ('pending', 'cancelled')", name="started_has_a_time"),
        Index(None, "workflow_id", "id"),
        Index("ix_executions_active", "owner_id", "due_at", postgresql_where=text("finished_at IS NULL")),
        Index("ix_executions_due", "due_at", postgresql_where=text("owner_id IS NULL AND finished_at IS NULL")),
        Index(
            "ix_executions_due_by_tenant",
            "tenant_id",
            "workflow_id",
            "due_at",
            postgresql_where=text("owner_id IS NULL AND finished_at IS NULL"),
        ),
        Index(None, "tenant_id", "id"),
        Index("ix_executions_failed", "tenant_id", "id", postgresql_where=text("status = 'failed'")),
        Index("ix_executions_cancelled", "tenant_id", "id", postgresql_where=text("status = 'cancelled'")),
        Index("ix_executions_children", "parent_id", postgresql_where=text("parent_id IS NOT NULL")),
        Index("ix_executions_families", "root_id", postgresql_where=text("root_id IS NOT NULL")),
        Index("ix_executions_repetitions", "origin_id", "id", postgresql_where=text("origin_id IS NOT NULL")),
        Index(
            "ix_executions_ended",
            "tenant_id",
            "finished_at",
            postgresql_include=["status", "workflow_id"],
            postgresql_where=text("finished_at IS NOT NULL"),
        ),
        Index(
            "uq_executions_idempotency_key",
            "workflow_id",
            "idempotency_key",
            unique=True,
            postgresql_where=text("idempotency_key IS NOT NULL"),
        ),
    )


class EventRow(Base):
    """The history. The primary key is the last line of defence: two writers can never both store event N."""

    __tablename__ = "execution_events"

    execution_id: Mapped[UUID] = mapped_column(primary_key=True)
    occurred_at: Mapped[datetime]
    task_id: Mapped[int | None]
    sequence: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    type: Mapped[EventType] = mapped_column(EVENT_TYPE)
    status: Mapped[ExecutionStatus] = mapped_column(EXECUTION_STATUS)
    attempt: Mapped[int] = mapped_column(SmallInteger)
    progress_percent: Mapped[int] = mapped_column(SmallInteger)
    data: Mapped[str | None] = mapped_column(JsonText)

    __table_args__ = (
        CheckConstraint("sequence >= 1", name="sequence_from_one"),
        CheckConstraint("progress_percent BETWEEN 0 AND 100", name="progress_is_a_percentage"),
    )


class CommandRow(Base):
    """A request to the owner of an execution. The statement that records its effect removes the row.

    requested_by: the principal that requested it; null for everyone, while authentication is off, and for executions.
    """

    __tablename__ = "execution_commands"

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    execution_id: Mapped[UUID]
    type: Mapped[str]
    reason: Mapped[str]
    name: Mapped[str]
    payload: Mapped[str] = mapped_column(JsonText)
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    requested_by: Mapped[str | None]

    __table_args__ = (Index(None, "execution_id"),)


class ScheduleRow(Base):
    """When a workflow is started automatically.

    due_at: when an engine must process the schedule next; null means never.
    """

    __tablename__ = "schedules"

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    version: Mapped[int] = mapped_column(Integer)
    key: Mapped[str | None]
    workflow_id: Mapped[int]
    cron: Mapped[str | None]
    time_zone: Mapped[str]
    at: Mapped[datetime | None]
    input: Mapped[str] = mapped_column(JsonText)
    overlap: Mapped[Overlap] = mapped_column(OVERLAP_POLICY)
    catch_up_seconds: Mapped[float]
    paused: Mapped[bool]
    next_fire_at: Mapped[datetime | None]
    waiting_fire_at: Mapped[datetime | None]
    last_fire_at: Mapped[datetime | None]
    last_execution_id: Mapped[UUID | None]
    due_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    tenant_id: Mapped[int] = mapped_column(Integer)

    __table_args__ = (
        UniqueConstraint("tenant_id", "key"),
        ForeignKeyConstraint(["tenant_id", "workflow_id"], ["workflows.tenant_id", "workflows.id"], ondelete="CASCADE"),
        CheckConstraint("(cron IS NULL) <> (at IS NULL)", name="either_cron_or_at"),
        CheckConstraint("catch_up_seconds > 0", name="catch_up_positive"),
        CheckConstraint(KEY_RULE, name="key_is_a_slug"),
        Index(None, "workflow_id"),
        Index("ix_schedules_due_at", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    )


class TenantRow(Base):
    """An isolated space. The first one is `default`; the migration has made it.

    suspended_at: since when its callers are refused.
    max_running: how many of its executions run at once; null without a limit, as the two that follow.
    starts_per_second: how many executions its callers start in a second.
    max_definitions: how many workflows it has stored.
    """

    __tablename__ = "tenants"

    id: Mapped[int] = mapped_column(Integer, Identity(always=True), primary_key=True)
    key: Mapped[str]
    name: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    suspended_at: Mapped[datetime | None]
    max_running: Mapped[int | None] = mapped_column(Integer)
    starts_per_second: Mapped[int | None] = mapped_column(Integer)
    max_definitions: Mapped[int | None] = mapped_column(Integer)

    __table_args__ = (
        UniqueConstraint("key"),
        CheckConstraint("max_running >= 1", name="max_running_positive"),
        CheckConstraint("starts_per_second >= 1", name="starts_per_second_positive"),
        CheckConstraint("max_definitions >= 1", name="max_definitions_positive"),
        CheckConstraint(KEY_RULE, name="key_is_a_slug"),
        CheckConstraint("length(name) BETWEEN 1 AND 200", name="name_length"),
    )


class ApiKeyRow(Base):
    """A key with which a program calls.

    prefix: the public part of its text.
    digest: the SHA-256 of the whole text, which is stored nowhere.
    workflows: the pattern of the keys of the workflows that it is limited to; null for all.
    last_used_at: coarse.
    replaces_id: the key that it was made for by a rotation.
    rate_limit: requests per minute; null for as many as the settings say.
    groups: other names of roles, which the conditions of machines may ask for.
    """

    __tablename__ = "api_keys"

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    tenant_id: Mapped[int] = mapped_column(Integer, ForeignKey("tenants.id"))
    prefix: Mapped[str]
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    name: Mapped[str]
    role: Mapped[str | None]
    scopes: Mapped[list[str] | None]
    workflows: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    created_by: Mapped[str]
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    replaces_id: Mapped[int | None]
    rate_limit: Mapped[int | None] = mapped_column(Integer)
    groups: Mapped[list[str]] = mapped_column(server_default="{}")

    __table_args__ = (
        UniqueConstraint("prefix"),
        UniqueConstraint("digest"),
        CheckConstraint("length(digest) = 32", name="digest_is_sha256"),
        CheckConstraint("(role IS NULL) <> (scopes IS NULL)", name="either_role_or_scopes"),
        CheckConstraint("length(name) BETWEEN 1 AND 200", name="name_length"),
        CheckConstraint("rate_limit BETWEEN 1 AND 1000000", name="rate_limit_in_range"),
        Index(None, "tenant_id", "id"),
    )


class UiSessionRow(Base):
    """A session of a person at the dashboard.

    digest: the SHA-256 of its text, which is stored nowhere.
    key_id: the key that it was begun with; null for a token, whose `principal`, `role` and `groups` are kept.
    """

    __tablename__ = "ui_sessions"

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    tenant_id: Mapped[int] = mapped_column(Integer, ForeignKey("tenants.id"))
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    key_id: Mapped[int | None] = mapped_column(ForeignKey("api_keys.id", ondelete="CASCADE"))
    principal: Mapped[str]
    role: Mapped[str | None]
    groups: Mapped[list[str]] = mapped_column(server_default="{}")
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    expires_at: Mapped[datetime]

    __table_args__ = (
        UniqueConstraint("digest"),
        CheckConstraint("length(digest) = 32", name="digest_is_sha256"),
        Index(None, "tenant_id", "expires_at"),
    )


class AuditRow(Base):
    """One entry of the audit log. A trigger refuses every change of a row; see `app/audit/entry.py` for the columns."""

    __tablename__ = "audit_log"

    tenant_id: Mapped[int] = mapped_column(Integer, ForeignKey("tenants.id"), primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    actor: Mapped[str]
    actor_kind: Mapped[str]
    action: Mapped[str]
    target: Mapped[str]
    request_id: Mapped[str | None]
    ip: Mapped[str | None]
    before: Mapped[str | None] = mapped_column(JsonText)
    after: Mapped[str | None] = mapped_column(JsonText)
    prev: Mapped[bytes] = mapped_column(LargeBinary)
    hash: Mapped[bytes] = mapped_column(LargeBinary)

    __table_args__ = (
        CheckConstraint("number >= 1", name="number_from_one"),
        CheckConstraint("length(prev) = 32 AND length(hash) = 32", name="hashes_are_sha256"),
        Index(None, "tenant_id", "target", "number"),
    )


class AuditHeadRow(Base):
    """The last entry of a tenant's audit log. Writers of entries lock it, so that the chain never forks.

    number: the number of that entry; 0 while there is none.
    prev: the hash before it.
    hash: its hash.
    """

    __tablename__ = "audit_heads"

    tenant_id: Mapped[int] = mapped_column(Integer, ForeignKey("tenants.id"), primary_key=True, autoincrement=False)
    number: Mapped[int]
    prev: Mapped[bytes] = mapped_column(LargeBinary)
    hash: Mapped[bytes] = mapped_column(LargeBinary)

    __table_args__ = (CheckConstraint("number >= 0", name="number_not_negative"),)


class FeedRow(Base):
    """What one commit has added to histories.

    id: in the order in which commits have begun to store.
    last: the position of its last event; null until a reader has asked for it after the commit.
    events: how many events it has.
    body: 24 bytes for each execution that has grown: its id, and as two big-endian integers the number of the first of
        the new events and their count.
    """

    __tablename__ = "feed"

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    last: Mapped[int | None]
    events: Mapped[int] = mapped_column(Integer)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())

    __table_args__ = (
        UniqueConstraint("last"),
        CheckConstraint("events >= 1", name="events_positive"),
        CheckConstraint("length(body) > 0 AND length(body) % 24 = 0", name="body_of_entries"),
        Index("ix_feed_without_position", "id", postgresql_where=text("last IS NULL")),
    )


class FeedHeadRow(Base):
    """How far the positions of the feed have got. There is one row. Who gives positions locks it.

    last: the last position that was given.
    removed: the rows of the feed up to this position have been removed.
    complete_since: every event that was stored later is in the feed.
    """

    __tablename__ = "feed_head"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    last: Mapped[int]
    removed: Mapped[int]
    complete_since: Mapped[datetime]

    __table_args__ = (
        CheckConstraint("id = 1", name="only_one"),
        CheckConstraint("0 <= removed AND removed <= last", name="removed_before_last"),
    )


class RelayRow(Base):
    """Which process publishes the feed to Kafka. There is one row.

    holder: that process; null if none does.
    held_until: until then no other process does.
    position: up to where the feed was published, as noted now and then; Kafka knows it exactly.
    """

    __tablename__ = "relay"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    holder: Mapped[UUID | None]
    held_until: Mapped[datetime | None]
    position: Mapped[int | None]

    __table_args__ = (CheckConstraint("id = 1", name="only_one"),)
