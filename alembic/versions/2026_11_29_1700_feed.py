"""feed: which executions have grown, in the order of commits

Every statement that stores events also stores one row of the feed. The row gets its positions after the commit, from
`number_feed`, which readers call. Events that were stored before this migration have no position.

Revision ID: 0018
Revises: 0017
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

ENTRY = "TABLE (last bigint, execution_id uuid, first int, events int, tenant_id int, workflow_id bigint, revision int)"
EVENT = (
    "TABLE (place bigint, sequence int, type event_type, occurred_at timestamptz, status execution_status,"
    " progress_percent smallint, task_id bigint, attempt smallint, data json)"
)

DOORS = {
    # Gives positions to at most $1 rows; returns the last position, or null while another reader does it. The two
    # statements are apart because the snapshot of the second must begin after the lock of the first is held: else it
    # could see rows without positions that have some.
    "number_feed(int) RETURNS bigint": """
    DECLARE head bigint;
    BEGIN
        SELECT h.last INTO head FROM feed_head h FOR UPDATE SKIP LOCKED;
        IF NOT FOUND THEN
            RETURN NULL;
        END IF;
        WITH wanted AS (
            SELECT f.id, head + sum(f.events) OVER (ORDER BY f.id) AS last
            FROM feed f WHERE f.last IS NULL ORDER BY f.id LIMIT $1
        ), numbered AS (
            UPDATE feed f SET last = w.last FROM wanted w WHERE f.id = w.id RETURNING f.last
        ), moved AS (
            UPDATE feed_head h SET last = n.last FROM (SELECT max(last) AS last FROM numbered) n
            WHERE n.last IS NOT NULL RETURNING h.last
        )
        SELECT coalesce((SELECT m.last FROM moved m), head) INTO head;
        RETURN head;
    END
    """,
    # The entries of the first $2 rows that end after position $1, in the order of the positions. `last` is the position
    # of the last event of the entry. The execution's columns are null if it has been removed. It shows ids and numbers
    # of all tenants, and no content: one follower in a process reads for all of them.
    f"feed_entries(bigint, int) RETURNS {ENTRY} STABLE": """
    BEGIN
        RETURN QUERY
        SELECT r.before + sum(v.events) OVER (PARTITION BY r.before ORDER BY v.place)::bigint, v.execution_id, v.first,
               v.events, x.tenant_id, x.workflow_id, x.revision
        FROM (SELECT f.last - f.events AS before, f.body FROM feed f WHERE f.last > $1 ORDER BY f.last LIMIT $2) r
        CROSS JOIN LATERAL (
            SELECT i AS place, encode(substring(r.body FROM 24 * i + 1 FOR 16), 'hex')::uuid AS execution_id,
                   ('x' || encode(substring(r.body FROM 24 * i + 17 FOR 4), 'hex'))::bit(32)::int AS first,
                   ('x' || encode(substring(r.body FROM 24 * i + 21 FOR 4), 'hex'))::bit(32)::int AS events
            FROM generate_series(0, length(r.body) / 24 - 1) AS i
        ) v
        LEFT JOIN LATERAL (
            SELECT e.tenant_id, e.workflow_id, e.revision FROM executions e WHERE e.id = v.execution_id OFFSET 0
        ) x ON true
        ORDER BY 1;
    END
    """,
    # The events of entries, if they are of the tenant. `place` is that of the entry in the arguments, from 1.
    f"feed_events(int, uuid[], int[], int[]) RETURNS {EVENT} STABLE": """
    BEGIN
        RETURN QUERY
        SELECT v.place, h.sequence, h.type, h.occurred_at, h.status, h.progress_percent, h.task_id, h.attempt, h.data
        FROM unnest($2, $3, $4) WITH ORDINALITY AS v (execution_id, first, events, place)
        CROSS JOIN LATERAL (
            SELECT * FROM execution_events e
            WHERE e.execution_id = v.execution_id AND e.sequence >= v.first AND e.sequence < v.first + v.events
            OFFSET 0
        ) h
        WHERE (SELECT x.tenant_id FROM executions x WHERE x.id = v.execution_id) = $1
        ORDER BY v.place, h.sequence;
    END
    """,
}
OWN_SCHEMA_ONLY = (
    "SELECT set_config('search_path', 'pg_catalog, ' || quote_ident(current_schema()) || ', pg_temp', true)"
)

START = (
    "start_execution(int, uuid, bigint, int, text, text, timestamptz, uuid, int[], text[], timestamptz[], text[],"
    " smallint[], bigint[], smallint[], text[], text) RETURNS boolean"
)
START_BODY = """
    BEGIN
        WITH revision AS (
            SELECT w.id AS workflow_id, w.revision, w.tenant_id FROM workflows w
            WHERE w.id = $3 AND w.revision = $4 AND w.tenant_id = $1 AND $8 IS NULL
            UNION ALL
            SELECT r.workflow_id, r.revision, r.tenant_id FROM workflow_revisions r
            WHERE r.workflow_id = $3 AND r.revision = $4 AND r.tenant_id = $1 AND $8 IS NOT NULL
        ), opened AS (
            INSERT INTO executions (id, workflow_id, revision, idempotency_key, input, created_at, origin_id, due_at,
                                    status, tenant_id, started_by)
            SELECT $2, workflow_id, revision, $5, $6::json, $7, $8, least(clock_timestamp(), $7), 'pending', tenant_id,
                   $17
            FROM revision
            ON CONFLICT DO NOTHING
            RETURNING id
        ){fed}
        INSERT INTO execution_events (execution_id, sequence, type, occurred_at, status, progress_percent,
                                      task_id, attempt, data)
        SELECT opened.id, v.sequence, v.type::event_type, v.occurred_at, v.status::execution_status,
               v.progress_percent, v.task_id, v.attempt, v.data::json
        FROM opened, unnest($9, $10, $11, $12, $13, $14, $15, $16)
                         AS v (sequence, type, occurred_at, status, progress_percent, task_id, attempt, data);
        RETURN FOUND;
    END
