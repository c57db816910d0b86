"""doors: functions for what the API's role may not do by itself

They run with the rights of their owner, and each checks the tenant that it is given. The walls around them, which are
roles, rights and policies, are raised by `workflow database init`, and again after each migration: they are in
app/adapters/database/walls, not in migrations.

Revision ID: 0016
Revises: 0015
"""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

EVENT = (
    "TABLE (sequence int, type event_type, occurred_at timestamptz, status execution_status,"
    " progress_percent smallint, task_id bigint, attempt smallint, data json)"
)
KEY = (
    "TABLE (id bigint, tenant_id int, prefix text, name text, role text, scopes text[], workflows text,"
    " created_at timestamptz, created_by text, expires_at timestamptz, last_used_at timestamptz,"
    " revoked_at timestamptz, replaces_id bigint, rate_limit int, tenant text, is_suspended boolean,"
    " seconds_left float8, needs_touch boolean)"
)

DOORS = {
    # Stores a new execution with its first events. False, and nothing is stored, if the idempotency key was used
    # before, or if the tenant has no such revision. One that repeats another execution may run any stored revision.
    "start_execution(int, uuid, bigint, int, text, text, timestamptz, uuid, int[], text[], timestamptz[], text[],"
    " smallint[], bigint[], smallint[], text[], text) RETURNS boolean": """
    WITH revision AS (
        SELECT w.id AS workflow_id, w.revision, w.tenant_id FROM workflows w
        WHERE w.id = $3 AND w.revision = $4 AND w.tenant_id = $1 AND $8 IS NULL
        UNION ALL
        SELECT r.workflow_id, r.revision, r.tenant_id FROM workflow_revisions r
        WHERE r.workflow_id = $3 AND r.revision = $4 AND r.tenant_id = $1 AND $8 IS NOT NULL
    ), opened AS (
        INSERT INTO executions (id, workflow_id, revision, idempotency_key, input, created_at, origin_id, due_at,
                                status, tenant_id, started_by)
        SELECT $2, workflow_id, revision, $5, $6::json, $7, $8, least(clock_timestamp(), $7), 'pending', tenant_id, $17
        FROM revision
        ON CONFLICT DO NOTHING
        RETURNING id
    )
    INSERT INTO execution_events (execution_id, sequence, type, occurred_at, status, progress_percent,
                                  task_id, attempt, data)
    SELECT opened.id, v.sequence, v.type::event_type, v.occurred_at, v.status::execution_status, v.progress_percent,
           v.task_id, v.attempt, v.data::json
    FROM opened, unnest($9, $10, $11, $12, $13, $14, $15, $16)
                     AS v (sequence, type, occurred_at, status, progress_percent, task_id, attempt, data);
    RETURN FOUND;
    """,
    # Stores a command, and makes the execution due, with or without an owner. An engine that parks it at the same
    # moment waits for the lock on its row, then sees the new due time and keeps it. So the command cannot be missed.
    # False, and nothing is stored, if the tenant has no such execution that has not ended.
    "send_command(int, uuid, text, text, text, text, text) RETURNS boolean": """
    WITH wanted AS (
        UPDATE executions e SET due_at = least(e.due_at, clock_timestamp(), e.created_at)
        WHERE e.id = $2 AND e.tenant_id = $1 AND e.finished_at IS NULL
        RETURNING e.id
    )
    INSERT INTO execution_commands (execution_id, type, reason, name, payload, requested_by)
    SELECT id, $3, $4, $5, $6::json, $7 FROM wanted;
    RETURN FOUND;
    """,
    # Stores a cancel for everything below an execution that has not ended; returns all that has not ended.
    "cancel_descendants(int, uuid, text, text) RETURNS SETOF uuid": """
    RETURN QUERY
    WITH RECURSIVE below AS (
        SELECT e.id, e.finished_at FROM executions e WHERE e.parent_id = $2 AND e.tenant_id = $1
        UNION ALL
        SELECT c.id, c.finished_at FROM below b JOIN executions c ON c.parent_id = b.id
    ), asked AS (
        INSERT INTO execution_commands (execution_id, type, reason, name, payload, requested_by)
        SELECT b.id, 'cancel', $3, '', 'null', $4 FROM below b
        WHERE b.finished_at IS NULL
          AND NOT EXISTS (SELECT FROM execution_commands c WHERE c.execution_id = b.id AND c.type = 'cancel')
    )
    SELECT b.id FROM below b WHERE b.finished_at IS NULL;
    """,
    # Of these executions, makes those due that have no owner and for which others of their family have left a command.
    # Call it after the statement that has stored the command is committed.
    "make_due(int, uuid[]) RETURNS void": """
    WITH wanted AS MATERIALIZED (
        SELECT e.id FROM unnest($2) AS v (id) JOIN executions e ON e.id = v.id
        WHERE e.tenant_id = $1 AND e.owner_id IS NULL AND e.finished_at IS NULL
          AND EXISTS (SELECT FROM execution_commands c
                      WHERE c.execution_id = e.id AND c.type IN ('child_ended', 'cancel'))
        ORDER BY e.id
        FOR UPDATE OF e
    )
    UPDATE executions e SET due_at = least(e.due_at, clock_timestamp(), e.created_at)
    FROM wanted WHERE e.id = wanted.id;
    """,
    # The policy of events looks for the execution of each row. Here it is looked for once.
    f"history_of(int, uuid, bigint, bigint) RETURNS {EVENT} STABLE": """
    IF EXISTS (SELECT FROM executions e WHERE e.id = $2 AND e.tenant_id = $1) THEN
        RETURN QUERY
        SELECT h.sequence, h.type, h.occurred_at, h.status, h.progress_percent, h.task_id, h.attempt, h.data
        FROM execution_events h
        WHERE h.execution_id = $2 AND h.sequence > $3 ORDER BY h.sequence LIMIT $4;
    END IF;
    """,
    f"last_event_of(int, uuid) RETURNS {EVENT} STABLE": """
    IF EXISTS (SELECT FROM executions e WHERE e.id = $2 AND e.tenant_id = $1) THEN
        RETURN QUERY
        SELECT h.sequence, h.type, h.occurred_at, h.status, h.progress_percent, h.task_id, h.attempt, h.data
        FROM execution_events h
        WHERE h.execution_id = $2 ORDER BY h.sequence DESC LIMIT 1;
    END IF;
    """,
    # The next three are for callers whose tenant is not known yet, or who belong to several tenants. A caller must know
    # the hash of a key to see it; of others it learns no more than that they have ended.
    f"find_api_key(bytea, float8) RETURNS {KEY} STABLE": """
    RETURN QUERY
    SELECT k.id, k.tenant_id, k.prefix, k.name, k.role, k.scopes, k.workflows, k.created_at, k.created_by, k.expires_at,
           k.last_used_at, k.revoked_at, k.replaces_id, k.rate_limit, t.key, t.suspended_at IS NOT NULL,
           extract(epoch FROM k.expires_at - clock_timestamp())::float8,
           k.last_used_at IS NULL OR k.last_used_at < clock_timestamp() - $2 * interval '1 second'
    FROM api_keys k JOIN tenants t ON t.id = k.tenant_id
    WHERE k.digest = $1;
    """,
    "ended_api_keys(bigint[], float8) RETURNS TABLE (id bigint) STABLE": """
    RETURN QUERY
    SELECT wanted.id
    FROM unnest($1) AS wanted(id) LEFT JOIN api_keys k ON k.id = wanted.id
    WHERE k.id IS NULL OR k.revoked_at IS NOT NULL OR k.expires_at < clock_timestamp() - $2 * interval '1 second';
    """,
    # In the order of the ids, so that two processes that note the same keys do not wait for each other.
    "touch_api_keys(bigint[]) RETURNS void": """
    UPDATE api_keys k SET last_used_at = clock_timestamp()
    FROM (SELECT a.id FROM api_keys a WHERE a.id = ANY ($1) ORDER BY a.id FOR UPDATE) AS used
    WHERE k.id = used.id;
    """,
}

