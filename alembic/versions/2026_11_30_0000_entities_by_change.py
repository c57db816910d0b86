"""entities: lists in the order of their last changes, of a machine or of a tenant

Revision ID: 0023
Revises: 0022
"""

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

INDEXES = {
    "ix_entities_tenant_id_machine_id_updated_at_id": ["tenant_id", "machine_id", "updated_at", "id"],
    "ix_entities_tenant_id_updated_at_id": ["tenant_id", "updated_at", "id"],
}


def upgrade() -> None:
    for name, columns in INDEXES.items():
        op.create_index(name, "entities", columns)


def downgrade() -> None:
    for name in INDEXES:
        op.drop_index(name, "entities")
