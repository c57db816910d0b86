"""data flow: conditions, loops, variables and schemas

No table is rewritten on the way up.

Revision ID: 0004
Revises: 0003
"""

from typing import Any

import orjson
import sqlalchemy as sa
from alembic import op
from alembic.util import CommandError
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

OF_WORKFLOWS: dict[str, Any] = {"variables": {}, "input_schema": None, "retention_days": None}
OF_TASKS: dict[str, Any] = {"when": None, "for_each": None, "max_concurrency": None, "output_schema": None}
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
    # A constant default is kept beside the table, so that stored rows need not be written again.
    op.add_column("workflows", sa.Column("variables", postgresql.JSONB(), server_default="{}", nullable=False))
    op.alter_column("workflows", "variables", server_default=None)
    op.add_column("workflows", sa.Column("input_schema", postgresql.JSONB(), nullable=True))
    op.add_column("tasks", sa.Column("when_expression", sa.Text(), nullable=True))
    op.add_column("tasks", sa.Column("for_each", sa.Text(), nullable=True))
    op.add_column("tasks", sa.Column("max_concurrency", sa.Integer(), nullable=True))
    op.add_column("tasks", sa.Column("output_schema", postgresql.JSONB(), nullable=True))
    op.create_check_constraint(op.f("ck_tasks_max_concurrency_positive"), "tasks", "max_concurrency >= 1")
    op.create_check_constraint(
        op.f("ck_tasks_max_concurrency_of_a_loop"), "tasks", "for_each IS NOT NULL OR max_concurrency IS NULL"
    )


def downgrade() -> None:
    """Raise `CommandError` where something would be lost; nothing is changed then."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("LOCK TABLE workflows, tasks, workflow_revisions")
    _take_new_fields_out_of_snapshots()
    op.drop_constraint(op.f("ck_tasks_max_concurrency_of_a_loop"), "tasks")
    op.drop_constraint(op.f("ck_tasks_max_concurrency_positive"), "tasks")
    for column in ("output_schema", "max_concurrency", "for_each", "when_expression"):
        op.drop_column("tasks", column)
    op.drop_column("workflows", "input_schema")
    op.drop_column("workflows", "variables")


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
    where = f"revision {document['revision']} of workflow {document['id']}"
    _take_out(document, OF_WORKFLOWS, where)
    for task in document["tasks"]:
        _take_out(task, OF_TASKS, where)


def _take_out(fields: dict[str, Any], new: dict[str, Any], where: str) -> None:
    for name, default in new.items():
        if fields.pop(name, default) != default:
            raise CommandError(
                f"The database cannot go back to revision 0003: {where} uses `{name}`, which would be lost."
            )
