-- name: shortest_days
-- The shortest retention of any workflow, in days; null when all executions are kept without limit.
SELECT least(nullif($1::float8, 0), (SELECT min(retention_days) FROM workflows WHERE retention_days > 0));

-- name: remove
-- Look at the next $3 executions by id, above $1 and below $2, and remove those whose family's retention has ended, with
-- their events and commands. The lock lets one process do this at a time; in the others `granted` is false.
-- A family is an execution without a parent and all executions below it; its retention has ended when that of its last
-- member has. `OFFSET 0` keeps the planner from joining whole tables: every step looks up few rows by an index.
WITH permission AS MATERIALIZED (
    SELECT pg_try_advisory_xact_lock($5) AS granted
), looked_at AS MATERIALIZED (
    SELECT x.id, x.workflow_id, x.finished_at, x.root_id FROM executions x
    WHERE x.id > $1 AND x.id < $2 AND (SELECT granted FROM permission)
    ORDER BY x.id
    LIMIT $3
), candidates AS MATERIALIZED (
    SELECT l.id, coalesce(l.root_id, l.id) AS root FROM looked_at l LEFT JOIN workflows w ON w.id = l.workflow_id
    WHERE l.finished_at
          < clock_timestamp() - nullif(coalesce(w.retention_days, $4::float8), 0) * interval '1 day'
), families AS (
    SELECT r.root, x.workflow_id, x.finished_at
    FROM (SELECT DISTINCT root FROM candidates) r
    CROSS JOIN LATERAL (
        (SELECT workflow_id, finished_at FROM executions WHERE id = r.root OFFSET 0)
        UNION ALL
        (SELECT workflow_id, finished_at FROM executions WHERE root_id = r.root OFFSET 0)
    ) x
), kept AS MATERIALIZED (
    SELECT DISTINCT f.root FROM families f LEFT JOIN workflows w ON w.id = f.workflow_id
    WHERE (f.finished_at
           < clock_timestamp() - nullif(coalesce(w.retention_days, $4::float8), 0) * interval '1 day') IS NOT TRUE
), expired AS MATERIALIZED (
    SELECT c.id FROM candidates c WHERE NOT EXISTS (SELECT FROM kept k WHERE k.root = c.root)
), events AS (
    DELETE FROM execution_events h USING expired WHERE h.execution_id = expired.id
), commands AS (
    DELETE FROM execution_commands c USING expired WHERE c.execution_id = expired.id
), removed AS (
    DELETE FROM executions x USING expired WHERE x.id = expired.id RETURNING x.id
)
SELECT (SELECT granted FROM permission) AS granted,
       (SELECT count(*) FROM looked_at) AS looked_at,
       (SELECT count(*) FROM removed) AS removed,
       (SELECT id FROM looked_at ORDER BY id DESC LIMIT 1) AS last_id;

-- name: now
SELECT clock_timestamp();
