"""rate_limit_of_keys: how many requests a minute a key allows, if it is not what the settings say

The table is locked for a moment, and not rewritten.

Revision ID: 0014
Revises: 0013
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("api_keys", sa.Column("rate_limit", sa.Integer()))
    op.create_check_constraint(op.f("ck_api_keys_rate_limit_in_range"), "api_keys", "rate_limit BETWEEN 1 AND 1000000")


def downgrade() -> None:
    op.drop_constraint(op.f("ck_api_keys_rate_limit_in_range"), "api_keys", type_="check")
    op.drop_column("api_keys", "rate_limit")
