-- name: store
-- Migration 0021: the API's role may store a step in no other way.
SELECT store_entity_step($1, $2, $3, $4);

-- name: columns
SELECT id, tenant_id, machine_id, revision, entity_table, entity_id, state, sequence, is_final, data, entered_at,
       due_at, due_to, due_transition, automatic, created_at, updated_at, completed_at
FROM entities

-- name: get
WHERE id = $2 AND tenant_id = :tenant;

-- name: find
WHERE machine_id = $2 AND entity_table = $3 AND entity_id = $4 AND tenant_id = :tenant;

-- name: list
WHERE tenant_id = :tenant AND ($2::bigint IS NULL OR machine_id = $2) AND ($3::text IS NULL OR state = $3)
  AND ($4::text IS NULL OR entity_table = $4) AND ($5::text IS NULL OR entity_id = $5)
  AND ($6::boolean IS NULL OR is_final = $6) AND ($7::uuid IS NULL OR id < $7)
ORDER BY id DESC LIMIT $8;

-- name: other_revisions
WHERE tenant_id = :tenant AND machine_id = $2 AND revision <> $3 AND ($4::uuid IS NULL OR id > $4)
ORDER BY id LIMIT $5;

-- name: event_columns
SELECT e.sequence, e.type, e.occurred_at, e.transition, e.from_state, e.to_state, e.actor, e.on_behalf_of, e.notes,
       e.context, e.data, e.execution_id, e.idempotency_key
FROM entity_events e JOIN entities n ON n.id = e.entity_id

-- name: history
WHERE e.entity_id = $2 AND e.sequence > $3 AND n.tenant_id = :tenant ORDER BY e.sequence LIMIT $4;

-- name: page
-- One row without an event if none follows.
SELECT n.id AS entity, n.machine_id, n.sequence AS last, n.is_final, e.sequence, e.type, e.occurred_at, e.transition,
       e.from_state, e.to_state, e.actor, e.on_behalf_of, e.notes, e.context, e.data, e.execution_id
FROM entities n LEFT JOIN entity_events e ON e.entity_id = n.id AND e.sequence > $3
WHERE n.id = $2 AND n.tenant_id = :tenant ORDER BY e.sequence LIMIT $4;

-- name: answered
WHERE e.entity_id = $2 AND e.idempotency_key = $3 AND n.tenant_id = :tenant;

-- name: last_actors
SELECT DISTINCT ON (e.transition) e.transition, coalesce(e.on_behalf_of, e.actor) AS person
FROM entity_events e JOIN entities n ON n.id = e.entity_id
WHERE e.entity_id = $2 AND e.transition = ANY ($3) AND n.tenant_id = :tenant
ORDER BY e.transition, e.sequence DESC;

-- name: due
-- With the login of engines. Claims the timers of at most $1 entities for $2 seconds.
UPDATE entities n SET held_until = clock_timestamp() + $2::float8 * interval '1 second'
FROM (
    SELECT e.id FROM entities e
    WHERE e.due_at <= clock_timestamp() AND (e.held_until IS NULL OR e.held_until <= clock_timestamp())
    ORDER BY e.due_at LIMIT $1 FOR UPDATE SKIP LOCKED
) AS found
WHERE n.id = found.id
RETURNING n.id, n.tenant_id, n.machine_id, n.revision, n.entity_table, n.entity_id, n.state, n.sequence, n.is_final,
          n.data, n.entered_at, n.due_at, n.due_to, n.due_transition, n.automatic, n.created_at, n.updated_at,
          n.completed_at;

-- name: outlook
-- With the login of engines. In how many seconds the next timer is due that is not held, null without any; and whether an
-- execution has ended whose end has had no effect yet.
SELECT (SELECT extract(epoch FROM e.due_at - clock_timestamp())::float8 FROM entities e
        WHERE e.due_at IS NOT NULL AND (e.held_until IS NULL OR e.held_until <= clock_timestamp())
        ORDER BY e.due_at LIMIT 1) AS seconds,
       EXISTS (SELECT FROM entity_runs r WHERE r.ended IS NOT NULL
               AND (r.held_until IS NULL OR r.held_until <= clock_timestamp())) AS has_ended,
       EXISTS (SELECT FROM entity_waits w WHERE w.is_new OR w.met IS NOT NULL) AS has_waits;

-- name: ended
-- With the login of engines. Claims at most $1 executions that have ended for $2 seconds.
UPDATE entity_runs r SET held_until = clock_timestamp() + $2::float8 * interval '1 second'
FROM (
    SELECT w.execution_id, n.tenant_id,
           CASE WHEN w.ended = 'completed' THEN w.on_completed ELSE w.on_failed END AS transition
    FROM entity_runs w JOIN entities n ON n.id = w.entity_id
    WHERE w.ended IS NOT NULL AND (w.held_until IS NULL OR w.held_until <= clock_timestamp())
    LIMIT $1 FOR UPDATE OF w SKIP LOCKED
) AS found
WHERE r.execution_id = found.execution_id
RETURNING r.execution_id, r.entity_id, found.tenant_id, found.transition;