TRIGGERS = ("begin_audit_log", "refuse_change_of_audit_log")
OWN_SCHEMA_ONLY = (
    "SELECT set_config('search_path', 'pg_catalog, ' || quote_ident(current_schema()) || ', pg_temp', true)"
)
LOWER_WALLS = """
DO $$
DECLARE found record;
BEGIN
    FOR found IN SELECT tablename, policyname FROM pg_policies WHERE schemaname = current_schema()
                 AND policyname IN ('rows_of_workflow_owner', 'rows_of_workflow_engine', 'rows_of_workflow_api') LOOP
        EXECUTE format('DROP POLICY %I ON %I', found.policyname, found.tablename);
        EXECUTE format('ALTER TABLE %I NO FORCE ROW LEVEL SECURITY', found.tablename);
        EXECUTE format('ALTER TABLE %I DISABLE ROW LEVEL SECURITY', found.tablename);
    END LOOP;
END $$
"""


def upgrade() -> None:
    for head, body in DOORS.items():
        op.execute(
            f"CREATE FUNCTION {head} LANGUAGE plpgsql SECURITY DEFINER AS $$\n"
            f"#variable_conflict use_column\nBEGIN{body}END $$"
        )
    # A function that runs with the rights of its owner must not find what its caller has put in its way.
    op.execute(OWN_SCHEMA_ONLY)
    for head in DOORS:
        op.execute(f"ALTER FUNCTION {_name(head)} SET search_path FROM CURRENT")
        op.execute(f"REVOKE ALL ON FUNCTION {_name(head)} FROM PUBLIC")
    # So do the functions of the triggers that the migration before has made.
    for name in TRIGGERS:
        op.execute(f"ALTER FUNCTION {name} SET search_path FROM CURRENT")
    op.execute("SET LOCAL search_path TO DEFAULT")


def downgrade() -> None:
    """The walls go, too: their policies need the columns that the migration before has added."""
    op.execute(LOWER_WALLS)
    op.execute("COMMENT ON TABLE alembic_version IS NULL")
    for head in DOORS:
        op.execute(f"DROP FUNCTION {_name(head)}")


def _name(head: str) -> str:
    return head.partition("(")[0]
