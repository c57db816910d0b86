"""groups_of_keys: the groups that a key gives its caller, which the conditions of machines may ask for

The table is locked for a moment, and not rewritten. The door by which keys are found returns them, too.

Revision ID: 0022
Revises: 0021
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

COLUMNS = (
    "id bigint, tenant_id int, prefix text, name text, role text, scopes text[], workflows text,"
    " created_at timestamptz, created_by text, expires_at timestamptz, last_used_at timestamptz,"
    " revoked_at timestamptz, replaces_id bigint, rate_limit int, tenant text, is_suspended boolean,"
    " seconds_left float8, needs_touch boolean"
)
FOUND = """
    SELECT k.id, k.tenant_id, k.prefix, k.name, k.role, k.scopes, k.workflows, k.created_at, k.created_by, k.expires_at,
           k.last_used_at, k.revoked_at, k.replaces_id, k.rate_limit, t.key, t.suspended_at IS NOT NULL,
           extract(epoch FROM k.expires_at - clock_timestamp())::float8,
           k.last_used_at IS NULL OR k.last_used_at < clock_timestamp() - $2 * interval '1 second'{more}
    FROM api_keys k JOIN tenants t ON t.id = k.tenant_id
    WHERE k.digest = $1;
"""
OWN_SCHEMA_ONLY = (
    "SELECT set_config('search_path', 'pg_catalog, ' || quote_ident(current_schema()) || ', pg_temp', true)"
)


def upgrade() -> None:
    groups = sa.Column("groups", postgresql.ARRAY(sa.Text()), nullable=False, server_default="{}")
    op.add_column("api_keys", groups)
    _replace_door(f"{COLUMNS}, groups text[]", FOUND.format(more=", k.groups"))


def downgrade() -> None:
    """The groups of all keys are lost."""
    _replace_door(COLUMNS, FOUND.format(more=""))
    op.drop_column("api_keys", "groups")


def _replace_door(columns: str, body: str) -> None:
    """As in migration 0016: a door finds nothing that its caller has put in its way, and only the API may call it."""
    op.execute("DROP FUNCTION find_api_key")
    op.execute(
        f"CREATE FUNCTION find_api_key(bytea, float8) RETURNS TABLE ({columns}) STABLE"
        f" LANGUAGE plpgsql SECURITY DEFINER AS $$\n#variable_conflict use_column\nBEGIN\nRETURN QUERY{body}END $$"
    )
    op.execute(OWN_SCHEMA_ONLY)
    op.execute("ALTER FUNCTION find_api_key SET search_path FROM CURRENT")
    op.execute("REVOKE ALL ON FUNCTION find_api_key FROM PUBLIC")
    op.execute("SET LOCAL search_path TO DEFAULT")
