-- name: execution
-- One execution with what is around it; the columns of `get` in executions.sql come first.
SELECT e.id, e.tenant_id, e.workflow_id, e.revision, e.status, e.input, e.created_at, e.started_at, e.finished_at,
       e.output, e.failure, e.idempotency_key, e.origin_id, e.parent_id, e.parent_task_id, e.parent_element, e.root_id,
       e.depth, e.started_by, w.name AS workflow_name, w.key AS workflow_key,
       (SELECT r.id FROM executions r WHERE r.origin_id = e.id ORDER BY r.id DESC LIMIT 1) AS retried_by
FROM executions e LEFT JOIN workflows w ON w.id = e.workflow_id
WHERE e.id = $2 AND e.tenant_id = :tenant;

-- name: outline_of_history
SELECT sequence, type, occurred_at, status, progress_percent, task_id, attempt, data, size, count
FROM outline_of_history($1, $2, $3);

-- name: surroundings
SELECT e.id, w.name AS workflow_name, w.key AS workflow_key,
       (SELECT r.id FROM executions r WHERE r.origin_id = e.id ORDER BY r.id DESC LIMIT 1) AS retried_by
FROM executions e LEFT JOIN workflows w ON w.id = e.workflow_id
WHERE e.id = ANY ($2::uuid[]) AND e.tenant_id = :tenant;

-- name: advances
SELECT execution_id, percent, done, open, current, retrying FROM progress_of($1, $2, $3, $4, $5);

-- name: snapshots
SELECT r.workflow_id, r.revision, r.snapshot
FROM unnest($2::bigint[], $3::int[]) AS v (workflow_id, revision)
JOIN workflow_revisions r ON r.workflow_id = v.workflow_id AND r.revision = v.revision
WHERE r.tenant_id = :tenant;

-- name: workflows_named
SELECT w.id FROM workflows w WHERE position(lower($2) IN lower(w.name)) > 0 AND w.tenant_id = :tenant
ORDER BY w.id LIMIT $3;

-- name: counts
-- From the index of what is active, and from that of what has ended.
SELECT e.status, count(*) AS count FROM executions e
WHERE e.finished_at IS NULL AND e.tenant_id = :tenant
GROUP BY e.status
UNION ALL
SELECT e.status, count(*) AS count FROM executions e
WHERE e.finished_at > now() - $2 * interval '1 hour' AND e.tenant_id = :tenant
GROUP BY e.status;

-- name: counts_of_workflow
-- By the same indexes: without `MATERIALIZED` the planner may read all that a workflow has ever run.
WITH active AS MATERIALIZED (
    SELECT e.tenant_id, e.workflow_id, e.status FROM executions e WHERE e.finished_at IS NULL AND e.tenant_id = $1::int
), lately AS MATERIALIZED (
    SELECT e.tenant_id, e.workflow_id, e.status FROM executions e
    WHERE e.finished_at > now() - $2 * interval '1 hour' AND e.tenant_id = $1::int
)
SELECT a.status, count(*) AS count FROM active a WHERE a.workflow_id = $3 AND a.tenant_id = :tenant GROUP BY a.status
UNION ALL
SELECT l.status, count(*) AS count FROM lately l WHERE l.workflow_id = $3 AND l.tenant_id = :tenant GROUP BY l.status;

-- name: attempts
SELECT task_id, attempts, completed, failed, failures, p50, p95, executions FROM attempts_of($1, $2, $3);
