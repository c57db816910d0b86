"""suggestions: improvements of definitions that are computed from histories, when, and from what

Revision ID: 0025
Revises: 0024
"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

STATUSES = "'open', 'approved', 'rejected', 'undone', 'stale'"
EVENT = (
    "TABLE (execution_id uuid, type text, at float8, task_id bigint, attempt int, code text, message text, size int,"
    " place int, places int)"
)

# What suggestions are computed from, of some executions of the tenant: no inputs and no outputs. The policy of events
# looks for the execution of each row; here it is looked for once. An output is measured without being read where its
# stored form tells its length; of an element only the beginning is read, where its place is.
DOOR = f"sample_events(int, uuid[], text[], int) RETURNS {EVENT} STABLE"
DOOR_BODY = """
    BEGIN
        RETURN QUERY
        SELECT v.id, h.type::text, extract(epoch FROM h.occurred_at)::float8, h.task_id, h.attempt::int,
               CASE WHEN f.failed THEN h.data->>'code' END,
               CASE WHEN f.failed THEN left(h.data->>'message', 200) END,
               CASE WHEN h.type <> 'task_completed' OR h.data IS NULL THEN 0
                    WHEN pg_column_size(h.data) < 512 THEN pg_column_size(h.data)
                    ELSE octet_length(h.data::text) END,
               CASE WHEN e.is_element THEN substring(e.beginning FROM '^\\{"index":(\\d{1,9}),')::int END,
               CASE WHEN e.is_element THEN substring(e.beginning FROM '"count":(\\d{1,9}),')::int END
        FROM unnest($2) WITH ORDINALITY AS v (id, number)
        JOIN executions x ON x.id = v.id AND x.tenant_id = $1
        JOIN execution_events h ON h.execution_id = v.id AND h.type = ANY ($3::event_type[])
        CROSS JOIN LATERAL (SELECT h.type IN ('task_retrying', 'task_failed', 'task_cancelled') AS failed) f
        CROSS JOIN LATERAL (
            SELECT h.type = 'task_item_completed' AS is_element,
                   CASE WHEN h.type = 'task_item_completed' THEN left(h.data::text, 60) END AS beginning
        ) e
        ORDER BY v.number, h.sequence
        LIMIT $4;
    END
"""
OWN_SCHEMA_ONLY = (
    "SELECT set_config('search_path', 'pg_catalog, ' || quote_ident(current_schema()) || ', pg_temp', true)"
)


def upgrade() -> None:
    op.create_table(
        "suggestions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("workflow_id", sa.BigInteger(), nullable=False),
        sa.Column("task_id", sa.BigInteger()),
        sa.Column("task", sa.Text()),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("rationale", sa.Text(), nullable=False),
        sa.Column("patch", sa.JSON()),
        sa.Column("inverse", sa.JSON()),
        sa.Column("prediction", sa.JSON(), nullable=False),
        sa.Column("evidence", sa.JSON()),
        sa.Column("seconds_a_day", sa.Double(), nullable=False),
        sa.Column("undoes_id", sa.BigInteger()),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Text()),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True)),
        sa.Column("decided_by", sa.Text()),
        sa.Column("notes", sa.Text()),
        sa.Column("applied_revision", sa.Integer()),
        sa.Column("effect", sa.JSON()),
        sa.Column("held_until", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_suggestions"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "workflow_id"],
            ["workflows.tenant_id", "workflows.id"],
            name="fk_suggestions_tenant_id_workflow_id",
            ondelete="CASCADE",
        ),
        sa.CheckConstraint(f"status IN ({STATUSES})", name=op.f("ck_suggestions_known_status")),
        sa.CheckConstraint("source IN ('history', 'external')", name=op.f("ck_suggestions_known_source")),
        sa.CheckConstraint("length(title) BETWEEN 1 AND 2000", name=op.f("ck_suggestions_title_length")),
        sa.CheckConstraint("(status = 'open') = (decided_at IS NULL)", name=op.f("ck_suggestions_open_is_not_decided")),
        sa.CheckConstraint(
            "source <> 'history' OR evidence IS NOT NULL OR undoes_id IS NOT NULL",
            name=op.f("ck_suggestions_has_evidence"),
        ),
    )
    op.create_index("ix_suggestions_tenant_id_id", "suggestions", ["tenant_id", "id"])
    op.create_index("ix_suggestions_workflow_id_id", "suggestions", ["workflow_id", "id"])
    op.create_index(
        "uq_suggestions_open",
        "suggestions",
        ["workflow_id", sa.text("coalesce(task_id, 0)"), "source", "rule"],
        unique=True,
        postgresql_where=sa.text("status = 'open'"),
    )
    _create_runs()
    _create_door()


def downgrade() -> None:
    """All suggestions, and what was decided about them, are lost; the revisions that they have made stay."""
    op.execute("DROP FUNCTION sample_events")
    for table in ("engine_fullness", "suggestion_runs", "suggestions"):
        op.drop_table(table)


def _create_runs() -> None:
    op.create_table(
        "suggestion_runs",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True)),
        sa.Column("holder", sa.Uuid()),
        sa.Column("held_until", sa.DateTime(timezone=True)),
        sa.Column("computed_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("tenant_id", name="pk_suggestion_runs"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_suggestion_runs_tenant_id"),
    )
    op.create_table(
        "engine_fullness",
        sa.Column("engine", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("full_since", sa.DateTime(timezone=True)),
        sa.Column("was_full_from", sa.DateTime(timezone=True)),
        sa.Column("was_full_until", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("engine", name="pk_engine_fullness"),
    )


def _create_door() -> None:
    """A function that runs with the rights of its owner must not find what its caller has put in its way."""
    op.execute(
        f"CREATE FUNCTION {DOOR} LANGUAGE plpgsql SECURITY DEFINER AS $$\n#variable_conflict use_column\n{DOOR_BODY}$$"
    )
    op.execute(OWN_SCHEMA_ONLY)
    op.execute("ALTER FUNCTION sample_events SET search_path FROM CURRENT")
    op.execute("REVOKE ALL ON FUNCTION sample_events FROM PUBLIC")
    op.execute("SET LOCAL search_path TO DEFAULT")
