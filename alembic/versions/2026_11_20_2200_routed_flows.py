"""routed flows: conditions that lead from task to task

No table is rewritten on the way up.

Revision ID: 0006
Revises: 0005
"""

from typing import Any

import orjson
import sqlalchemy as sa
from alembic import op
from alembic.util import CommandError
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

OF_WORKFLOWS: dict[str, Any] = {"start_task": None, "conditions": [], "max_visits": None}
"""The fields that snapshots have from this revision on, with their defaults."""

SNAPSHOT = sa.text(
    "SELECT snapshot::text FROM workflow_revisions WHERE workflow_id = :workflow_id AND revision = :revision"
)
SET_SNAPSHOT = sa.text(
    "UPDATE workflow_revisions SET snapshot = CAST(:snapshot AS json)"
    " WHERE workflow_id = :workflow_id AND revision = :revision"
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("workflows", sa.Column("start_task", sa.Text(), nullable=True))
    # A constant default is kept beside the table, so that stored rows need not be written again.
    op.add_column("workflows", sa.Column("conditions", postgresql.JSONB(), server_default="[]", nullable=False))
    op.alter_column("workflows", "conditions", server_default=None)
    op.add_column("workflows", sa.Column("max_visits", sa.Integer(), nullable=True))
    op.create_check_constraint(op.f("ck_workflows_max_visits_positive"), "workflows", "max_visits >= 1")
    op.create_check_constraint(
        op.f("ck_workflows_conditions_of_a_route"),
        "workflows",
        "start_task IS NOT NULL OR (max_visits IS NULL AND conditions = '[]')",
    )


def downgrade() -> None:
    """Raise `CommandError` where something would be lost; nothing is changed then."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("LOCK TABLE workflows, workflow_revisions")
    _take_new_fields_out_of_snapshots()
    op.drop_constraint(op.f("ck_workflows_conditions_of_a_route"), "workflows")
    op.drop_constraint(op.f("ck_workflows_max_visits_positive"), "workflows")
    for column in ("max_visits", "conditions", "start_task"):
        op.drop_column("workflows", column)


def _take_new_fields_out_of_snapshots() -> None:
    """Every other byte stays: the same serializer wrote the texts. The rows say no more than the snapshots."""
    connection = op.get_bind()
    for workflow_id, number in connection.execute(
        sa.text("SELECT workflow_id, revision FROM workflow_revisions")
    ).all():
        row = {"workflow_id": workflow_id, "revision": number}
        document = orjson.loads(connection.execute(SNAPSHOT, row).scalar_one())
        _take_new_fields_out(document)
        connection.execute(SET_SNAPSHOT, row | {"snapshot": orjson.dumps(document).decode()})


def _take_new_fields_out(document: dict[str, Any]) -> None:
    for name, default in OF_WORKFLOWS.items():
        if document.pop(name, default) != default:
            where = f"revision {document['revision']} of workflow {document['id']}"
            raise CommandError(
                f"The database cannot go back to revision 0005: {where} uses `{name}`, which would be lost."
            )
