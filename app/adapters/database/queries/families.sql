-- name: family
-- Follows `apart`: what its steps change for other executions of their families. Rows of other executions are only read, so
-- that two engines never wait for each other's locks; `make_due` comes afterwards.
-- A child that is born in this statement is not visible to it, hence the outer join. A command for an execution that ends
-- at this moment is removed by `sweep_commands`. The end of an execution asks all its children to stop, also those that its
-- history does not name; there are none, unless a version before migration 0009 has left one.
-- The tenant of a child is that of its revision, whose row remains when the workflow is deleted.
births AS MATERIALIZED (
    SELECT v.*, r.tenant_id FROM unnest($36::uuid[], $37::uuid[], $38::bigint[], $39::int[], $40::uuid[], $41::smallint[],
                           $42::bigint[], $43::int[], $44::text[], $45::timestamptz[], $46::text[])
                        AS v (id, parent_id, task_id, element, root_id, depth, workflow_id, revision, input, created_at, data)
    JOIN owned ON owned.id = v.parent_id
    JOIN workflow_revisions r ON r.workflow_id = v.workflow_id AND r.revision = v.revision
), born AS (
    INSERT INTO executions (id, parent_id, parent_task_id, parent_element, root_id, depth, workflow_id, revision, input,
                            created_at, due_at, status, tenant_id)
    SELECT id, parent_id, task_id, element, root_id, depth, workflow_id, revision, input::json,
           created_at, least(clock_timestamp(), created_at), 'pending', tenant_id
    FROM births
), first_events AS (
    INSERT INTO execution_events (execution_id, sequence, type, occurred_at, status, progress_percent, attempt, data)
    SELECT id, 1, 'execution_created', created_at, 'pending', 0, 0, data::json FROM births
    RETURNING execution_id
), fed_births AS (
    INSERT INTO feed (events, body)
    SELECT count(*), string_agg(uuid_send(s.execution_id) || int4send(1) || int4send(1), '')
    FROM (SELECT execution_id, (row_number() OVER () - 1) / $35::int AS part FROM first_events) s
    GROUP BY s.part
), told AS (
    INSERT INTO execution_commands (execution_id, type, reason, name, payload)
    SELECT p.id, 'child_ended', '', v.id::text, 'null'
    FROM unnest($47::uuid[], $48::uuid[]) AS v (id, parent_id)
    JOIN owned ON owned.id = v.id
    JOIN executions p ON p.id = v.parent_id AND p.finished_at IS NULL
    RETURNING execution_id
), below AS (
    SELECT v.id, v.reason
    FROM unnest($49::uuid[], $50::uuid[], $51::text[]) AS v (id, parent_id, reason)
    JOIN owned ON owned.id = v.parent_id
    UNION ALL
    SELECT c.id, 'its parent has ended'
    FROM unnest($52::uuid[]) AS v (id)
    JOIN owned ON owned.id = v.id
    JOIN executions c ON c.parent_id = v.id AND c.finished_at IS NULL
    WHERE c.id <> ALL ($49::uuid[])
    UNION ALL
    SELECT c.id, 'its parent was asked to stop' FROM below b
    JOIN executions c ON c.parent_id = b.id AND c.finished_at IS NULL
), asked AS (
    INSERT INTO execution_commands (execution_id, type, reason, name, payload)
    SELECT DISTINCT ON (b.id) b.id, 'cancel', b.reason, '', 'null'
    FROM below b LEFT JOIN executions e ON e.id = b.id
    WHERE e.finished_at IS NULL
      AND NOT EXISTS (SELECT FROM execution_commands c WHERE c.execution_id = b.id AND c.type = 'cancel')
    ORDER BY b.id
    RETURNING execution_id
), runs AS (
    -- No other engine writes these rows before they say that the execution has ended.
    UPDATE entity_runs r SET ended = v.status FROM unnest($53::uuid[], $54::text[]) AS v (id, status)
    JOIN owned ON owned.id = v.id
    WHERE r.execution_id = v.id
    RETURNING r.execution_id
), waits AS (
    -- What is awaited is looked up at once, so that steps of the entity that begin after this commit note it, and that it is
    -- known where the entity is now. For a step that is being stored at this moment, an engine looks again:
    -- `resolve_waits`. An execution that is opened by this statement is not visible to it.
    INSERT INTO entity_waits (execution_id, signal, is_new, tenant_id, machine_id, entity_table, entity_id, states, met)
    SELECT v.id, v.signal, true, t.tenant_id, m.id, a.entity_table, a.entity_id, a.states,
           (SELECT json_build_object('entity_id', n.id, 'state', n.state, 'sequence', n.sequence) FROM entities n
            WHERE n.tenant_id = t.tenant_id AND n.machine_id = m.id AND n.entity_table = a.entity_table
              AND n.entity_id = a.entity_id AND n.state = ANY (a.states))
    FROM unnest($55::uuid[], $56::text[]) AS v (id, signal)
    JOIN owned ON owned.id = v.id
    CROSS JOIN LATERAL (
        SELECT s.about ->> 0 AS machine, s.about ->> 1 AS entity_table, s.about ->> 2 AS entity_id,
               ARRAY(SELECT json_array_elements_text(s.about -> 3)) AS states
        FROM (SELECT substring(v.signal FROM 8)::json AS about) s
    ) a
    CROSS JOIN LATERAL (
        SELECT coalesce((SELECT e.tenant_id FROM executions e WHERE e.id = v.id),
                        (SELECT o.tenant_id FROM opened o WHERE o.id = v.id)) AS tenant_id
    ) t
    LEFT JOIN LATERAL (
        SELECT c.id FROM machines c
        WHERE c.tenant_id = t.tenant_id AND (c.key = a.machine OR c.id::text = a.machine) ORDER BY c.id LIMIT 1
    ) m ON true
    ON CONFLICT (execution_id, signal) DO UPDATE
    SET is_new = true, tenant_id = EXCLUDED.tenant_id, machine_id = EXCLUDED.machine_id,
        entity_table = EXCLUDED.entity_table, entity_id = EXCLUDED.entity_id, states = EXCLUDED.states,
        met = EXCLUDED.met
    RETURNING execution_id
), woken AS MATERIALIZED (
    SELECT pg_notify($57, '') FROM (SELECT FROM runs UNION ALL SELECT FROM waits LIMIT 1) AS work
);

