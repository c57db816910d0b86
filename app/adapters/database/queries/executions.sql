-- name: enqueue
-- Store a new execution, which any engine may claim, with its first events. Nothing is stored when the idempotency key
-- was used before, or when the workflow has another revision or was deleted. An execution that repeats another one may
-- run any stored revision. Its tenant is that of the row which it is started from. It is due at once by two clocks: either
-- may be ahead now and correct a little later.
WITH revision AS (
    SELECT id AS workflow_id, revision, tenant_id FROM workflows
    WHERE id = $3 AND tenant_id = :tenant AND revision = $4 AND $8::uuid IS NULL
    UNION ALL
    SELECT workflow_id, revision, tenant_id FROM workflow_revisions
    WHERE workflow_id = $3 AND tenant_id = :tenant AND revision = $4 AND $8::uuid IS NOT NULL
), opened AS (
    INSERT INTO executions (id, workflow_id, revision, idempotency_key, input, created_at, origin_id, due_at, status,
                            tenant_id, started_by)
    SELECT $2, workflow_id, revision, $5, $6::json, $7, $8, least(clock_timestamp(), $7), 'pending', tenant_id, $17::text
    FROM revision
    ON CONFLICT DO NOTHING
    RETURNING id
)
INSERT INTO execution_events (execution_id, sequence, type, occurred_at, status, progress_percent,
                              task_id, attempt, data)
SELECT opened.id, v.sequence, v.type::event_type, v.occurred_at, v.status::execution_status, v.progress_percent,
       v.task_id, v.attempt, v.data::json
FROM opened,
     unnest($9::int[], $10::text[], $11::timestamptz[], $12::text[], $13::smallint[], $14::bigint[], $15::smallint[],
            $16::text[])
         AS v (sequence, type, occurred_at, status, progress_percent, task_id, attempt, data)
RETURNING execution_id;

-- name: get
SELECT id, tenant_id, workflow_id, revision, status, input, created_at, started_at, finished_at, output, failure,
       idempotency_key, origin_id, parent_id, parent_task_id, parent_element, root_id, depth, started_by
FROM executions
WHERE id = $2 AND tenant_id = :tenant;

-- name: find_by_idempotency_key
SELECT id, tenant_id, workflow_id, revision, status, input, created_at, started_at, finished_at, output, failure,
       idempotency_key, origin_id, parent_id, parent_task_id, parent_element, root_id, depth, started_by
FROM executions
WHERE workflow_id = $2 AND idempotency_key = $3 AND tenant_id = :tenant;

-- name: read_history
-- The execution says whose the events are.
SELECT sequence, type, occurred_at, status, progress_percent, task_id, attempt, data
FROM execution_events
WHERE execution_id = $2 AND sequence > $3::bigint
  AND EXISTS (SELECT FROM executions WHERE id = $2 AND tenant_id = :tenant)
ORDER BY sequence
LIMIT $4;

-- name: last_event
SELECT sequence, type, occurred_at, status, progress_percent, task_id, attempt, data
FROM execution_events
WHERE execution_id = $2 AND EXISTS (SELECT FROM executions WHERE id = $2 AND tenant_id = :tenant)
ORDER BY sequence DESC
LIMIT 1;

-- name: send_command
-- Also make the execution due, with or without an owner. An engine that parks it at the same moment waits for the lock
-- on this row, then sees the new due time and keeps it. So the command cannot be missed. It is due since its creation:
-- that is past also if the clock is ahead now and correct a little later.
WITH wanted AS (
    UPDATE executions SET due_at = least(due_at, clock_timestamp(), created_at)
    WHERE id = $2 AND tenant_id = :tenant AND finished_at IS NULL
    RETURNING id
)
INSERT INTO execution_commands (execution_id, type, reason, name, payload)
SELECT id, $3, $4, $5, $6::json FROM wanted
RETURNING id;

-- name: wanted
-- Part of `send_audited`, whose first parameters are those of the entry: as in `send_command`.
wanted AS (
    UPDATE executions SET due_at = least(due_at, clock_timestamp(), created_at)
    WHERE id = $11 AND tenant_id = :tenant AND finished_at IS NULL
    RETURNING id
);

-- name: sent
-- Part of `send_audited`: there is no command without an entry.
sent AS (
    INSERT INTO execution_commands (execution_id, type, reason, name, payload, requested_by)
    SELECT id, $12, $13, $14, $15::json, $16 FROM wanted, head
    RETURNING id
)
SELECT (SELECT count(*) FROM wanted) AS wanted, (SELECT count(*) FROM sent) AS sent;

-- name: current_revision_by_id
SELECT id, revision FROM workflows WHERE id = $2 AND tenant_id = :tenant;

-- name: current_revision_by_key
SELECT id, revision FROM workflows WHERE key = $2 AND tenant_id = :tenant;

-- name: revision_snapshot
SELECT r.snapshot, t.key AS tenant FROM workflow_revisions r JOIN tenants t ON t.id = r.tenant_id
WHERE r.workflow_id = $2 AND r.revision = $3 AND r.tenant_id = :tenant;