"""
FED = """, fed AS (
            INSERT INTO feed (events, body)
            SELECT cardinality($9), uuid_send(id) || int4send($9[1]) || int4send(cardinality($9)) FROM opened
        )"""


def upgrade() -> None:
    op.create_table(
        "feed",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("last", sa.BigInteger()),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.clock_timestamp()),
        sa.PrimaryKeyConstraint("id", name="pk_feed"),
        sa.UniqueConstraint("last", name="uq_feed_last"),
        sa.CheckConstraint("events >= 1", name=op.f("ck_feed_events_positive")),
        sa.CheckConstraint("length(body) > 0 AND length(body) % 24 = 0", name=op.f("ck_feed_body_of_entries")),
    )
    # Bodies are binary: to try to compress them would only take time.
    op.execute("ALTER TABLE feed ALTER body SET STORAGE EXTERNAL")
    op.create_index("ix_feed_without_position", "feed", ["id"], postgresql_where=sa.text("last IS NULL"))
    op.create_table(
        "feed_head",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("removed", sa.BigInteger(), nullable=False),
        sa.Column("complete_since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_feed_head"),
        sa.CheckConstraint("id = 1", name=op.f("ck_feed_head_only_one")),
        sa.CheckConstraint("0 <= removed AND removed <= last", name=op.f("ck_feed_head_removed_before_last")),
    )
    op.execute("INSERT INTO feed_head (id, last, removed, complete_since) VALUES (1, 0, 0, clock_timestamp())")
    for head, body in DOORS.items():
        _create("CREATE", head, body)
    _create("CREATE OR REPLACE", START, START_BODY.format(fed=FED))
    _close([*DOORS, START])


def downgrade() -> None:
    """All positions are lost."""
    _create("CREATE OR REPLACE", START, START_BODY.format(fed=""))
    _close([START])
    for head in DOORS:
        op.execute(f"DROP FUNCTION {_name(head)}")
    op.drop_table("feed_head")
    op.drop_table("feed")


def _create(verb: str, head: str, body: str) -> None:
    op.execute(
        f"{verb} FUNCTION {head} LANGUAGE plpgsql SECURITY DEFINER AS $$\n#variable_conflict use_column\n{body}$$"
    )


def _close(heads: list[str]) -> None:
    """A function that runs with the rights of its owner must not find what its caller has put in its way."""
    op.execute(OWN_SCHEMA_ONLY)
    for head in heads:
        op.execute(f"ALTER FUNCTION {_name(head)} SET search_path FROM CURRENT")
        op.execute(f"REVOKE ALL ON FUNCTION {_name(head)} FROM PUBLIC")
    op.execute("SET LOCAL search_path TO DEFAULT")


def _name(head: str) -> str:
    return head.partition("(")[0]
