"""machines: state machines of entities, and their numbered histories

The feed has their events, too: an entry of the feed names an execution or an entity.

Revision ID: 0021
Revises: 0020
"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

KEY_RULE = "key ~ '^[a-zA-Z0-9]([a-zA-Z0-9._-]{0,98}[a-zA-Z0-9])?$' AND key !~ '^[0-9]+$'"
TYPES = "'entity_started', 'transitioned', 'data_changed', 'timer_set', 'timer_blocked', 'migrated', 'workflow_started'"

OLD_ENTRY = (
    "TABLE (last bigint, execution_id uuid, first int, events int, tenant_id int, workflow_id bigint, revision int)"
)
ENTRY = (
    "TABLE (last bigint, stream_id uuid, first int, events int, tenant_id int, workflow_id bigint, revision int,"
    " machine_id bigint)"
)
OLD_ENTRIES = f"feed_entries(bigint, int) RETURNS {OLD_ENTRY} STABLE"
OLD_ENTRIES_BODY = """
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
"""
EVENT = (
    "TABLE (place bigint, sequence int, type text, occurred_at timestamptz, transition text, from_state text,"
    " to_state text, actor text, on_behalf_of text, notes text, context json, data json, execution_id uuid)"
)

ENTITY = (
    "(id uuid, machine_id bigint, revision int, entity_table text, entity_id text, state text, sequence int,"
    " is_final boolean, data json, entered_at timestamptz, due_at timestamptz, due_to text, due_transition text,"
    " automatic int, created_at timestamptz, updated_at timestamptz, completed_at timestamptz)"
)
EVENTS = (
    "(sequence int, type text, occurred_at timestamptz, transition text, from_state text, to_state text, actor text,"
    " on_behalf_of text, notes text, context json, data json, execution_id uuid, idempotency_key text)"
)
EFFECTS = (
    "(id uuid, workflow_id bigint, revision int, idempotency_key text, input json, created_at timestamptz,"
    " created_data json, started_by text, on_completed text, on_failed text)"
)

DOORS = {
    # As in migration 0018. An entry is about an execution or an entity; `workflow_id` or `machine_id` says which. All
    # columns behind `events` are null if it has been removed. Here `generate_series` is not in FROM: most rows have one
    # entry, and a scan of a function for each row would cost more than the second look-up.
    f"feed_entries(bigint, int) RETURNS {ENTRY} STABLE": """
    BEGIN
        RETURN QUERY
        SELECT v.before + sum(v.events) OVER (PARTITION BY v.before ORDER BY v.place)::bigint, v.stream_id, v.first,
               v.events, coalesce(x.tenant_id, n.tenant_id), x.workflow_id, coalesce(x.revision, n.revision),
               n.machine_id
        FROM (
            SELECT p.before, p.i AS place, encode(substring(p.body FROM 24 * p.i + 1 FOR 16), 'hex')::uuid AS stream_id,
                   ('x' || encode(substring(p.body FROM 24 * p.i + 17 FOR 4), 'hex'))::bit(32)::int AS first,
                   ('x' || encode(substring(p.body FROM 24 * p.i + 21 FOR 4), 'hex'))::bit(32)::int AS events
            FROM (
                SELECT r.before, r.body, generate_series(0, length(r.body) / 24 - 1) AS i
                FROM (
                    SELECT f.last - f.events AS before, f.body FROM feed f WHERE f.last > $1 ORDER BY f.last LIMIT $2
                ) r
            ) p
        ) v
        LEFT JOIN LATERAL (
            SELECT e.tenant_id, e.workflow_id, e.revision FROM executions e WHERE e.id = v.stream_id OFFSET 0
        ) x ON true
        LEFT JOIN LATERAL (
            SELECT e.tenant_id, e.machine_id, e.revision FROM entities e
            WHERE x.tenant_id IS NULL AND e.id = v.stream_id OFFSET 0
        ) n ON true
        ORDER BY 1;
    END
    """,
    # The events of entries about entities, if they are of the tenant. `place` as in `feed_events`.
    f"feed_entity_events(int, uuid[], int[], int[]) RETURNS {EVENT} STABLE": """
    BEGIN
        RETURN QUERY
        SELECT v.place, h.sequence, h.type, h.occurred_at, h.transition, h.from_state, h.to_state, h.actor,
               h.on_behalf_of, h.notes, h.context, h.data, h.execution_id
        FROM unnest($2, $3, $4) WITH ORDINALITY AS v (entity_id, first, events, place)
        CROSS JOIN LATERAL (
            SELECT * FROM entity_events e
            WHERE e.entity_id = v.entity_id AND e.sequence >= v.first AND e.sequence < v.first + v.events
            OFFSET 0
        ) h
        WHERE (SELECT x.tenant_id FROM entities x WHERE x.id = v.entity_id) = $1
        ORDER BY v.place, h.sequence;
    END
    """,
}

# Stores one step of an entity of the tenant: the row, its new events, the executions that it starts, the feed.
# Returns `stored`, or what has come in between, and then nothing is stored: `exists`, `moved`. An execution that
# cannot be started raises an error, which takes everything back.
STORE = "store_entity_step(int, json, json, json) RETURNS text"
STORE_BODY = """
    DECLARE entity record; first int; count int; opened int;
    BEGIN
        SELECT * INTO entity FROM json_to_record($2) AS e{entity};
        SELECT min(v.sequence), count(*) INTO first, count FROM json_to_recordset($3) AS v(sequence int);
        IF first = 1 THEN
            INSERT INTO entities (id, tenant_id, machine_id, revision, entity_table, entity_id, state, sequence,
                                  is_final, data, entered_at, due_at, due_to, due_transition, automatic, created_at,
                                  updated_at, completed_at)
            VALUES (entity.id, $1, entity.machine_id, entity.revision, entity.entity_table, entity.entity_id,
                    entity.state, entity.sequence, entity.is_final, entity.data, entity.entered_at, entity.due_at,
                    entity.due_to, entity.due_transition, entity.automatic, entity.created_at, entity.updated_at,
                    entity.completed_at)
            ON CONFLICT DO NOTHING;
            IF NOT FOUND THEN
                RETURN 'exists';
            END IF;
        ELSE
            UPDATE entities n
            SET revision = entity.revision, state = entity.state, sequence = entity.sequence,
                is_final = entity.is_final, data = entity.data, entered_at = entity.entered_at,
                due_at = entity.due_at, due_to = entity.due_to, due_transition = entity.due_transition,
                held_until = NULL, automatic = entity.automatic, updated_at = entity.updated_at,
                completed_at = entity.completed_at
            WHERE n.id = entity.id AND n.tenant_id = $1 AND n.sequence = first - 1;
            IF NOT FOUND THEN
                RETURN 'moved';
            END IF;
        END IF;
        INSERT INTO entity_events (entity_id, sequence, type, occurred_at, transition, from_state, to_state, actor,
                                   on_behalf_of, notes, context, data, execution_id, idempotency_key)
        SELECT entity.id, v.sequence, v.type, v.occurred_at, v.transition, v.from_state, v.to_state, v.actor,
               v.on_behalf_of, v.notes, v.context, v.data, v.execution_id, v.idempotency_key
        FROM json_to_recordset($3) AS v{events};
        IF $4 IS NULL THEN
            INSERT INTO feed (events, body) VALUES (count, uuid_send(entity.id) || int4send(first) || int4send(count));
            RETURN 'stored';
        END IF;
        WITH wanted AS (
            SELECT * FROM json_to_recordset($4) AS v{effects}
        ), opened AS (
            INSERT INTO executions (id, workflow_id, revision, idempotency_key, input, created_at, due_at, status,
                                    tenant_id, started_by)
            SELECT v.id, w.id, w.revision, v.idempotency_key, v.input, v.created_at,
                   least(clock_timestamp(), v.created_at), 'pending', w.tenant_id, v.started_by
            FROM wanted v JOIN workflows w ON w.id = v.workflow_id AND w.revision = v.revision AND w.tenant_id = $1
            RETURNING id
        ), noted AS (
            INSERT INTO execution_events (execution_id, sequence, type, occurred_at, status, progress_percent, attempt,
                                          data)
            SELECT v.id, 1, 'execution_created', v.created_at, 'pending', 0, 0, v.created_data
            FROM wanted v JOIN opened o ON o.id = v.id
        ), expected AS (
            INSERT INTO entity_runs (execution_id, entity_id, on_completed, on_failed)
            SELECT v.id, entity.id, v.on_completed, v.on_failed FROM wanted v JOIN opened o ON o.id = v.id
            WHERE v.on_completed IS NOT NULL OR v.on_failed IS NOT NULL
        ), fed AS (
            INSERT INTO feed (events, body)
            SELECT count + count(*), uuid_send(entity.id) || int4send(first) || int4send(count)
                   || string_agg(uuid_send(o.id) || int4send(1) || int4send(1), ''::bytea)
            FROM opened o
            HAVING count(*) > 0
        )
        SELECT count(*) INTO opened FROM opened;
        IF opened < json_array_length($4) THEN
            RAISE EXCEPTION 'a workflow has changed' USING ERRCODE = 'WF001';
        END IF;
        RETURN 'stored';
    END
