-- name: number
-- The functions are in migration 0018: the API's role may do this in no other way.
SELECT number_feed($1);

-- name: head
SELECT last, removed FROM feed_head;

-- name: entries
SELECT last, execution_id, first, events, tenant_id, workflow_id, revision FROM feed_entries($1, $2);

-- name: events
SELECT place, sequence, type, occurred_at, status, progress_percent, task_id, attempt, data
FROM feed_events($1, $2, $3, $4);
