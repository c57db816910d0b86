-- name: now
SELECT clock_timestamp();

-- name: workflow_by_id
SELECT id FROM workflows WHERE id = $1;

-- name: workflow_by_key
SELECT id FROM workflows WHERE key = $1;

-- name: insert
-- A schedule has the tenant of its workflow; nothing is stored if there is no such workflow.
INSERT INTO schedules (version, key, cron, time_zone, at, input, overlap, catch_up_seconds, paused, next_fire_at,
                       waiting_fire_at, last_fire_at, last_execution_id, updated_at, due_at, workflow_id, created_at,
                       tenant_id)
SELECT 1, $1, $2, $3, $4, $5::json, $6::overlap_policy, $7, $8, $9, $10, $11, $12, $13, $14, w.id, $16, w.tenant_id
FROM workflows w WHERE w.id = $15
RETURNING *;

-- name: get_by_id
SELECT * FROM schedules WHERE id = $1;

-- name: get_by_key
SELECT * FROM schedules WHERE key = $1;

-- name: list
SELECT * FROM schedules WHERE $1::bigint IS NULL OR workflow_id = $1 ORDER BY id OFFSET $2 LIMIT $3;

-- name: count
SELECT count(*) FROM schedules WHERE $1::bigint IS NULL OR workflow_id = $1;

-- name: save
UPDATE schedules
SET version = version + 1, key = $1, cron = $2, time_zone = $3, at = $4, input = $5::json,
    overlap = $6::overlap_policy, catch_up_seconds = $7, paused = $8, next_fire_at = $9, waiting_fire_at = $10,
    last_fire_at = $11, last_execution_id = $12, updated_at = $13,
    due_at = CASE WHEN $17::float8 IS NULL THEN $14 ELSE clock_timestamp() + $17 * interval '1 second' END
WHERE id = $15 AND version = $16
RETURNING *;

-- name: delete
DELETE FROM schedules WHERE id = $1 RETURNING id;

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
