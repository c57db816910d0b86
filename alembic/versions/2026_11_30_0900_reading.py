"""reading: what dashboards ask for

Two indexes: of executions that repeat others, by what they repeat; and of those that have ended, by when. Three doors
that read parts of histories with the rights of their owner, because the policy of events costs a look-up for each row.

Revision ID: 0024
Revises: 0023
"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

PROGRESS = "TABLE (execution_id uuid, percent smallint, done int, open int, current bigint[], retrying bigint[])"
EVENT = (
    "TABLE (sequence int, type event_type, occurred_at timestamptz, status execution_status,"
    " progress_percent smallint, task_id bigint, attempt smallint, data text, size int, count bigint)"
)
ATTEMPTS = (
    "TABLE (task_id bigint, attempts bigint, completed bigint, failed bigint, failures json, p50 float8, p95 float8,"
    " executions bigint)"
)

DOORS = {
    # How far executions have come. The tasks in $3 are not counted; those in $4 count as done when they have failed.
    # Histories are counted as long as they have at most $5 events together, the shortest first; of the others, `done`
    # is null.
    f"progress_of(int, uuid[], bigint[], bigint[], bigint) RETURNS {PROGRESS} STABLE": """
    BEGIN
        RETURN QUERY
        WITH ends AS MATERIALIZED (
            SELECT e.id, h.progress_percent, sum(h.sequence) OVER (ORDER BY h.sequence, e.id) <= $5 AS is_counted
            FROM executions e CROSS JOIN LATERAL (
                SELECT l.sequence, l.progress_percent FROM execution_events l
                WHERE l.execution_id = e.id ORDER BY l.sequence DESC LIMIT 1
            ) h
            WHERE e.id = ANY ($2) AND e.tenant_id = $1
        ), of_tasks AS (
            SELECT h.execution_id, h.task_id,
                   max(h.sequence) FILTER (WHERE h.type = 'task_started') AS started,
                   max(h.sequence) FILTER (WHERE h.type = 'task_retrying') AS retrying,
                   max(h.sequence) FILTER (WHERE h.type NOT IN ('task_started', 'task_retrying')) AS ended,
                   bool_or(h.type IN ('task_completed', 'task_skipped', 'task_reused')
                           OR (h.type = 'task_failed' AND h.task_id = ANY ($4))) AS has_passed
            FROM ends CROSS JOIN LATERAL (
                SELECT l.execution_id, l.task_id, l.type, l.sequence FROM execution_events l
                WHERE l.execution_id = ends.id AND l.task_id IS NOT NULL
                      AND l.type NOT IN ('task_progressed', 'task_item_completed')
                OFFSET 0
            ) h
            WHERE ends.is_counted
            GROUP BY h.execution_id, h.task_id
        ), counted AS (
            SELECT o.execution_id,
                   count(*) FILTER (WHERE o.has_passed AND o.task_id <> ALL ($3)) AS done,
                   count(*) FILTER (WHERE o.started > coalesce(o.ended, 0)) AS open,
                   array_agg(o.task_id ORDER BY o.started) FILTER (WHERE o.started > coalesce(o.ended, 0)) AS current,
                   array_agg(o.task_id) FILTER (WHERE o.started > coalesce(o.ended, 0) AND o.retrying > o.started)
                       AS retrying
            FROM of_tasks o GROUP BY o.execution_id
        )
        SELECT ends.id, ends.progress_percent,
               CASE WHEN ends.is_counted THEN coalesce(c.done, 0)::int END,
               CASE WHEN ends.is_counted THEN coalesce(c.open, 0)::int END,
               coalesce(c.current[1:5], '{}'), coalesce(c.retrying, '{}')
        FROM ends LEFT JOIN counted c ON c.execution_id = ends.id;
    END
    """,
    # What is shown of a history. Outputs are cut after $3 characters, and messages; other data is left out. Of the
    # progress of an attempt there is the last event, and the last that names a child; of completed elements the last
    # event, and how many these are.
    f"outline_of_history(int, uuid, int) RETURNS {EVENT} STABLE": """
    BEGIN
        IF NOT EXISTS (SELECT FROM executions e WHERE e.id = $2 AND e.tenant_id = $1) THEN
            RETURN;
        END IF;
        RETURN QUERY
        SELECT h.sequence, h.type, h.occurred_at, h.status, h.progress_percent, h.task_id, h.attempt,
               CASE
                   WHEN h.type IN ('task_completed', 'task_reused') THEN left(h.data::text, $3)
                   WHEN h.type IN ('task_retrying', 'task_failed', 'task_cancelled') THEN json_build_object(
                       'code', h.data->'code', 'message', left(h.data->>'message', $3), 'retry_at', h.data->'retry_at'
                   )::text
                   WHEN h.type = 'task_started' AND h.data IS NOT NULL THEN json_build_object(
                       'until', h.data->'until', 'signal', h.data->'signal', 'children', h.data->'children'
                   )::text
               END,
               CASE WHEN h.type IN ('task_completed', 'task_reused') THEN octet_length(h.data::text) END,
               1::bigint
        FROM execution_events h
        WHERE h.execution_id = $2 AND h.type NOT IN ('task_progressed', 'task_item_completed')
        UNION ALL
        SELECT h.sequence, h.type, h.occurred_at, h.status, h.progress_percent, h.task_id, h.attempt,
               CASE
                   WHEN h.type = 'task_item_completed' THEN json_build_object('count', h.data->'count')::text
                   ELSE json_build_object(
                       'percent', h.data->'percent', 'message', left(h.data->>'message', $3),
                       'child_id', h.data->'child_id'
                   )::text
               END,
               NULL, last.count
        FROM (
            SELECT max(l.sequence) AS sequence, count(*) AS count
            FROM execution_events l
            WHERE l.execution_id = $2 AND l.type IN ('task_progressed', 'task_item_completed')
            GROUP BY l.type, l.task_id, l.attempt,
                     l.type = 'task_progressed' AND l.data::text LIKE '%"child\\_id":%'
        ) last
        JOIN execution_events h ON h.execution_id = $2 AND h.sequence = last.sequence
        ORDER BY 1;
    END
    """,
    # The attempts of tasks in executions, as many of these as have at most $3 events together, the first in $2 first.
    # `executions` is how many these are.
    f"attempts_of(int, uuid[], bigint) RETURNS {ATTEMPTS} STABLE": """
    BEGIN
        RETURN QUERY
        WITH chosen AS MATERIALIZED (
            SELECT s.id FROM (
                SELECT w.id, sum(h.sequence) OVER (ORDER BY w.place) AS total
                FROM unnest($2) WITH ORDINALITY AS w (id, place)
                JOIN executions e ON e.id = w.id AND e.tenant_id = $1
                CROSS JOIN LATERAL (
                    SELECT l.sequence FROM execution_events l
                    WHERE l.execution_id = w.id ORDER BY l.sequence DESC LIMIT 1
                ) h
            ) s WHERE s.total <= $3
        ), each AS MATERIALIZED (
            SELECT h.task_id,
                   min(h.occurred_at) FILTER (WHERE h.type = 'task_started') AS started,
                   min(h.occurred_at) FILTER (WHERE h.type = 'task_completed') AS completed,
                   min(h.data->>'code') FILTER (WHERE h.type IN ('task_failed', 'task_retrying')) AS code
            FROM chosen CROSS JOIN LATERAL (
                SELECT l.task_id, l.attempt, l.type, l.occurred_at,
                       CASE WHEN l.type IN ('task_failed', 'task_retrying') THEN l.data END AS data
                FROM execution_events l
                WHERE l.execution_id = chosen.id AND l.attempt > 0
                      AND l.type IN ('task_started', 'task_completed', 'task_failed', 'task_retrying')
                OFFSET 0
            ) h
            GROUP BY chosen.id, h.task_id, h.attempt
        ), codes AS (
            SELECT f.task_id, json_object_agg(f.code, f.count ORDER BY f.count DESC, f.code) AS failures
            FROM (SELECT a.task_id, a.code, count(*) AS count FROM each a WHERE a.code IS NOT NULL GROUP BY 1, 2) f
            GROUP BY f.task_id
        ), counted AS (
            SELECT a.task_id, count(*) AS attempts, count(a.completed) AS completed, count(a.code) AS failed,
                   percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM a.completed - a.started)::float8)
                       AS p50,
                   percentile_cont(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM a.completed - a.started)::float8)
                       AS p95
            FROM each a GROUP BY a.task_id
        )
        SELECT t.task_id, t.attempts, t.completed, t.failed, coalesce(c.failures, '{}'), t.p50, t.p95, n.executions
        FROM (SELECT count(*) AS executions FROM chosen) n
        LEFT JOIN counted t ON true
        LEFT JOIN codes c ON c.task_id = t.task_id
        ORDER BY t.task_id;
    END
    """,
}
OWN_SCHEMA_ONLY = (
    "SELECT set_config('search_path', 'pg_catalog, ' || quote_ident(current_schema()) || ', pg_temp', true)"
)


def upgrade() -> None:
    op.create_index(
        "ix_executions_repetitions",
        "executions",
        ["origin_id", "id"],
        postgresql_where=sa.text("origin_id IS NOT NULL"),
    )
    op.create_index(
        "ix_executions_ended",
        "executions",
        ["tenant_id", "finished_at"],
        postgresql_include=["status", "workflow_id"],
        postgresql_where=sa.text("finished_at IS NOT NULL"),
    )
    for head, body in DOORS.items():
        op.execute(
            f"CREATE FUNCTION {head} LANGUAGE plpgsql SECURITY DEFINER AS $$\n#variable_conflict use_column\n{body}$$"
        )
    # A function that runs with the rights of its owner must not find what its caller has put in its way.
    op.execute(OWN_SCHEMA_ONLY)
    for head in DOORS:
        op.execute(f"ALTER FUNCTION {_name(head)} SET search_path FROM CURRENT")
        op.execute(f"REVOKE ALL ON FUNCTION {_name(head)} FROM PUBLIC")
    op.execute("SET LOCAL search_path TO DEFAULT")


def downgrade() -> None:
    for head in DOORS:
        op.execute(f"DROP FUNCTION {_name(head)}")
    op.drop_index("ix_executions_ended", "executions")
    op.drop_index("ix_executions_repetitions", "executions")


def _name(head: str) -> str:
    return head.partition("(")[0]
