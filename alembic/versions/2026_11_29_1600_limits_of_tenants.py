"""limits of tenants: how much a tenant may use, and claims that are divided among tenants

The limits are entries of the catalogue only. `executions` is locked while an index is being built, which reads the
table once. As the one that it replaces, it has entries only for executions that no engine owns and that have not ended.

Revision ID: 0017
Revises: 0016
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

LIMITS = ("max_running", "starts_per_second", "max_definitions")
WITHOUT_OWNER = sa.text("owner_id IS NULL AND finished_at IS NULL")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for name in LIMITS:
        op.add_column("tenants", sa.Column(name, sa.Integer(), nullable=True))
        op.create_check_constraint(f"{name}_positive", "tenants", f"{name} >= 1")
    op.create_index(
        "ix_executions_due_by_tenant",
        "executions",
        ["tenant_id", "workflow_id", "due_at"],
        postgresql_where=WITHOUT_OWNER,
    )
    op.drop_index("ix_executions_due_by_workflow", "executions")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_index(
        "ix_executions_due_by_workflow", "executions", ["workflow_id", "due_at"], postgresql_where=WITHOUT_OWNER
    )
    op.drop_index("ix_executions_due_by_tenant", "executions")
    # The constraints of the columns go with them.
    for name in LIMITS:
        op.drop_column("tenants", name)
