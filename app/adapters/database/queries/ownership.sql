-- name: register
INSERT INTO engines (name, lease_until, kind, host, pid, version, capacity, task_types, functions)
VALUES ($1, clock_timestamp() + $2 * interval '1 second', $3, $4, $5, $6, $7, $8, $9)
RETURNING id;

-- name: renew
-- Does not wait for the recorder: updating columns that are not a key does not conflict with its FOR KEY SHARE lock.
UPDATE engines
SET lease_until = clock_timestamp() + $2 * interval '1 second', renewed_at = clock_timestamp(), running = $3,
    parked = $4, draining = $5
WHERE id = $1
RETURNING id;

-- name: remove_expired_engines
-- What has ended is kept to be shown, since the end of its lease. That is a time to come if the clock was set back.
WITH gone AS (
    DELETE FROM engines
    WHERE id IN (SELECT id FROM engines WHERE lease_until < clock_timestamp() FOR UPDATE SKIP LOCKED)
    RETURNING *
), kept AS (
    INSERT INTO ended_engines (id, name, started_at, ended_at, kind, host, pid, version, capacity, task_types, functions,
                               running, parked, draining, renewed_at)
    SELECT id, name, started_at, lease_until, kind, host, pid, version, capacity, task_types, functions, running, parked,
           draining, renewed_at
    FROM gone
)
SELECT id FROM gone;

-- name: remove_engine
WITH gone AS (
    DELETE FROM engines WHERE id = $1 RETURNING *
), kept AS (
    INSERT INTO ended_engines (id, name, started_at, ended_at, kind, host, pid, version, capacity, task_types, functions,
                               running, parked, draining, renewed_at)
    SELECT id, name, started_at, clock_timestamp(), kind, host, pid, version, capacity, task_types, functions, 0, 0,
           true, renewed_at
    FROM gone
)
SELECT id FROM gone;

-- name: forget_engines
-- Sent when an engine begins, not when a lease is renewed.
DELETE FROM ended_engines WHERE ended_at < clock_timestamp() - $1 * interval '1 day';

-- name: free_executions
-- A separate statement, run after the engines' rows were deleted: only then does its snapshot contain everything that
-- these engines have stored. Due since their creation: a clock that is ahead ends all leases, and would make these due
-- only when it is correct again.
UPDATE executions SET owner_id = NULL, due_at = least(clock_timestamp(), created_at)
WHERE owner_id = ANY ($1::bigint[]) AND finished_at IS NULL;

-- name: owned
SELECT id FROM executions WHERE owner_id = $1 AND finished_at IS NULL;

-- name: give_back
UPDATE executions SET owner_id = NULL, due_at = clock_timestamp() + $3 * interval '1 second'
WHERE owner_id = $1 AND id = ANY ($2::uuid[]) AND finished_at IS NULL;

-- name: sweep_commands
-- Remove commands that arrived when their execution had just ended. A subquery looks up the execution of each command;
-- a join would read all executions when there are many commands.
DELETE FROM execution_commands c WHERE (SELECT e.finished_at IS NOT NULL FROM executions e WHERE e.id = c.execution_id);

-- name: claim
-- Claim executions that are due. Several engines may claim at the same time; each gets different executions.
-- statement_timestamp() is stable within the statement, so the index can be used. clock_timestamp() is volatile: each
-- claim would read all parked executions.
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
RETURNING e.id, e.tenant_id, e.workflow_id, e.revision, e.status, e.input, e.created_at, e.started_at, e.finished_at,
          e.output, e.failure, e.idempotency_key, e.origin_id, e.parent_id, e.parent_task_id, e.parent_element,
          e.root_id, e.depth, e.started_by;

