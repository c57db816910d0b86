"""audit: the audit log with its chain, and who has started executions, requested commands, made revisions

The new columns are entries of the catalogue only: no table is rewritten.

Revision ID: 0015
Revises: 0014
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

WHO = (("executions", "started_by"), ("execution_commands", "requested_by"), ("workflow_revisions", "requested_by"))

REFUSAL = """
CREATE FUNCTION refuse_change_of_audit_log() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is only added to: % is refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$
"""
REFUSING = """
CREATE TRIGGER audit_log_is_only_added_to BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_audit_log()
"""
# With the rights of the owner of the table: who makes a tenant acts in another one.
BEGINNING = """
CREATE FUNCTION begin_audit_log() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO audit_heads (tenant_id, number, prev, hash)
    VALUES (NEW.id, 0, decode(repeat('00', 32), 'hex'), decode(repeat('00', 32), 'hex'));
    RETURN NULL;
END
$$
"""
BEGUN = """
CREATE TRIGGER tenant_begins_audit_log AFTER INSERT ON tenants
FOR EACH ROW EXECUTE FUNCTION begin_audit_log()
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table, column in WHO:
        op.add_column(table, sa.Column(column, sa.Text()))
    _create_log()
    _create_heads()


def downgrade() -> None:
    """The log is lost. Copy the table `audit_log` before, if it has to be kept."""
    op.execute("DROP TRIGGER tenant_begins_audit_log ON tenants")
    op.execute("DROP FUNCTION begin_audit_log()")
    op.drop_table("audit_heads")
    op.drop_table("audit_log")
    op.execute("DROP FUNCTION refuse_change_of_audit_log()")
    for table, column in WHO:
        op.drop_column(table, column)


def _create_log() -> None:
    op.create_table(
        "audit_log",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text()),
        sa.Column("ip", sa.Text()),
        sa.Column("before", postgresql.JSON()),
        sa.Column("after", postgresql.JSON()),
        sa.Column("prev", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "number", name="pk_audit_log"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_audit_log_tenant_id"),
        sa.CheckConstraint("number >= 1", name=op.f("ck_audit_log_number_from_one")),
        sa.CheckConstraint("length(prev) = 32 AND length(hash) = 32", name=op.f("ck_audit_log_hashes_are_sha256")),
    )
    op.create_index("ix_audit_log_tenant_id_target_number", "audit_log", ["tenant_id", "target", "number"])
    op.execute(REFUSAL)
    op.execute(REFUSING)


def _create_heads() -> None:
    op.create_table(
        "audit_heads",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("prev", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", name="pk_audit_heads"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_audit_heads_tenant_id"),
        sa.CheckConstraint("number >= 0", name=op.f("ck_audit_heads_number_not_negative")),
    )
    op.execute(
        "INSERT INTO audit_heads (tenant_id, number, prev, hash)"
        " SELECT id, 0, decode(repeat('00', 32), 'hex'), decode(repeat('00', 32), 'hex') FROM tenants"
    )
    op.execute(BEGINNING)
    op.execute(BEGUN)