"""
OWN_SCHEMA_ONLY = (
    "SELECT set_config('search_path', 'pg_catalog, ' || quote_ident(current_schema()) || ', pg_temp', true)"
)


def upgrade() -> None:
    _create_machines()
    _create_entities()
    op.execute("DROP FUNCTION feed_entries")
    for head, body in DOORS.items():
        _create(head, body)
    _create(STORE, STORE_BODY.format(entity=ENTITY, events=EVENTS, effects=EFFECTS))
    _close([*DOORS, STORE])


def downgrade() -> None:
    """All machines, entities and their histories are lost."""
    for head in (*DOORS, STORE):
        op.execute(f"DROP FUNCTION {_name(head)}")
    _create(OLD_ENTRIES, OLD_ENTRIES_BODY)
    _close([OLD_ENTRIES])
    for table in ("entity_runs", "entity_events", "entities", "machine_revisions", "machines"):
        op.drop_table(table)


def _create_machines() -> None:
    op.create_table(
        "machines",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text()),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_machines"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_machines_tenant_id"),
        sa.UniqueConstraint("tenant_id", "key", name="uq_machines_tenant_id_key"),
        sa.UniqueConstraint("tenant_id", "id", name="uq_machines_tenant_id_id"),
        sa.CheckConstraint("revision >= 1", name=op.f("ck_machines_revision_from_one")),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 200", name=op.f("ck_machines_name_length")),
        sa.CheckConstraint(KEY_RULE, name=op.f("ck_machines_key_is_a_slug")),
    )
    op.create_table(
        "machine_revisions",
        sa.Column("machine_id", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("snapshot", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("requested_by", sa.Text()),
        sa.PrimaryKeyConstraint("machine_id", "revision", name="pk_machine_revisions"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "machine_id"],
            ["machines.tenant_id", "machines.id"],
            name="fk_machine_revisions_tenant_id_machine_id",
            ondelete="CASCADE",
        ),
        sa.CheckConstraint("revision >= 1", name=op.f("ck_machine_revisions_revision_from_one")),
    )


def _create_entities() -> None:
    op.create_table(
        "entities",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("machine_id", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("entity_table", sa.Text(), nullable=False),
        sa.Column("entity_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("is_final", sa.Boolean(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True)),
        sa.Column("due_to", sa.Text()),
        sa.Column("due_transition", sa.Text()),
        sa.Column("held_until", sa.DateTime(timezone=True)),
        sa.Column("automatic", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_entities"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "machine_id"],
            ["machines.tenant_id", "machines.id"],
            name="fk_entities_tenant_id_machine_id",
        ),
        sa.UniqueConstraint(
            "tenant_id",
            "machine_id",
            "entity_table",
            "entity_id",
            name="uq_entities_tenant_id_machine_id_entity_table_entity_id",
        ),
        sa.CheckConstraint("sequence >= 1", name=op.f("ck_entities_sequence_from_one")),
        sa.CheckConstraint("is_final = (completed_at IS NOT NULL)", name=op.f("ck_entities_final_has_ended")),
        sa.CheckConstraint("due_at IS NULL OR NOT is_final", name=op.f("ck_entities_final_has_no_timer")),
    )
    op.create_index("ix_entities_tenant_id_machine_id_state_id", "entities", ["tenant_id", "machine_id", "state", "id"])
    op.create_index("ix_entities_tenant_id_id", "entities", ["tenant_id", "id"])
    op.create_index("ix_entities_due_at", "entities", ["due_at"], postgresql_where=sa.text("due_at IS NOT NULL"))
    op.create_table(
        "entity_events",
        sa.Column("entity_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("transition", sa.Text()),
        sa.Column("from_state", sa.Text()),
        sa.Column("to_state", sa.Text()),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("on_behalf_of", sa.Text()),
        sa.Column("notes", sa.Text()),
        sa.Column("context", sa.JSON()),
        sa.Column("data", sa.JSON()),
        sa.Column("execution_id", sa.Uuid()),
        sa.Column("idempotency_key", sa.Text()),
        sa.PrimaryKeyConstraint("entity_id", "sequence", name="pk_entity_events"),
        sa.CheckConstraint("sequence >= 1", name=op.f("ck_entity_events_sequence_from_one")),
        sa.CheckConstraint(f"type IN ({TYPES})", name=op.f("ck_entity_events_known_type")),
    )
    op.create_index(
        "uq_entity_events_idempotency_key",
        "entity_events",
        ["entity_id", "idempotency_key"],
        unique=True,
        postgresql_where=sa.text("idempotency_key IS NOT NULL"),
    )
    op.create_table(
        "entity_runs",
        sa.Column("execution_id", sa.Uuid(), nullable=False),
        sa.Column("entity_id", sa.Uuid(), nullable=False),
        sa.Column("on_completed", sa.Text()),
        sa.Column("on_failed", sa.Text()),
        sa.Column("held_until", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("execution_id", name="pk_entity_runs"),
    )


def _create(head: str, body: str) -> None:
    op.execute(
        f"CREATE FUNCTION {head} LANGUAGE plpgsql SECURITY DEFINER AS $$\n#variable_conflict use_column\n{body}$$"
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
