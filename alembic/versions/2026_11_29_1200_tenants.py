"""tenants: which tenant workflows, revisions, schedules and executions belong to

What is stored belongs to the first tenant. The new columns are entries of the catalogue only: no table is rewritten.
`executions` is locked while its indexes are being built; each build reads the table once. Stop all processes first:
those of the version before store rows without a tenant, which are refused.

Revision ID: 0013
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op
from alembic.util import CommandError

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

OF_A_TENANT = ("workflows", "workflow_revisions", "schedules", "executions")
IN_USE = """
SELECT EXISTS (SELECT FROM workflows WHERE tenant_id <> 1)
    OR EXISTS (SELECT FROM workflow_revisions WHERE tenant_id <> 1)
    OR EXISTS (SELECT FROM schedules WHERE tenant_id <> 1)
    OR EXISTS (SELECT FROM executions WHERE tenant_id <> 1)
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in OF_A_TENANT:
        op.add_column(table, sa.Column("tenant_id", sa.Integer(), server_default=sa.text("1"), nullable=False))
        # Whoever forgets the tenant of a new row gets an error.
        op.alter_column(table, "tenant_id", server_default=None)
    _key_workflows()
    _key_schedules()
    op.create_index("ix_executions_tenant_id_id", "executions", ["tenant_id", "id"])
    _index_unsuccessful()


def downgrade() -> None:
    """Raise `CommandError` while another tenant than the first has something; nothing is changed then."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(f"LOCK TABLE {', '.join(OF_A_TENANT)}")
    if op.get_bind().execute(sa.text(IN_USE)).scalar_one():
        raise CommandError("The database cannot go back to revision 0012: it holds workflows of several tenants.")
    op.drop_constraint("fk_schedules_tenant_id_workflow_id", "schedules")
    # The indexes and constraints of the columns go with them.
    for table in OF_A_TENANT:
        op.drop_column(table, "tenant_id")
    op.create_unique_constraint("uq_workflows_key", "workflows", ["key"])
    op.create_unique_constraint("uq_schedules_key", "schedules", ["key"])
    op.create_foreign_key(
        "fk_schedules_workflow_id", "schedules", "workflows", ["workflow_id"], ["id"], ondelete="CASCADE"
    )
    op.create_index(
        "ix_executions_unsuccessful",
        "executions",
        ["status", "id"],
        postgresql_where=sa.text("status IN ('failed', 'cancelled')"),
    )


def _key_workflows() -> None:
    op.create_foreign_key("fk_workflows_tenant_id", "workflows", "tenants", ["tenant_id"], ["id"])
    op.drop_constraint("uq_workflows_key", "workflows")
    op.create_unique_constraint("uq_workflows_tenant_id_key", "workflows", ["tenant_id", "key"])
    op.create_unique_constraint("uq_workflows_tenant_id_id", "workflows", ["tenant_id", "id"])


def _key_schedules() -> None:
    """A foreign key of both columns: a schedule cannot be of another tenant than its workflow."""
    op.drop_constraint("uq_schedules_key", "schedules")
    op.create_unique_constraint("uq_schedules_tenant_id_key", "schedules", ["tenant_id", "key"])
    op.drop_constraint("fk_schedules_workflow_id", "schedules")
    op.create_foreign_key(
        "fk_schedules_tenant_id_workflow_id",
        "schedules",
        "workflows",
        ["tenant_id", "workflow_id"],
        ["tenant_id", "id"],
        ondelete="CASCADE",
    )


def _index_unsuccessful() -> None:
    """One index for each status, which names it in its condition: under row-level security a status that an index has
    as a column would not be looked up, because comparing enums is not leakproof.
    """
    op.drop_index("ix_executions_unsuccessful", "executions")
    for status in ("failed", "cancelled"):
        op.create_index(
            f"ix_executions_{status}",
            "executions",
            ["tenant_id", "id"],
            postgresql_where=sa.text(f"status = '{status}'"),
        )
