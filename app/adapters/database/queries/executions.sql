-- name: enqueue
-- A new execution for any engine, with its first event; nothing is stored when the workflow has changed or is gone,
-- or when the idempotency key was used before.
WITH opened AS (
    INSERT INTO executions (id, workflow_id, revision, idempotency_key, input, created_at, due_at, status)
    SELECT $1, w.id, w.revision, $4, $5::json, $6, clock_timestamp(), 'pending'
    FROM workflows w
    WHERE w.id = $2 AND w.revision = $3
    ON CONFLICT DO NOTHING
    RETURNING id
)
INSERT INTO execution_events (execution_id, sequence, type, occurred_at, status, progress_percent, attempt)
SELECT id, 1, 'execution_created', $7, 'pending', 0, 0 FROM opened
RETURNING execution_id;

-- name: get
SELECT id, workflow_id, revision, status, input, created_at, started_at, finished_at, output, failure, idempotency_key
FROM executions
WHERE id = $1;

-- name: find_by_idempotency_key
SELECT id, workflow_id, revision, status, input, created_at, started_at, finished_at, output, failure, idempotency_key
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
-- Also makes the execution due, owned or not: whoever parks it at the same moment waits for this row and sees that.
WITH wanted AS (
    UPDATE executions SET due_at = least(due_at, clock_timestamp())
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
