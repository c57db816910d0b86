-- name: engines
-- Those with a lease, and those whose lease has ended. One that has ended and was not removed yet is among the first.
WITH known AS (
    SELECT id, name, kind, host, pid, version, capacity, task_types, functions, running, parked, draining, started_at,
           renewed_at, CASE WHEN lease_until < statement_timestamp() THEN lease_until END AS ended_at
    FROM engines
    UNION ALL
    SELECT id, name, kind, host, pid, version, capacity, task_types, functions, 0, 0, draining, started_at, renewed_at,
           ended_at
    FROM ended_engines WHERE ended_at > statement_timestamp() - interval '7 days'
), engine AS (
    SELECT *, CASE WHEN ended_at IS NOT NULL THEN 'offline' WHEN draining THEN 'draining' ELSE 'online' END AS status
    FROM known
)

-- name: engine_page
-- Follows `engines`.
SELECT c.total, p.* FROM (
    SELECT count(*) AS total FROM engine WHERE $1::text IS NULL OR status = $1
) c
LEFT JOIN (
    SELECT * FROM engine WHERE $1::text IS NULL OR status = $1
    ORDER BY ended_at IS NOT NULL, id DESC OFFSET $2 LIMIT $3
) p ON true
ORDER BY p.ended_at IS NOT NULL, p.id DESC

-- name: engine
-- Follows `engines`.
SELECT * FROM engine WHERE id = $1

-- name: free_slots
SELECT count(*) AS online, coalesce(sum(greatest(capacity - running, 0)), 0) AS free
FROM engines WHERE lease_until >= statement_timestamp() AND NOT draining;

-- name: looked
-- The executions that are looked at: the newest of those that are not older than an id, and of those that have not ended.
-- Few have not, so these are found first, by their partial index.
WITH recent AS MATERIALIZED (
    SELECT id, tenant_id, workflow_id, revision, created_at, finished_at, coalesce(owner_id, ended_by) AS engine_id
    FROM executions WHERE {tenant} AND id >= {first} {named} ORDER BY id DESC LIMIT {most}
), active AS MATERIALIZED (
    SELECT id, tenant_id, workflow_id, revision, created_at, finished_at, coalesce(owner_id, ended_by) AS engine_id
    FROM executions WHERE finished_at IS NULL AND id < {first}
), seen AS MATERIALIZED (
    SELECT * FROM (SELECT * FROM recent UNION ALL SELECT * FROM active WHERE {tenant} {named}) e
    ORDER BY id DESC LIMIT {most}
), looked AS MATERIALIZED (
    SELECT * FROM seen WHERE {of_engine}
)

-- name: looked_at_unfinished
WITH active AS MATERIALIZED (
    SELECT id, tenant_id, workflow_id, revision, created_at, finished_at, coalesce(owner_id, ended_by) AS engine_id
    FROM executions WHERE finished_at IS NULL
), seen AS MATERIALIZED (
    SELECT * FROM active WHERE {tenant} {named} ORDER BY id DESC LIMIT {most}
), looked AS MATERIALIZED (
    SELECT * FROM seen WHERE {of_engine}
)

-- name: looked_at_one
WITH looked AS MATERIALIZED (
    SELECT id, tenant_id, workflow_id, revision, created_at, finished_at, coalesce(owner_id, ended_by) AS engine_id
    FROM executions WHERE {tenant} AND id = {first}
), seen AS (
    SELECT * FROM looked
)

-- name: planned
-- The tasks of the revisions of these executions, each revision looked up once: a join could read all revisions.
planned AS MATERIALIZED (
    SELECT d.workflow_id, d.revision, (t.task ->> 'id')::bigint AS task_id, t.task ->> 'name' AS name,
           t.task ->> 'description' AS description, t.place,
           CASE WHEN t.task ->> 'type' IS NULL THEN t.task -> 'config' -> 'metadata' END AS metadata
    FROM (SELECT DISTINCT workflow_id, revision FROM looked) d
    CROSS JOIN LATERAL (
        SELECT snapshot FROM workflow_revisions w WHERE w.workflow_id = d.workflow_id AND w.revision = d.revision OFFSET 0
    ) r
    CROSS JOIN LATERAL json_array_elements(r.snapshot -> 'tasks') WITH ORDINALITY AS t (task, place)
)