-- name: claim_divided
-- As claim, but divided among tenants, and what a tenant gets among its workflows.
-- $3 are workflows, $4 how many executions may be claimed of each, $5 how many each has. $6 are tenants, $7 and $8 the same
-- of these, $9 how many may be claimed of each other workflow of the tenant; $10 and $11 are those of any other tenant.
-- At most twice as many candidates are looked at as are claimed, and one of each workflow.
-- The workflows of all executions without an owner are found one by one, each by a search in the index
-- (tenant_id, workflow_id, due_at).
-- The first row also has the workflows that may have more that is due; there is such a row also when nothing is claimed.
-- Candidates are not locked before they are ordered: another engine, which finds the same, takes those that come next.
-- They are looked up by their ids: with IS NULL, a generic plan reads all that is due from an index instead.
WITH RECURSIVE engine AS MATERIALIZED (
    SELECT id FROM engines WHERE id = $1 FOR KEY SHARE
), heads AS (
    (SELECT tenant_id, workflow_id, due_at FROM executions WHERE owner_id IS NULL AND finished_at IS NULL
     ORDER BY tenant_id, workflow_id, due_at LIMIT 1)
    UNION ALL
    SELECT n.tenant_id, n.workflow_id, n.due_at FROM heads h CROSS JOIN LATERAL (
        SELECT tenant_id, workflow_id, due_at FROM executions
        WHERE owner_id IS NULL AND finished_at IS NULL AND (tenant_id, workflow_id) > (h.tenant_id, h.workflow_id)
        ORDER BY tenant_id, workflow_id, due_at LIMIT 1) n
), ready AS MATERIALIZED (
    SELECT h.tenant_id, h.workflow_id, coalesce(t.taken, 0) AS tenant_taken, coalesce(t.allowed, $10::int) AS tenant_most,
           coalesce(k.taken, 0) AS taken, coalesce(k.allowed, t.of_each, $11::int) AS allowed
    FROM heads h
    LEFT JOIN unnest($3::bigint[], $4::int[], $5::int[]) AS k (workflow_id, allowed, taken) USING (workflow_id)
    LEFT JOIN unnest($6::int[], $7::int[], $8::int[], $9::int[]) AS t (tenant_id, allowed, taken, of_each)
        USING (tenant_id)
    WHERE h.due_at <= statement_timestamp() AND coalesce(k.allowed, t.of_each, $11::int) > 0
      AND coalesce(t.allowed, $10::int) > 0
), tenants AS (
    SELECT tenant_id, count(*) AS workflows, count(*) OVER () AS tenants FROM ready GROUP BY tenant_id
), candidates AS MATERIALIZED (
    SELECT f.id, r.tenant_id, r.workflow_id, r.tenant_taken, r.tenant_most, r.taken + f.rank AS turn, f.due_at,
           f.rank = m.most AS is_last
    FROM ready r JOIN tenants t USING (tenant_id)
    CROSS JOIN LATERAL (SELECT least(r.allowed, ceil(2 * $2::float8 / (t.tenants * t.workflows))::int) AS most) m
    CROSS JOIN LATERAL (
        SELECT id, due_at, row_number() OVER (ORDER BY due_at) AS rank FROM executions
        WHERE tenant_id = r.tenant_id AND workflow_id = r.workflow_id AND owner_id IS NULL AND finished_at IS NULL
          AND due_at <= statement_timestamp()
        ORDER BY due_at LIMIT m.most) f
), ordered AS (
    SELECT id, tenant_taken, tenant_most, row_number() OVER (PARTITION BY tenant_id ORDER BY turn, due_at, id) AS rank
    FROM candidates
), due AS MATERIALIZED (
    SELECT x.id FROM ordered o JOIN executions x ON x.id = o.id
    WHERE o.rank <= o.tenant_most AND num_nonnulls(x.owner_id, x.finished_at) = 0 AND x.due_at <= statement_timestamp()
    ORDER BY o.tenant_taken + o.rank, x.due_at
    LIMIT $2
    FOR UPDATE OF x SKIP LOCKED
), claimed AS (
    UPDATE executions e SET owner_id = engine.id, due_at = 'infinity' FROM engine, due WHERE e.id = due.id
    RETURNING e.id, e.tenant_id, e.workflow_id, e.revision, e.status, e.input, e.created_at, e.started_at, e.finished_at,
              e.output, e.failure, e.idempotency_key, e.origin_id, e.parent_id, e.parent_task_id, e.parent_element,
              e.root_id, e.depth, e.started_by
), left_over AS (
    SELECT array_agg(DISTINCT c.workflow_id) AS waiting FROM candidates c LEFT JOIN due USING (id)
    WHERE due.id IS NULL OR c.is_last
)
SELECT claimed.*, CASE WHEN row_number() OVER () = 1 THEN left_over.waiting END AS waiting
FROM left_over LEFT JOIN claimed ON true;

-- name: histories
SELECT execution_id, sequence, type, occurred_at, status, progress_percent, task_id, attempt, data
FROM execution_events
WHERE execution_id = ANY ($1::uuid[])
ORDER BY execution_id, sequence;

-- name: commands
-- For the end of a child: how it ended, from its row.
SELECT c.id, c.execution_id, c.type, c.reason, c.name, c.payload, c.requested_by,
       x.id AS child_id, x.status AS child_status, x.output AS child_output, x.failure AS child_failure
FROM execution_commands c
JOIN executions e ON e.id = c.execution_id
LEFT JOIN executions x ON x.id = CASE WHEN c.type = 'child_ended' THEN c.name::uuid END
WHERE e.owner_id = $1 AND e.finished_at IS NULL
ORDER BY c.id
LIMIT 1000;
