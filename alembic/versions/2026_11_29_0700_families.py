"""families: columns that say which task has started an execution as its child

The links were part of idempotency keys, `child:{parent}/{task}…`; those of stored children are copied. No table is
rewritten. `executions` is locked while its children are updated and while the two new indexes are being built; each
build reads the table once. Stop all engines first: those of the version before do not tell parents when a child ends.

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op
from alembic.util import CommandError

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

# Callers could choose such keys; so a parent counts only if it exists, and no endless way up is walked.
COPY_LINKS = r"""
WITH RECURSIVE named AS MATERIALIZED (
    SELECT c.id, substring(c.idempotency_key, 7, 36)::uuid AS parent_id,
           substring(c.idempotency_key FROM '/(\d+)')::bigint AS task_id,
           substring(c.idempotency_key FROM '\[(\d+)\]')::int AS element
    FROM executions c
    WHERE substring(c.idempotency_key, 1, 6) = 'child:'
      AND c.idempotency_key ~ '^child:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/\d{1,18}(@\d+)?(\[\d{1,9}\])?:\d+$'
), links AS MATERIALIZED (
    SELECT n.* FROM named n WHERE EXISTS (SELECT FROM executions p WHERE p.id = n.parent_id)
), upwards AS (
    SELECT id, parent_id AS ancestor, 1 AS depth FROM links
    UNION ALL
    SELECT u.id, l.parent_id, u.depth + 1 FROM upwards u JOIN links l ON l.id = u.ancestor
    WHERE u.depth < 1000
), roots AS (
    SELECT DISTINCT ON (id) id, ancestor AS root_id, depth FROM upwards ORDER BY id, depth DESC
)
UPDATE executions e
SET parent_id = l.parent_id, parent_task_id = l.task_id, parent_element = l.element,
    root_id = r.root_id, depth = r.depth
FROM links l JOIN roots r USING (id)
WHERE e.id = l.id
"""

# A parent that waited in the memory of an engine waits for a command now.
TELL_PARENTS = """
INSERT INTO execution_commands (execution_id, type, reason, name, payload)
SELECT p.id, 'child_ended', '', c.id::text, 'null'
FROM executions c JOIN executions p ON p.id = c.parent_id
WHERE c.parent_id IS NOT NULL AND c.finished_at IS NOT NULL AND p.finished_at IS NULL
ORDER BY c.id
"""

# A child that runs on after its parent, or that the latest attempt in the history of its parent does not name: the next
# attempt starts another one.
STOP_ORPHANS = """
INSERT INTO execution_commands (execution_id, type, reason, name, payload)
SELECT c.id, 'cancel',
       CASE WHEN p.finished_at IS NULL THEN 'its parent had not recorded its start' ELSE 'its parent has ended' END,
       '', 'null'
FROM executions c JOIN executions p ON p.id = c.parent_id
WHERE c.parent_id IS NOT NULL AND c.finished_at IS NULL
  AND NOT (p.finished_at IS NULL AND EXISTS (SELECT FROM execution_events h
                  WHERE h.execution_id = p.id AND h.type = 'task_progressed' AND h.task_id = c.parent_task_id
                    AND h.data ->> 'child_id' = c.id::text
                    AND h.attempt = (SELECT max(s.attempt) FROM execution_events s
                                     WHERE s.execution_id = p.id AND s.task_id = c.parent_task_id)))
  AND NOT EXISTS (SELECT FROM execution_commands k WHERE k.execution_id = c.id AND k.type = 'cancel')
ORDER BY c.id
"""

IN_USE = """
SELECT EXISTS (SELECT FROM executions c JOIN executions p ON p.id = c.parent_id
               WHERE c.parent_id IS NOT NULL AND (c.finished_at IS NULL OR p.finished_at IS NULL))
"""

# Numbers that no attempt has had.
RESTORE_KEYS = """
UPDATE executions e
SET idempotency_key = format('child:%s/%s%s:%s', e.parent_id, e.parent_task_id,
                             '[' || e.parent_element || ']', 1000000000 + n.number)
FROM (SELECT id, row_number() OVER (ORDER BY id) AS number FROM executions
      WHERE parent_id IS NOT NULL AND idempotency_key IS NULL) n
WHERE e.id = n.id
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("executions", sa.Column("parent_id", sa.UUID(), nullable=True))
    op.add_column("executions", sa.Column("root_id", sa.UUID(), nullable=True))
    op.add_column("executions", sa.Column("parent_task_id", sa.BigInteger(), nullable=True))
    op.add_column("executions", sa.Column("parent_element", sa.Integer(), nullable=True))
    op.add_column("executions", sa.Column("depth", sa.SmallInteger(), nullable=True))
    op.execute(COPY_LINKS)
    op.drop_index("ix_executions_children", "executions")
    op.create_index(
        "ix_executions_children", "executions", ["parent_id"], postgresql_where=sa.text("parent_id IS NOT NULL")
    )
    op.create_index(
        "ix_executions_families", "executions", ["root_id"], postgresql_where=sa.text("root_id IS NOT NULL")
    )
    op.execute(TELL_PARENTS)
    op.execute(STOP_ORPHANS)


def downgrade() -> None:
    """Raise `CommandError` while a family is running: revision 0009 could not continue it; nothing is changed then."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("LOCK TABLE executions, execution_commands")
    if op.get_bind().execute(sa.text(IN_USE)).scalar_one():
        raise CommandError("The database cannot go back to revision 0009: it holds parents or children that run.")
    op.execute(RESTORE_KEYS)
    op.drop_index("ix_executions_families", "executions")
    op.drop_index("ix_executions_children", "executions")
    for column in ("depth", "parent_element", "parent_task_id", "root_id", "parent_id"):
        op.drop_column("executions", column)
    op.create_index(
        "ix_executions_children",
        "executions",
        [sa.text("substring(idempotency_key, 7, 37)")],
        postgresql_where=sa.text("substring(idempotency_key, 1, 6) = 'child:'"),
    )
