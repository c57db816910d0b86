"""upper-case keys: letters of both cases in the keys of workflows and schedules

No table is rewritten; each of the two is locked while its keys are checked once. The downgrade fails while a key has an
upper-case letter.

Revision ID: 0008
Revises: 0007
"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

BOTH_CASES = "key ~ '^[a-zA-Z0-9]([a-zA-Z0-9._-]{0,98}[a-zA-Z0-9])?$' AND key !~ '^[0-9]+$'"
LOWER_CASE = "key ~ '^[a-z0-9]([a-z0-9._-]{0,98}[a-z0-9])?$' AND key !~ '^[0-9]+$'"


def upgrade() -> None:
    _replace(BOTH_CASES)


def downgrade() -> None:
    _replace(LOWER_CASE)


def _replace(rule: str) -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in ("workflows", "schedules"):
        name = op.f(f"ck_{table}_key_is_a_slug")
        op.drop_constraint(name, table, type_="check")
        op.create_check_constraint(name, table, rule)
