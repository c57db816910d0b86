"""elements: tasks that run once per element of a list record each of them

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op
from alembic.util import CommandError

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("ALTER TYPE event_type ADD VALUE 'task_item_completed' AFTER 'task_progressed'")


def downgrade() -> None:
    """Raise `CommandError` where events of the new type are stored; nothing is changed then."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("LOCK TABLE execution_events")
    connection = op.get_bind()
    in_use = sa.text("SELECT EXISTS (SELECT FROM execution_events WHERE type = 'task_item_completed')")
    if connection.execute(in_use).scalar_one():
        raise CommandError("The database cannot go back to revision 0004: it holds events of elements of tasks.")
    labels = connection.execute(
        sa.text(
            "SELECT string_agg(quote_literal(enumlabel), ', ' ORDER BY enumsortorder) FROM pg_enum"
            " WHERE enumtypid = 'event_type'::regtype AND enumlabel <> 'task_item_completed'"
        )
    ).scalar_one()
    op.execute("ALTER TYPE event_type RENAME TO newer_event_type")
    op.execute(f"CREATE TYPE event_type AS ENUM ({labels})")
    op.execute("ALTER TABLE execution_events ALTER COLUMN type TYPE event_type USING type::text::event_type")
    op.execute("DROP TYPE newer_event_type")