-- name: all_tasks
-- Each execution is placed behind the tasks of those before it, so that only the histories of the page's are read.
placed AS MATERIALIZED (
    SELECT l.*, sum(s.tasks) OVER (ORDER BY l.id DESC) - s.tasks AS before, s.tasks
    FROM looked l
    JOIN (SELECT workflow_id, revision, count(*) AS tasks FROM planned GROUP BY 1, 2) s USING (workflow_id, revision)
), page AS MATERIALIZED (
    SELECT e.*, p.task_id, p.name, p.description, p.metadata, e.before + p.place AS number
    FROM placed e JOIN planned p USING (workflow_id, revision)
    WHERE e.before < {end} AND e.before + e.tasks > {skip} AND e.before + p.place > {skip}
      AND e.before + p.place <= {end}
), found AS (
    SELECT p.*, s.type, s.started_at, s.changed_at
    FROM page p
    LEFT JOIN task_states({tenant_id}, 'infinity', ARRAY(SELECT DISTINCT id FROM page), NULL) s
        ON s.execution_id = p.id AND s.task_id = p.task_id
)
SELECT c.total, c.seen, 0 AS unread, f.* FROM (
    SELECT coalesce((SELECT max(before + tasks) FROM placed), 0) AS total, (SELECT count(*) FROM seen) AS seen
) c
LEFT JOIN found f ON true
WHERE {gate}
ORDER BY f.number

-- name: tasks_with_status
-- An execution whose history was not read is left out: how its tasks stand is not known.
states AS MATERIALIZED (
    SELECT * FROM task_states({tenant_id}, 'infinity', ARRAY(SELECT id FROM looked), {most_events})
), read AS MATERIALIZED (
    SELECT DISTINCT execution_id FROM states
), listed AS MATERIALIZED (
    SELECT e.*, p.task_id, p.name, p.description, p.metadata, p.place, s.type, s.started_at, s.changed_at
    FROM looked e JOIN read r ON r.execution_id = e.id JOIN planned p USING (workflow_id, revision)
    LEFT JOIN states s ON s.execution_id = e.id AND s.task_id = p.task_id
    WHERE coalesce(s.type, CASE WHEN e.finished_at IS NULL THEN 'pending' ELSE 'task_skipped' END) = ANY ($1::text[])
    ORDER BY e.id DESC, p.place LIMIT {most}
)
SELECT c.total, c.seen, c.unread, f.* FROM (
    SELECT (SELECT count(*) FROM listed) AS total, (SELECT count(*) FROM seen) AS seen,
           (SELECT count(*) FROM looked) - (SELECT count(*) FROM read) AS unread
) c
LEFT JOIN (SELECT * FROM listed ORDER BY id DESC, place OFFSET {skip} LIMIT {count}) f ON true
WHERE {gate}
ORDER BY f.id DESC, f.place

-- name: work
states AS MATERIALIZED (
    SELECT e.engine_id, e.workflow_id, p.name, s.*,
           row_number() OVER (PARTITION BY e.engine_id ORDER BY s.started_at DESC NULLS LAST) AS rank
    FROM task_states({tenant_id}, $1, ARRAY(SELECT id FROM looked WHERE engine_id IS NOT NULL), {most_events}) s
    JOIN looked e ON e.id = s.execution_id
    JOIN planned p ON p.workflow_id = e.workflow_id AND p.revision = e.revision AND p.task_id = s.task_id
)
SELECT engine_id, count(started_at) AS total, count(*) FILTER (WHERE type = 'task_failed') AS failed,
       sum(succeeded)::int AS succeeded_attempts, sum(failed)::int AS failed_attempts,
       (array_agg(execution_id || '/' || task_id ORDER BY started_at DESC)
           FILTER (WHERE type IN ('task_started', 'task_retrying')))[1] AS current,
       coalesce(array_agg(ARRAY[execution_id || '/' || task_id, name, workflow_id::text, type] ORDER BY rank)
           FILTER (WHERE rank <= {recent} AND started_at IS NOT NULL), '{{}}') AS recent,
       array_agg(started_at ORDER BY rank) FILTER (WHERE rank <= {recent} AND started_at IS NOT NULL) AS recent_started,
       array_agg(changed_at ORDER BY rank) FILTER (WHERE rank <= {recent} AND started_at IS NOT NULL) AS recent_changed
FROM states
WHERE {gate}
GROUP BY engine_id

-- name: newest
SELECT x.*, (last_event_of($1, x.id)).progress_percent
FROM unnest($2::bigint[]) AS w (id)
CROSS JOIN LATERAL (
    SELECT id, tenant_id, workflow_id, status, coalesce(owner_id, ended_by) AS engine_id
    FROM executions e WHERE e.workflow_id = w.id ORDER BY e.id DESC LIMIT 1
) x
WHERE x.tenant_id = :tenant;

-- name: completed
SELECT execution_id, count(*) AS completed FROM task_states($1, 'infinity', $2, NULL)
WHERE type IN ('task_completed', 'task_reused')
GROUP BY execution_id;
