"""ui_sessions: sessions of people at the dashboard

The door finds a session by the hash of its text, before the tenant is known. A caller must know the hash to see it.

Revision ID: 0026
Revises: 0025
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

FOUND = (
    "key_digest bytea, seconds_left float8, expires_at timestamptz, tenant_id int, tenant text, is_suspended boolean,"
    " principal text, role text, groups text[]"
)
BODY = """
    SELECT k.digest, extract(epoch FROM s.expires_at - clock_timestamp())::float8, s.expires_at, s.tenant_id, t.key,
           t.suspended_at IS NOT NULL, s.principal, s.role, s.groups
    FROM ui_sessions s JOIN tenants t ON t.id = s.tenant_id LEFT JOIN api_keys k ON k.id = s.key_id
    WHERE s.digest = $1 AND s.expires_at > clock_timestamp();
"""
OWN_SCHEMA_ONLY = (
    "SELECT set_config('search_path', 'pg_catalog, ' || quote_ident(current_schema()) || ', pg_temp', true)"
)


def upgrade() -> None:
    op.create_table(
        "ui_sessions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.BigInteger(), nullable=True),
        sa.Column("principal", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=True),
        sa.Column("groups", postgresql.ARRAY(sa.Text()), nullable=False, server_default="{}"),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("clock_timestamp()")
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ui_sessions"),
        sa.UniqueConstraint("digest", name="uq_ui_sessions_digest"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_ui_sessions_tenant_id_tenants"),
        sa.ForeignKeyConstraint(["key_id"], ["api_keys.id"], name="fk_ui_sessions_key_id_api_keys", ondelete="CASCADE"),
        sa.CheckConstraint("length(digest) = 32", name="ck_ui_sessions_digest_is_sha256"),
    )
    op.create_index("ix_ui_sessions_tenant_id_expires_at", "ui_sessions", ["tenant_id", "expires_at"])
    op.execute(
        f"CREATE FUNCTION find_ui_session(bytea) RETURNS TABLE ({FOUND}) STABLE"
        f" LANGUAGE plpgsql SECURITY DEFINER AS $$\n#variable_conflict use_column\nBEGIN\nRETURN QUERY{BODY}END $$"
    )
    op.execute(OWN_SCHEMA_ONLY)
    op.execute("ALTER FUNCTION find_ui_session SET search_path FROM CURRENT")
    op.execute("REVOKE ALL ON FUNCTION find_ui_session FROM PUBLIC")
    op.execute("SET LOCAL search_path TO DEFAULT")


def downgrade() -> None:
    """Everybody has to sign in again."""
    op.execute("DROP FUNCTION find_ui_session")
    op.drop_table("ui_sessions")
