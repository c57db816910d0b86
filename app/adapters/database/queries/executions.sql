-- name: enqueue
-- `start_execution` and the other functions are in migrations 0016 and 0018: the API's role may do this in no other way.
SELECT start_execution($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17);

-- name: start_run
-- Migration 0019: a start with an id that the caller may have chosen.
SELECT start_run($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);

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
SELECT sequence, type, occurred_at, status, progress_percent, task_id, attempt, data
FROM history_of($1, $2, $3, $4);

-- name: last_event
SELECT sequence, type, occurred_at, status, progress_percent, task_id, attempt, data
FROM last_event_of($1, $2);

-- name: send_command
-- Whether it is stored: an execution that has ended gets none.
SELECT send_command($1, $2, $3, $4, $5, $6, $7);

-- name: current_revision_by_id
SELECT id, revision FROM workflows WHERE id = $2 AND tenant_id = :tenant;

-- name: current_revision_by_key
SELECT id, revision FROM workflows WHERE key = $2 AND tenant_id = :tenant;

-- name: revision_snapshot
SELECT r.snapshot, t.key AS tenant FROM workflow_revisions r JOIN tenants t ON t.id = r.tenant_id
WHERE r.workflow_id = $2 AND r.revision = $3 AND r.tenant_id = :tenant;
