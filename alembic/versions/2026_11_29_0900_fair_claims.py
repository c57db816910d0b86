"""fair claims: indexes of what is due, in order, and by workflow

The index by owner and due time does not return what is due in order: each claim sorted everything that was due.
`executions` is locked while the two indexes are being built; each build reads the table once. Executions that an engine
owns, or that have ended, have no entry in them.

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

WITHOUT_OWNER = sa.text("owner_id IS NULL AND finished_at IS NULL")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_index("ix_executions_due", "executions", ["due_at"], postgresql_where=WITHOUT_OWNER)
    op.create_index(
        "ix_executions_due_by_workflow", "executions", ["workflow_id", "due_at"], postgresql_where=WITHOUT_OWNER
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index("ix_executions_due_by_workflow", "executions")
    op.drop_index("ix_executions_due", "executions")
