"""schedules, and how long a workflow's executions are kept

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op
from alembic.util import CommandError
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

OVERLAP = postgresql.ENUM("skip", "queue", "cancel_previous", name="overlap_policy", create_type=False)
INSTANT = sa.DateTime(timezone=True)
IN_USE = {
    "schedules": "SELECT FROM schedules",
    "workflows with `retention_days`": "SELECT FROM workflows WHERE retention_days IS NOT NULL",
}


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("workflows", sa.Column("retention_days", sa.Double(), nullable=True))
    op.create_check_constraint(op.f("ck_workflows_retention_not_negative"), "workflows", "retention_days >= 0")
    OVERLAP.create(op.get_bind())
    op.create_table(
        "schedules",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("workflow_id", sa.BigInteger(), nullable=False),
        sa.Column("cron", sa.Text(), nullable=True),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("at", INSTANT, nullable=True),
        sa.Column("input", postgresql.JSON(), nullable=False),
        sa.Column("overlap", OVERLAP, nullable=False),
        sa.Column("catch_up_seconds", sa.Double(), nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("next_fire_at", INSTANT, nullable=True),
        sa.Column("waiting_fire_at", INSTANT, nullable=True),
        sa.Column("last_fire_at", INSTANT, nullable=True),
        sa.Column("last_execution_id", sa.UUID(), nullable=True),
        sa.Column("due_at", INSTANT, nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.CheckConstraint("(cron IS NULL) <> (at IS NULL)", name=op.f("ck_schedules_either_cron_or_at")),
        sa.CheckConstraint("catch_up_seconds > 0", name=op.f("ck_schedules_catch_up_positive")),
        sa.CheckConstraint(
            "key ~ '^[a-z0-9]([a-z0-9._-]{0,98}[a-z0-9])?$' AND key !~ '^[0-9]+$'",
            name=op.f("ck_schedules_key_is_a_slug"),
        ),
        sa.ForeignKeyConstraint(
            ["workflow_id"], ["workflows.id"], name=op.f("fk_schedules_workflow_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schedules")),
        sa.UniqueConstraint("key", name=op.f("uq_schedules_key")),
    )
    op.create_index(op.f("ix_schedules_workflow_id"), "schedules", ["workflow_id"])
    op.create_index("ix_schedules_due_at", "schedules", ["due_at"], postgresql_where=sa.text("due_at IS NOT NULL"))


def downgrade() -> None:
    """Raise `CommandError` where something would be lost; nothing is changed then."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("LOCK TABLE workflows, schedules")
    for what, question in IN_USE.items():
        if op.get_bind().execute(sa.text(f"SELECT EXISTS ({question})")).scalar_one():
            raise CommandError(f"The database cannot go back to revision 0002: it holds {what}.")
    op.drop_table("schedules")
    OVERLAP.drop(op.get_bind())
    op.drop_constraint(op.f("ck_workflows_retention_not_negative"), "workflows")
    op.drop_column("workflows", "retention_days")
