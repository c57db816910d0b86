-- name: now
SELECT clock_timestamp();

-- name: workflow_by_id
SELECT id FROM workflows WHERE id = $2 AND tenant_id = :tenant;

-- name: workflow_by_key
SELECT id FROM workflows WHERE key = $2 AND tenant_id = :tenant;

-- name: insert
-- Nothing is stored if the tenant has no such workflow.
INSERT INTO schedules (version, key, cron, time_zone, at, input, overlap, catch_up_seconds, paused, next_fire_at,
                       waiting_fire_at, last_fire_at, last_execution_id, updated_at, due_at, workflow_id, created_at,
                       tenant_id)
SELECT 1, $2, $3, $4, $5, $6::json, $7::overlap_policy, $8, $9, $10, $11, $12, $13, $14, $15, w.id, $17, w.tenant_id
FROM workflows w WHERE w.id = $16 AND w.tenant_id = :tenant
RETURNING *;

-- name: get_by_id
SELECT * FROM schedules WHERE id = $2 AND tenant_id = :tenant;

-- name: get_by_key
SELECT * FROM schedules WHERE key = $2 AND tenant_id = :tenant;

-- name: list
SELECT * FROM schedules WHERE tenant_id = :tenant AND ($2::bigint IS NULL OR workflow_id = $2) ORDER BY id OFFSET $3 LIMIT $4;

-- name: count
SELECT count(*) FROM schedules WHERE tenant_id = :tenant AND ($2::bigint IS NULL OR workflow_id = $2);

-- name: save
UPDATE schedules
SET version = version + 1, key = $2, cron = $3, time_zone = $4, at = $5, input = $6::json,
    overlap = $7::overlap_policy, catch_up_seconds = $8, paused = $9, next_fire_at = $10, waiting_fire_at = $11,
    last_fire_at = $12, last_execution_id = $13, updated_at = $14,
    due_at = CASE WHEN $18::float8 IS NULL THEN $15 ELSE clock_timestamp() + $18 * interval '1 second' END
WHERE id = $16 AND version = $17 AND tenant_id = :tenant
RETURNING *;

-- name: delete
DELETE FROM schedules WHERE id = $2 AND tenant_id = :tenant RETURNING *;

-- name: claim
-- Claim schedules that are due. Several engines may claim at the same time; each gets different schedules. A waiting
-- fire is not due until the execution that it waits for has ended.
WITH due AS MATERIALIZED (
    SELECT s.id,
           EXISTS (SELECT FROM executions e WHERE e.id = s.last_execution_id AND e.finished_at IS NULL) AS is_running
    FROM schedules s
    WHERE s.due_at <= statement_timestamp()
      AND (s.waiting_fire_at IS NULL
           OR NOT EXISTS (SELECT FROM executions e WHERE e.id = s.last_execution_id AND e.finished_at IS NULL))
    ORDER BY s.due_at
    LIMIT $1
    FOR UPDATE OF s SKIP LOCKED
)
UPDATE schedules s SET due_at = clock_timestamp() + $2 * interval '1 second' FROM due WHERE s.id = due.id
RETURNING s.*, due.is_running, clock_timestamp() AS now;
