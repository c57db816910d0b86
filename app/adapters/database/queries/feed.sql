-- name: number
-- The functions are in migration 0018: the API's role may do this in no other way.
SELECT number_feed($1);

-- name: head
SELECT last, removed FROM feed_head;

-- name: entries
SELECT last, stream_id, first, events, tenant_id, workflow_id, revision, machine_id FROM feed_entries($1, $2);

-- name: events
SELECT place, sequence, type, occurred_at, status, progress_percent, task_id, attempt, data
FROM feed_events($1, $2, $3, $4);

-- name: entity_events
SELECT place, sequence, type, occurred_at, transition, from_state, to_state, actor, on_behalf_of, notes, context, data,
       execution_id
FROM feed_entity_events($1, $2, $3, $4);

-- name: lock
SELECT last FROM feed_head FOR UPDATE;

-- name: remove
-- Of the $2 oldest rows, remove those that are older than $1 hours; return their number. Rows without a position, which
-- no reader has asked for, take the next positions with them.
WITH oldest AS MATERIALIZED (
    SELECT id FROM feed ORDER BY id LIMIT $2
), gone AS (
    DELETE FROM feed f USING oldest o WHERE f.id = o.id AND f.at < clock_timestamp() - $1::float8 * interval '1 hour'
    RETURNING f.last, f.events, f.at
), counted AS (
    SELECT count(*) AS rows, max(last) AS last, sum(events) FILTER (WHERE last IS NULL) AS unread, max(at) AS at FROM gone
), moved AS (
    UPDATE feed_head h
    SET last = h.last + coalesce(c.unread, 0), removed = greatest(h.removed, c.last, h.last + c.unread),
        complete_since = greatest(h.complete_since, c.at)
    FROM counted c WHERE c.rows > 0
)
SELECT rows FROM counted;