-- name: sweep
-- With the login of engines. Finds the ends that no engine has noted, such as one of another version: at most $1. An
-- execution that was removed counts as failed.
WITH missed AS (
    SELECT w.execution_id, coalesce(x.status::text, 'failed') AS status
    FROM entity_runs w LEFT JOIN executions x ON x.id = w.execution_id
    WHERE w.ended IS NULL AND (x.id IS NULL OR x.finished_at IS NOT NULL)
    LIMIT $1 FOR UPDATE OF w SKIP LOCKED
)
UPDATE entity_runs r SET ended = missed.status FROM missed WHERE r.execution_id = missed.execution_id;

-- name: settle
DELETE FROM entity_runs WHERE execution_id = $1;

-- name: resolve_waits
-- With the login of engines. Looks at $1 new waits: whether their entities are in such a state already. The lock waits for
-- a step that is being stored, which has not seen the wait; a later one will see it.
WITH fresh AS MATERIALIZED (
    SELECT w.execution_id, w.signal FROM entity_waits w WHERE w.is_new LIMIT $1 FOR UPDATE SKIP LOCKED
), wanted AS MATERIALIZED (
    SELECT f.execution_id, f.signal, x.tenant_id, m.id AS machine_id, a.about ->> 1 AS entity_table,
           a.about ->> 2 AS entity_id, ARRAY(SELECT json_array_elements_text(a.about -> 3)) AS states
    FROM fresh f
    CROSS JOIN LATERAL (SELECT substring(f.signal FROM 8)::json AS about) a
    LEFT JOIN executions x ON x.id = f.execution_id
    LEFT JOIN machines m ON m.tenant_id = x.tenant_id AND (m.key = a.about ->> 0 OR m.id::text = a.about ->> 0)
), found AS MATERIALIZED (
    SELECT n.id, n.state, n.sequence, n.machine_id, n.entity_table, n.entity_id FROM entities n
    WHERE n.id IN (SELECT e.id FROM wanted v JOIN entities e ON e.tenant_id = v.tenant_id
                   AND e.machine_id = v.machine_id AND e.entity_table = v.entity_table AND e.entity_id = v.entity_id)
    FOR SHARE
)
UPDATE entity_waits w
SET is_new = false, tenant_id = v.tenant_id, machine_id = v.machine_id, entity_table = v.entity_table,
    entity_id = v.entity_id, states = v.states,
    met = coalesce(w.met, (SELECT json_build_object('entity_id', n.id, 'state', n.state, 'sequence', n.sequence)
                           FROM found n WHERE n.machine_id = v.machine_id AND n.entity_table = v.entity_table
                             AND n.entity_id = v.entity_id AND n.state = ANY (v.states)))
FROM wanted v WHERE w.execution_id = v.execution_id AND w.signal = v.signal
RETURNING w.execution_id;

-- name: tell_waits
-- With the login of engines. Sends what $1 waiting tasks are told, each as a signal, and forgets the wait in the same
-- commit.
WITH met AS (
    DELETE FROM entity_waits w USING (
        SELECT v.execution_id, v.signal FROM entity_waits v WHERE v.met IS NOT NULL LIMIT $1 FOR UPDATE SKIP LOCKED
    ) AS found
    WHERE w.execution_id = found.execution_id AND w.signal = found.signal
    RETURNING w.execution_id, w.signal, w.met
), due AS (
    UPDATE executions e SET due_at = least(e.due_at, clock_timestamp(), e.created_at)
    FROM (SELECT DISTINCT execution_id FROM met) AS v WHERE e.id = v.execution_id AND e.finished_at IS NULL
    RETURNING e.id
)
INSERT INTO execution_commands (execution_id, type, reason, name, payload)
SELECT m.execution_id, 'signal', '', m.signal, m.met FROM met m JOIN due ON due.id = m.execution_id
RETURNING execution_id;

-- name: sweep_waits
-- With the login of engines. Forgets the waits of executions that have ended, and has the others looked at again: a
-- machine or an entity may have been made at the moment when the wait began.
WITH ended AS (
    DELETE FROM entity_waits w
    WHERE NOT EXISTS (SELECT FROM executions x WHERE x.id = w.execution_id AND x.finished_at IS NULL)
    RETURNING w.execution_id
)
UPDATE entity_waits w SET is_new = true
WHERE w.met IS NULL AND NOT w.is_new
  AND (w.machine_id IS NULL
       OR EXISTS (SELECT FROM entities n WHERE n.tenant_id = w.tenant_id AND n.machine_id = w.machine_id
                  AND n.entity_table = w.entity_table AND n.entity_id = w.entity_id AND n.state = ANY (w.states)))
  AND NOT EXISTS (SELECT FROM ended e WHERE e.execution_id = w.execution_id);
