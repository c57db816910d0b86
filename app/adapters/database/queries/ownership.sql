-- name: register
INSERT INTO engines (name, lease_until)
VALUES ($1, clock_timestamp() + $2 * interval '1 second')
RETURNING id;

-- name: renew
-- Does not wait for the recorder: an update of these columns and its key-share lock go together.
UPDATE engines SET lease_until = clock_timestamp() + $2 * interval '1 second' WHERE id = $1 RETURNING id;

-- name: remove_expired_engines
DELETE FROM engines
WHERE id IN (SELECT id FROM engines WHERE lease_until < clock_timestamp() FOR UPDATE SKIP LOCKED)
RETURNING id;

-- name: remove_engine
DELETE FROM engines WHERE id = $1 RETURNING id;

-- name: free_executions
-- A statement of its own, after the engine rows are gone: only then does its snapshot hold all they have written.
-- Due since their creation: a clock that is ahead ends all leases, and would make these due only when it is right again.
UPDATE executions SET owner_id = NULL, due_at = least(clock_timestamp(), created_at)
WHERE owner_id = ANY ($1::bigint[]) AND finished_at IS NULL;

-- name: owned
SELECT id FROM executions WHERE owner_id = $1 AND finished_at IS NULL;

-- name: give_back
UPDATE executions SET owner_id = NULL, due_at = clock_timestamp() + $3 * interval '1 second'
WHERE owner_id = $1 AND id = ANY ($2::uuid[]) AND finished_at IS NULL;

-- name: sweep_commands
-- Commands that came when their execution had just ended. A subquery, so that each looks up its execution: where many
-- wait, a join would read all executions.
DELETE FROM execution_commands c WHERE (SELECT e.finished_at IS NOT NULL FROM executions e WHERE e.id = c.execution_id);

-- name: claim
-- Take executions that are due; several engines may ask at once, each gets others. The index serves no condition that
-- calls clock_timestamp(): each look would read everything that is parked.
WITH engine AS MATERIALIZED (
    SELECT id FROM engines WHERE id = $1 FOR KEY SHARE
), due AS MATERIALIZED (
    SELECT id FROM executions
    WHERE owner_id IS NULL AND finished_at IS NULL AND due_at <= statement_timestamp()
    ORDER BY due_at
    LIMIT $2
    FOR UPDATE SKIP LOCKED
)
UPDATE executions e SET owner_id = engine.id, due_at = 'infinity' FROM engine, due WHERE e.id = due.id
RETURNING e.id, e.workflow_id, e.revision, e.status, e.input, e.created_at, e.started_at, e.finished_at,
          e.output, e.failure, e.idempotency_key, e.origin_id;

-- name: histories
SELECT execution_id, sequence, type, occurred_at, status, progress_percent, task_id, attempt, data
FROM execution_events
WHERE execution_id = ANY ($1::uuid[])
ORDER BY execution_id, sequence;

-- name: commands
SELECT c.id, c.execution_id, c.type, c.reason, c.name, c.payload
FROM execution_commands c
JOIN executions e ON e.id = c.execution_id
WHERE e.owner_id = $1 AND e.finished_at IS NULL
ORDER BY c.id
LIMIT 1000;
