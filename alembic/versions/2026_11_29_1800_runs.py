"""runs: a door for executions whose id a caller may choose, and which no engine claims for a while

It calls `start_execution`, so that what belongs to every start is written in one place.

Revision ID: 0019
Revises: 0018
"""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

# Stores a new execution with its first event. TAKEN, and nothing is stored, if there is an execution with this id, of
# whichever tenant. REFUSED, and nothing is stored, if the idempotency key was used before, or if the workflow is at
# another revision. Engines may claim it after the seconds that are given last.
START_RUN = """
CREATE FUNCTION start_run(int, uuid, bigint, int, text, text, timestamptz, text, text, float8) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER AS $$
#variable_conflict use_column
BEGIN
    IF start_execution($1, $2, $3, $4, $5, $6, $7, NULL, ARRAY[1], ARRAY['execution_created'], ARRAY[$7],
                       ARRAY['pending'], ARRAY[0::smallint], ARRAY[NULL::bigint], ARRAY[0::smallint], ARRAY[$8], $9)
    THEN
        IF $10 > 0 THEN
            UPDATE executions e SET due_at = clock_timestamp() + make_interval(secs => $10) WHERE e.id = $2;
        END IF;
        RETURN 'STORED';
    END IF;
    -- A statement of its own, so that it sees what another transaction has committed meanwhile.
    RETURN CASE WHEN EXISTS (SELECT FROM executions e WHERE e.id = $2) THEN 'TAKEN' ELSE 'REFUSED' END;
END $$
"""
OWN_SCHEMA_ONLY = (
    "SELECT set_config('search_path', 'pg_catalog, ' || quote_ident(current_schema()) || ', pg_temp', true)"
)


def upgrade() -> None:
    op.execute(START_RUN)
    # A function that runs with the rights of its owner must not find what its caller has put in its way.
    op.execute(OWN_SCHEMA_ONLY)
    op.execute("ALTER FUNCTION start_run SET search_path FROM CURRENT")
    op.execute("REVOKE ALL ON FUNCTION start_run FROM PUBLIC")
    op.execute("SET LOCAL search_path TO DEFAULT")


def downgrade() -> None:
    op.execute("DROP FUNCTION start_run")
