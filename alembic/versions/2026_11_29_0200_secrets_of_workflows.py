"""secrets of workflows: the secrets that each workflow may use

No table is rewritten on the way up. NULL stands for a workflow that was stored before: its snapshot does not name its
secrets either, and it may use those that its expressions name.

Revision ID: 0009
Revises: 0008
"""

import re
from typing import Any

import orjson
import sqlalchemy as sa
from alembic import op
from alembic.util import CommandError
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

SNAPSHOT = sa.text(
    "SELECT snapshot::text FROM workflow_revisions WHERE workflow_id = :workflow_id AND revision = :revision"
)
SET_SNAPSHOT = sa.text(
    "UPDATE workflow_revisions SET snapshot = CAST(:snapshot AS json)"
    " WHERE workflow_id = :workflow_id AND revision = :revision"
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("workflows", sa.Column("secrets", postgresql.ARRAY(sa.Text()), nullable=True))


def downgrade() -> None:
    """Raise `CommandError` where something would be lost; nothing is changed then."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("LOCK TABLE workflows, workflow_revisions")
    _take_secrets_out_of_snapshots()
    op.drop_column("workflows", "secrets")


def _take_secrets_out_of_snapshots() -> None:
    """Every other byte stays: the same serializer wrote the texts. The rows say no more than the snapshots."""
    connection = op.get_bind()
    for workflow_id, number in connection.execute(
        sa.text("SELECT workflow_id, revision FROM workflow_revisions")
    ).all():
        row = {"workflow_id": workflow_id, "revision": number}
        document = orjson.loads(connection.execute(SNAPSHOT, row).scalar_one())
        if "secrets" in document:
            _take_secrets_out(document)
            connection.execute(SET_SNAPSHOT, row | {"snapshot": orjson.dumps(document).decode()})


def _take_secrets_out(document: dict[str, Any]) -> None:
    """Names that expressions use are not lost: on the way up again they are read from the expressions."""
    tasks = orjson.dumps(document["tasks"]).decode()
    lost = [name for name in document.pop("secrets") if not re.search(rf"\bsecrets\W+{name}\b", tasks)]
    if lost:
        where = f"revision {document['revision']} of workflow {document['id']}"
        raise CommandError(
            f"The database cannot go back to revision {down_revision}: {where} names secrets that no expression uses,"
            f" which would be lost: {', '.join(lost)}."
        )
