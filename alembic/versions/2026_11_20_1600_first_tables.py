"""first tables

Revision ID: 0001
Revises:
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

EVENT_TYPE = postgresql.ENUM(
    "execution_created",
    "execution_started",
    "execution_paused",
    "execution_resumed",
    "cancel_requested",
    "signal_received",
    "task_started",
    "task_progressed",
    "task_retrying",
    "task_completed",
    "task_failed",
    "task_cancelled",
    "execution_completed",
    "execution_failed",
    "execution_cancelled",
    name="event_type",
    create_type=False,
)
EXECUTION_STATUS = postgresql.ENUM(
    "pending", "running", "paused", "completed", "failed", "cancelled", name="execution_status", create_type=False
)
EXECUTION_TYPE = postgresql.ENUM("sync", "async", name="execution_type", create_type=False)
ENUMS = (EVENT_TYPE, EXECUTION_STATUS, EXECUTION_TYPE)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for enum in ENUMS:
        enum.create(op.get_bind())
    op.create_table(
        "engines",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "started_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_engines")),
    )
    op.create_table(
        "execution_commands",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("execution_id", sa.UUID(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("payload", postgresql.JSON(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_execution_commands")),
    )
    op.create_index(op.f("ix_execution_commands_execution_id"), "execution_commands", ["execution_id"], unique=False)
    op.create_table(
        "execution_events",
        sa.Column("execution_id", sa.UUID(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("task_id", sa.BigInteger(), nullable=True),
        sa.Column("sequence", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("type", EVENT_TYPE, nullable=False),
        sa.Column("status", EXECUTION_STATUS, nullable=False),
        sa.Column("attempt", sa.SmallInteger(), nullable=False),
        sa.Column("progress_percent", sa.SmallInteger(), nullable=False),
        sa.Column("data", postgresql.JSON(astext_type=sa.Text()), nullable=True),
        sa.CheckConstraint(
            "progress_percent BETWEEN 0 AND 100", name=op.f("ck_execution_events_progress_is_a_percentage")
        ),
        sa.CheckConstraint("sequence >= 1", name=op.f("ck_execution_events_sequence_from_one")),
        sa.PrimaryKeyConstraint("execution_id", "sequence", name=op.f("pk_execution_events")),
    )
    op.create_table(
        "executions",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("workflow_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("status", EXECUTION_STATUS, nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=True),
        sa.Column("input", postgresql.JSON(astext_type=sa.Text()), nullable=False),
        sa.Column("output", postgresql.JSON(astext_type=sa.Text()), nullable=True),
        sa.Column("failure", postgresql.JSON(astext_type=sa.Text()), nullable=True),
        sa.CheckConstraint(
            "(finished_at IS NOT NULL) = (status IN ('completed', 'failed', 'cancelled'))",
            name=op.f("ck_executions_finished_is_final"),
        ),
        sa.CheckConstraint(
            "started_at IS NOT NULL OR status IN ('pending', 'cancelled')",
            name=op.f("ck_executions_started_has_a_time"),
        ),
        sa.CheckConstraint("finished_at IS NULL OR owner_id IS NULL", name=op.f("ck_executions_finished_has_no_owner")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_executions")),
    )
    op.create_index(
        "ix_executions_active",
        "executions",
        ["owner_id", "due_at"],
        unique=False,
        postgresql_where=sa.text("finished_at IS NULL"),
    )
    op.create_index(
        "ix_executions_unsuccessful",
        "executions",
        ["status", "id"],
        unique=False,
        postgresql_where=sa.text("status IN ('failed', 'cancelled')"),
    )
    op.create_index(op.f("ix_executions_workflow_id_id"), "executions", ["workflow_id", "id"], unique=False)
    op.create_index(
        "uq_executions_idempotency_key",
        "executions",
        ["workflow_id", "idempotency_key"],
        unique=True,
        postgresql_where=sa.text("idempotency_key IS NOT NULL"),
    )
    op.create_table(
        "workflow_revisions",
        sa.Column("workflow_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("snapshot", postgresql.JSON(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("revision >= 1", name=op.f("ck_workflow_revisions_revision_from_one")),
        sa.PrimaryKeyConstraint("workflow_id", "revision", name=op.f("pk_workflow_revisions")),
    )
    op.create_table(
        "workflows",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "key ~ '^[a-z0-9]([a-z0-9._-]{0,98}[a-z0-9])?$' AND key !~ '^[0-9]+$'",
            name=op.f("ck_workflows_key_is_a_slug"),
        ),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 200", name=op.f("ck_workflows_name_length")),
        sa.CheckConstraint("revision >= 1", name=op.f("ck_workflows_revision_from_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workflows")),
        sa.UniqueConstraint("key", name=op.f("uq_workflows_key")),
    )
    op.create_table(
        "tasks",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("workflow_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("execution_type", EXECUTION_TYPE, nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("type", sa.Text(), nullable=True),
        sa.Column("config", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("timeout_seconds", sa.Double(), nullable=True),
        sa.Column("retry", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("depends_on", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 200", name=op.f("ck_tasks_name_length")),
        sa.CheckConstraint("sequence >= 0", name=op.f("ck_tasks_sequence_not_negative")),
        sa.CheckConstraint("timeout_seconds > 0", name=op.f("ck_tasks_timeout_positive")),
        sa.ForeignKeyConstraint(
            ["workflow_id"], ["workflows.id"], name=op.f("fk_tasks_workflow_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tasks")),
        sa.UniqueConstraint("workflow_id", "name", name=op.f("uq_tasks_workflow_id_name")),
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_table("tasks")
    op.drop_table("workflows")
    op.drop_table("workflow_revisions")
    op.drop_index(
        "uq_executions_idempotency_key",
        table_name="executions",
        postgresql_where=sa.text("idempotency_key IS NOT NULL"),
    )
    op.drop_index(op.f("ix_executions_workflow_id_id"), table_name="executions")
    op.drop_index(
        "ix_executions_unsuccessful",
        table_name="executions",
        postgresql_where=sa.text("status IN ('failed', 'cancelled')"),
    )
    op.drop_index("ix_executions_active", table_name="executions", postgresql_where=sa.text("finished_at IS NULL"))
    op.drop_table("executions")
    op.drop_table("execution_events")
    op.drop_index(op.f("ix_execution_commands_execution_id"), table_name="execution_commands")
    op.drop_table("execution_commands")
    op.drop_table("engines")
    for enum in reversed(ENUMS):
        enum.drop(op.get_bind())
