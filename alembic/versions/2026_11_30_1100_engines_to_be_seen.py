"""engines: what each one is and does, which ones there were, and which one has ended an execution

Executions that ended before this migration do not say which engine has ended them.

Revision ID: 0027
Revises: 0026
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

STATE = (
    "TABLE (execution_id uuid, task_id bigint, type text, started_at timestamptz, changed_at timestamptz,"
    " succeeded bigint, failed bigint)"
)

# How each task of some executions of tenant $1 stands: the type of the last event that has changed its status, when its
# latest visit was started, and how many of its attempts have ended since $2, those aside that ended with their engine.
# A visit begins with the first start after an end. Tasks without such an event are not returned, but an execution whose
# history was read is: without a task, if it has none. The newest are read until they have $4 events together, so at
# most one history more than that; null reads all. One history is read after the other: joined, the planner would read
# those of all executions when there are many.
HEAD = f"task_states(int, timestamptz, uuid[], bigint) RETURNS {STATE} STABLE"
BODY = """
    BEGIN
        RETURN QUERY
        WITH ends AS MATERIALIZED (
            SELECT e.id, coalesce(sum(h.sequence) OVER (
                ORDER BY e.id DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            ), 0) AS before
            FROM executions e LEFT JOIN LATERAL (
                SELECT l.sequence FROM execution_events l
                WHERE l.execution_id = e.id AND $4 IS NOT NULL ORDER BY l.sequence DESC LIMIT 1
            ) h ON true
            WHERE e.id = ANY ($3) AND e.tenant_id = $1
        )
        SELECT x.id, t.*
        FROM ends x
        LEFT JOIN LATERAL (
            SELECT b.task_id, (array_agg(b.type::text ORDER BY b.sequence DESC))[1],
                   min(b.occurred_at) FILTER (WHERE b.type = 'task_started' AND b.sequence > coalesce(b.before, 0)),
                   max(b.occurred_at) FILTER (WHERE b.sequence = b.newest),
                   count(*) FILTER (WHERE b.type = 'task_completed' AND b.occurred_at >= $2),
                   count(*) FILTER (WHERE b.occurred_at >= $2 AND (b.type = 'task_failed'
                       OR (b.type = 'task_retrying' AND b.data ->> 'code' IS DISTINCT FROM 'engine_lost')))
            FROM (
                SELECT a.*, max(a.sequence) FILTER (
                    WHERE a.type NOT IN ('task_started', 'task_retrying') AND a.sequence < a.started
                ) OVER (PARTITION BY a.task_id) AS before
                FROM (
                    SELECT h.task_id, h.sequence, h.type, h.occurred_at, h.data,
                           max(h.sequence) OVER tasks AS newest,
                           max(h.sequence) FILTER (WHERE h.type = 'task_started') OVER tasks AS started
                    FROM execution_events h
                    WHERE h.execution_id = x.id
                      AND h.type IN ('task_started', 'task_retrying', 'task_completed', 'task_failed',
                                     'task_cancelled', 'task_skipped', 'task_reused')
                    WINDOW tasks AS (PARTITION BY h.task_id)
                ) a
            ) b
            GROUP BY b.task_id
            OFFSET 0
        ) t ON true
        WHERE $4 IS NULL OR x.before < $4;
    END
"""
OWN_SCHEMA_ONLY = (
    "SELECT set_config('search_path', 'pg_catalog, ' || quote_ident(current_schema()) || ', pg_temp', true)"
)


def _columns() -> list[sa.Column]:
    """What an engine says about itself."""
    return [
        sa.Column("kind", sa.Text(), nullable=False, server_default="engine"),
        sa.Column("host", sa.Text()),
        sa.Column("pid", sa.Integer()),
        sa.Column("version", sa.Text()),
        sa.Column("capacity", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("task_types", postgresql.ARRAY(sa.Text()), nullable=False, server_default="{}"),
        sa.Column("functions", postgresql.ARRAY(sa.Text()), nullable=False, server_default="{}"),
        sa.Column("running", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("parked", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("draining", sa.Boolean(), nullable=False, server_default="false"),
        sa.Column("renewed_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("now()")),
    ]


def upgrade() -> None:
    for column in _columns():
        op.add_column("engines", column)
    op.create_table(
        "ended_engines",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        *_columns(),
        sa.PrimaryKeyConstraint("id", name="pk_ended_engines"),
    )
    for table in ("engines", "ended_engines"):
        # With this default from the start, PostgreSQL would write every row of `engines` anew.
        op.alter_column(table, "renewed_at", server_default=sa.text("clock_timestamp()"))
    op.add_column("executions", sa.Column("ended_by", sa.BigInteger()))
    op.execute(
        f"CREATE FUNCTION {HEAD} LANGUAGE plpgsql SECURITY DEFINER AS $$\n#variable_conflict use_column\n{BODY}$$"
    )
    op.execute(OWN_SCHEMA_ONLY)
    op.execute("ALTER FUNCTION task_states SET search_path FROM CURRENT")
    op.execute("REVOKE ALL ON FUNCTION task_states FROM PUBLIC")
    op.execute("SET LOCAL search_path TO DEFAULT")


def downgrade() -> None:
    op.execute("DROP FUNCTION task_states")
    op.drop_column("executions", "ended_by")
    op.drop_table("ended_engines")
    for column in reversed(_columns()):
        op.drop_column("engines", column.name)
