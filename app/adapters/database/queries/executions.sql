-- name: enqueue
-- Store a new execution, which any engine may claim, with its first events. Nothing is stored when the idempotency key
-- was used before, or when the workflow has another revision or was deleted. An execution that repeats another one may
-- run any stored revision. Its tenant is that of the row which it is started from. It is due at once by two clocks: either
-- may be ahead now and correct a little later.
WITH revision AS (
    SELECT id AS workflow_id, revision, tenant_id FROM workflows WHERE id = $2 AND revision = $3 AND $7::uuid IS NULL
    UNION ALL
    SELECT workflow_id, revision, tenant_id FROM workflow_revisions
    WHERE workflow_id = $2 AND revision = $3 AND $7::uuid IS NOT NULL
), opened AS (
    INSERT INTO executions (id, workflow_id, revision, idempotency_key, input, created_at, origin_id, due_at, status,
                            tenant_id)
    SELECT $1, workflow_id, revision, $4, $5::json, $6, $7, least(clock_timestamp(), $6), 'pending', tenant_id
    FROM revision
    ON CONFLICT DO NOTHING
    RETURNING id
)
INSERT INTO execution_events (execution_id, sequence, type, occurred_at, status, progress_percent,
                              task_id, attempt, data)
SELECT opened.id, v.sequence, v.type::event_type, v.occurred_at, v.status::execution_status, v.progress_percent,
       v.task_id, v.attempt, v.data::json
FROM opened,
     unnest($8::int[], $9::text[], $10::timestamptz[], $11::text[], $12::smallint[], $13::bigint[], $14::smallint[],
            $15::text[])
         AS v (sequence, type, occurred_at, status, progress_percent, task_id, attempt, data)
RETURNING execution_id;

-- name: get
SELECT id, workflow_id, revision, status, input, created_at, started_at, finished_at, output, failure, idempotency_key,
       origin_id, parent_id, parent_task_id, parent_element, root_id, depth
FROM executions
WHERE id = $1;

-- name: find_by_idempotency_key
SELECT id, workflow_id, revision, status, input, created_at, started_at, finished_at, output, failure, idempotency_key,
       origin_id, parent_id, parent_task_id, parent_element, root_id, depth
FROM executions
WHERE workflow_id = $1 AND idempotency_key = $2;

-- name: read_history
SELECT sequence, type, occurred_at, status, progress_percent, task_id, attempt, data
FROM execution_events
WHERE execution_id = $1 AND sequence > $2::bigint
ORDER BY sequence
LIMIT $3;

-- name: last_event
SELECT sequence, type, occurred_at, status, progress_percent, task_id, attempt, data
FROM execution_events
WHERE execution_id = $1
ORDER BY sequence DESC
LIMIT 1;

-- name: send_command
-- Also make the execution due, with or without an owner. An engine that parks it at the same moment waits for the lock
-- on this row, then sees the new due time and keeps it. So the command cannot be missed. It is due since its creation:
-- that is past also if the clock is ahead now and correct a little later.
WITH wanted AS (
    UPDATE executions SET due_at = least(due_at, clock_timestamp(), created_at)
    WHERE id = $1 AND finished_at IS NULL
    RETURNING id
)
INSERT INTO execution_commands (execution_id, type, reason, name, payload)
SELECT id, $2, $3, $4, $5::json FROM wanted
RETURNING id;

-- name: current_revision_by_id
SELECT id, revision FROM workflows WHERE id = $1;

-- name: current_revision_by_key
SELECT id, revision FROM workflows WHERE key = $1;

-- name: revision_snapshot
SELECT snapshot FROM workflow_revisions WHERE workflow_id = $1 AND revision = $2;