-- name: make_due
-- Of the executions $1, make those due that have no owner and for which another execution of their family has left a
-- command; and wake all engines. The join looks up one id after the other: with `= ANY`, 10,000 of them were compared with
-- every execution that has no owner, which took three seconds.
WITH wanted AS MATERIALIZED (
    SELECT e.id FROM unnest($1::uuid[]) AS v (id) JOIN executions e ON e.id = v.id
    WHERE e.owner_id IS NULL AND e.finished_at IS NULL
      AND EXISTS (SELECT FROM execution_commands c WHERE c.execution_id = e.id AND c.type IN ('child_ended', 'cancel'))
    ORDER BY e.id
    FOR UPDATE OF e
), due AS (
    UPDATE executions e SET due_at = least(e.due_at, clock_timestamp(), e.created_at) FROM wanted WHERE e.id = wanted.id
)
SELECT pg_notify($2, ''), pg_notify($3, '');

-- name: make_forgotten_due
-- As `make_due`, for commands whose writer has died before it did so. An execution that comes due by itself within $1
-- seconds is left alone: its time may be the pause after it could not be continued.
WITH wanted AS MATERIALIZED (
    SELECT e.id FROM executions e
    WHERE e.id IN (SELECT execution_id FROM execution_commands WHERE type IN ('child_ended', 'cancel'))
      AND e.owner_id IS NULL AND e.finished_at IS NULL AND e.due_at > clock_timestamp() + $1 * interval '1 second'
    FOR UPDATE SKIP LOCKED
)
UPDATE executions e SET due_at = least(clock_timestamp(), e.created_at) FROM wanted WHERE e.id = wanted.id;

-- name: descendants
-- How many executions are below the root $1, counted up to $2.
SELECT count(*) FROM (SELECT FROM executions WHERE root_id = $1 LIMIT $2) AS counted;

-- name: cancel_descendants
SELECT cancel_descendants($1, $2, $3, $4) AS id;

-- name: make_descendants_due
-- Of the executions $2, as `make_due`, for the API's role.
SELECT make_due($1, $2), pg_notify($3, ''), pg_notify($4, '');
