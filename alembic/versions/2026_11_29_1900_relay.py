"""relay: which process publishes the feed to Kafka

Revision ID: 0020
Revises: 0019
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "relay",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("holder", sa.Uuid()),
        sa.Column("held_until", sa.DateTime(timezone=True)),
        sa.Column("position", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_relay"),
        sa.CheckConstraint("id = 1", name=op.f("ck_relay_only_one")),
    )
    op.execute("INSERT INTO relay (id) VALUES (1)")


def downgrade() -> None:
    op.drop_table("relay")
