-- name: hold
UPDATE relay SET holder = $1, held_until = clock_timestamp() + make_interval(secs => $2)
WHERE holder = $1 OR holder IS NULL OR held_until < clock_timestamp()
RETURNING true;

-- name: position
SELECT position FROM relay;

-- name: note
UPDATE relay SET position = $2 WHERE holder = $1;

-- name: release
UPDATE relay SET holder = NULL, held_until = NULL WHERE holder = $1;

-- name: state
SELECT holder IS NOT NULL AND held_until >= clock_timestamp() AS is_held, position FROM relay;

-- name: inputs
-- The join looks up one id after the other.
SELECT e.id, e.input FROM unnest($1::uuid[]) AS v (id) JOIN executions e ON e.id = v.id;

-- name: make_due
-- Of the executions $1, those that wait for nothing but their record. An engine that claims at this moment has them.
WITH wanted AS MATERIALIZED (
    SELECT e.id FROM unnest($1::uuid[]) AS v (id) JOIN executions e ON e.id = v.id
    WHERE e.owner_id IS NULL AND e.finished_at IS NULL AND e.status = 'pending' AND e.started_at IS NULL
      AND e.due_at > clock_timestamp()
    ORDER BY e.id
    FOR UPDATE OF e SKIP LOCKED
)
UPDATE executions e SET due_at = least(clock_timestamp(), e.created_at) FROM wanted WHERE e.id = wanted.id
RETURNING e.id;

-- name: waiting
-- Counted up to $1. Those that wait for a time or a command have begun.
SELECT count(*) FROM (
    SELECT FROM executions
    WHERE owner_id IS NULL AND finished_at IS NULL AND due_at <= statement_timestamp() AND status = 'pending'
    LIMIT $1
) AS counted;

-- name: tenant_key
SELECT key FROM tenants WHERE id = $1;
