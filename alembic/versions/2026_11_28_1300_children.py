"""children: an index of the parents that are named in idempotency keys

No table is rewritten. Executions cannot be started while the index is being built, which reads the table once.

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_index(
        "ix_executions_children",
        "executions",
        [sa.text("substring(idempotency_key, 7, 37)")],
        postgresql_where=sa.text("substring(idempotency_key, 1, 6) = 'child:'"),
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index("ix_executions_children", "executions")
