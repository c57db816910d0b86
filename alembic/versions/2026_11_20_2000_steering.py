"""steering: failures that do not end an execution, compensations, timeouts of executions, repeated executions

No table is rewritten on the way up. On the way down the history is, because PostgreSQL cannot take a value out of an
enum.

Revision ID: 0002
Revises: 0001
"""

from typing import Any

import orjson
import sqlalchemy as sa
from alembic import op
from alembic.util import CommandError
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ON_FAILURE = postgresql.ENUM("fail", "continue", name="on_failure", create_type=False)
OLD_EVENT_TYPES = (
    "execution_created",
    "execution_started",
    "execution_paused",
    "execution_resumed",
    "cancel_requested",
    "signal_received",
    "task_started",
    "task_progressed",
    "task_retrying",
    "task_completed",
    "task_failed",
    "task_cancelled",
    "execution_completed",
    "execution_failed",
    "execution_cancelled",
)
NEW_EVENT_TYPES = {
    "execution_failing": "cancel_requested",
    "task_skipped": "task_cancelled",
    "task_reused": "task_skipped",
}
IN_USE = {
    "events of types that revision 0001 does not have": "SELECT FROM execution_events WHERE type IN"
    " ('execution_failing', 'task_skipped', 'task_reused')",
    "executions that repeat another one": "SELECT FROM executions WHERE origin_id IS NOT NULL",
    "requests to skip a task": "SELECT FROM execution_commands WHERE type = 'skip'",
}
SNAPSHOT = sa.text(
    "SELECT snapshot::text FROM workflow_revisions WHERE workflow_id = :workflow_id AND revision = :revision"
)
SET_SNAPSHOT = sa.text(
    "UPDATE workflow_revisions SET snapshot = CAST(:snapshot AS json)"
    " WHERE workflow_id = :workflow_id AND revision = :revision"
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for value, before in NEW_EVENT_TYPES.items():
        op.execute(f"ALTER TYPE event_type ADD VALUE '{value}' AFTER '{before}'")
    ON_FAILURE.create(op.get_bind())
    op.add_column("workflows", sa.Column("timeout_seconds", sa.Double(), nullable=True))
    op.create_check_constraint(op.f("ck_workflows_timeout_positive"), "workflows", "timeout_seconds > 0")
    # A constant default is kept beside the table, so that stored rows need not be written again.
    op.add_column("tasks", sa.Column("on_failure", ON_FAILURE, server_default="fail", nullable=False))
    op.add_column("tasks", sa.Column("compensate", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False))
    op.alter_column("tasks", "on_failure", server_default=None)
    op.alter_column("tasks", "compensate", server_default=None)
    op.add_column("executions", sa.Column("origin_id", sa.UUID(), nullable=True))


def downgrade() -> None:
    """Raise `CommandError` where revision 0001 could not say what is stored; nothing is changed then."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("LOCK TABLE workflows, tasks, workflow_revisions, executions, execution_events, execution_commands")
    _refuse_what_is_in_use()
    _take_new_fields_out_of_snapshots()
    op.drop_column("executions", "origin_id")
    op.drop_column("tasks", "compensate")
    op.drop_column("tasks", "on_failure")
    op.drop_constraint(op.f("ck_workflows_timeout_positive"), "workflows")
    op.drop_column("workflows", "timeout_seconds")
    ON_FAILURE.drop(op.get_bind())
    op.execute("ALTER TYPE event_type RENAME TO newer_event_type")
    postgresql.ENUM(*OLD_EVENT_TYPES, name="event_type").create(op.get_bind())
    op.execute("ALTER TABLE execution_events ALTER COLUMN type TYPE event_type USING type::text::event_type")
    op.execute("DROP TYPE newer_event_type")


def _refuse_what_is_in_use() -> None:
    for what, question in IN_USE.items():
        if op.get_bind().execute(sa.text(f"SELECT EXISTS ({question})")).scalar_one():
            raise _refusal(f"it holds {what}")


def _take_new_fields_out_of_snapshots() -> None:
    """The program of revision 0001 cannot read a `retry` with a field that it does not know.

    Every other byte stays: the same serializer wrote the texts.
    """
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
    _take_out(document, "timeout_seconds", None, where)
    for task in document["tasks"]:
        _take_out(task, "on_failure", "fail", where)
        _take_out(task, "compensate", [], where)
        _take_out(task["retry"] or {}, "non_retryable_errors", [], where)


def _take_out(fields: dict[str, Any], name: str, default: object, where: str) -> None:
    if fields.pop(name, default) != default:
        raise _refusal(f"{where} uses `{name}`, which would be lost")


def _refusal(reason: str) -> CommandError:
    return CommandError(f"The database cannot go back to revision 0001: {reason}.")
