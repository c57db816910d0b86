-- name: columns
SELECT s.id, s.tenant_id, s.workflow_id, s.task_id, s.task, s.rule, s.source, s.status, s.title, s.rationale, s.patch,
       s.inverse, s.prediction, s.evidence, s.seconds_a_day, s.undoes_id, s.created_at, s.created_by, s.updated_at,
       s.decided_at, s.decided_by, s.notes, s.applied_revision, s.effect
FROM suggestions s

-- name: of_id
WHERE s.id = $2 AND s.tenant_id = :tenant;

-- name: hold
-- No lock: who decides also changes the workflow, over other connections, and must keep none meanwhile.
UPDATE suggestions SET held_until = clock_timestamp() + make_interval(secs => $3)
WHERE id = $2 AND tenant_id = $1 AND (held_until IS NULL OR held_until < clock_timestamp()) RETURNING true;

-- name: release
UPDATE suggestions SET held_until = NULL WHERE id = $2 AND tenant_id = $1;

-- name: page
WHERE s.tenant_id = :tenant AND ($2::bigint IS NULL OR s.workflow_id = $2) AND ($3::text IS NULL OR s.status = $3)
  AND ($4::text IS NULL OR s.rule = $4) AND ($5::text IS NULL OR s.source = $5)
ORDER BY s.id DESC OFFSET $6 LIMIT $7;

-- name: known
-- Of a workflow: what is open, what was decided since $3, and what was approved and is not settled.
-- Those of others come last: there can be any number of them.
WHERE s.tenant_id = :tenant AND s.workflow_id = $2
  AND (s.status = 'open' OR s.updated_at >= $3 OR s.status = 'approved')
ORDER BY s.source = 'external', s.id DESC LIMIT 200;

-- name: count
SELECT count(*) FROM suggestions s
WHERE s.tenant_id = :tenant AND ($2::bigint IS NULL OR s.workflow_id = $2) AND ($3::text IS NULL OR s.status = $3)
  AND ($4::text IS NULL OR s.rule = $4) AND ($5::text IS NULL OR s.source = $5);

-- name: insert
-- Nothing is stored if there is an open one at its place, or no such workflow any more.
INSERT INTO suggestions (tenant_id, workflow_id, task_id, task, rule, source, status, title, rationale, patch, inverse,
                         prediction, evidence, seconds_a_day, undoes_id, created_at, created_by, updated_at)
SELECT w.tenant_id, w.id, $3, $4, $5, $6, 'open', $7, $8, $9::json, $10::json, $11::json, $12::json, $13, $14,
       clock_timestamp(), $15, clock_timestamp()
FROM workflows w WHERE w.id = $2 AND w.tenant_id = $1
ON CONFLICT DO NOTHING
RETURNING id;

-- name: refresh
-- Not while someone decides: what is applied must be what was looked at.
UPDATE suggestions SET task = $3, title = $4, rationale = $5, patch = $6::json, prediction = $7::json,
                       evidence = $8::json, seconds_a_day = $9, updated_at = clock_timestamp()
WHERE id = $2 AND tenant_id = $1 AND status = 'open' AND (held_until IS NULL OR held_until < clock_timestamp());

-- name: decide
UPDATE suggestions SET status = $3, decided_at = clock_timestamp(), decided_by = $4, notes = $5,
                       applied_revision = coalesce($6, applied_revision), inverse = coalesce($7::json, inverse),
                       updated_at = clock_timestamp(), held_until = NULL
WHERE id = $2 AND tenant_id = $1;

-- name: settle
UPDATE suggestions SET status = 'stale', decided_at = clock_timestamp(), notes = $3, updated_at = clock_timestamp()
WHERE id = ANY ($2::bigint[]) AND tenant_id = $1 AND status = 'open';

-- name: note_effect
UPDATE suggestions SET effect = $3::json WHERE id = $2 AND tenant_id = $1;

-- name: remove_stale
DELETE FROM suggestions WHERE tenant_id = $1 AND status = 'stale' AND updated_at < clock_timestamp() - interval '90 days';

-- name: workflows
-- Those that have existed since $3 at least.
SELECT r.snapshot FROM workflows w JOIN workflow_revisions r ON r.workflow_id = w.id AND r.revision = w.revision
WHERE w.tenant_id = :tenant AND w.id > $2 AND w.created_at <= $3
ORDER BY w.id LIMIT $4;

-- name: revisions
SELECT r.snapshot FROM workflow_revisions r
WHERE r.workflow_id = $2 AND r.revision = ANY ($3::int[]) AND r.tenant_id = :tenant;

-- name: executions
-- Newest first.
SELECT x.id, x.revision, x.status::text, extract(epoch FROM x.created_at)::float8 AS created_at,
       extract(epoch FROM x.started_at)::float8 AS started_at, extract(epoch FROM x.finished_at)::float8 AS finished_at,
       x.origin_id, md5(x.input::text) AS input
FROM executions x
WHERE x.tenant_id = :tenant AND x.workflow_id = $2 AND x.id >= $3 AND x.id <= $4
ORDER BY x.id DESC LIMIT $5;

-- name: events
SELECT execution_id, type, at, task_id, attempt, code, message, size, place, places
FROM sample_events($1, $2, $3, $4);

-- name: now
SELECT clock_timestamp();

-- name: request
INSERT INTO suggestion_runs (tenant_id, due_at, requested_at)
VALUES ($1, clock_timestamp() + interval '6 hours', clock_timestamp())
ON CONFLICT (tenant_id) DO UPDATE SET requested_at = clock_timestamp()
RETURNING requested_at, computed_at, due_at;

-- name: state
SELECT requested_at, computed_at, due_at FROM suggestion_runs WHERE tenant_id = :tenant;

-- name: expect
-- New tenants. Their first turn comes after an hour: they have nothing to compute from yet.
INSERT INTO suggestion_runs (tenant_id, due_at)
SELECT t.id, clock_timestamp() + interval '1 hour' FROM tenants t
WHERE NOT EXISTS (SELECT FROM suggestion_runs r WHERE r.tenant_id = t.id)
ON CONFLICT DO NOTHING;

-- name: claim
-- One tenant that is due and that no other engine holds; the one that has waited longest, so that a tenant that asks again
-- and again does not keep others waiting.
UPDATE suggestion_runs r SET holder = $1, held_until = clock_timestamp() + make_interval(secs => $2)
FROM (
    SELECT d.tenant_id FROM suggestion_runs d
    WHERE (d.due_at <= clock_timestamp() OR d.requested_at IS NOT NULL)
      AND (d.held_until IS NULL OR d.held_until < clock_timestamp())
    ORDER BY least(d.requested_at, d.due_at)
    LIMIT 1 FOR UPDATE SKIP LOCKED
) due
JOIN tenants t ON t.id = due.tenant_id
WHERE r.tenant_id = due.tenant_id
RETURNING r.tenant_id, t.key AS tenant, r.requested_at;

-- name: renew
UPDATE suggestion_runs SET held_until = clock_timestamp() + make_interval(secs => $3)
WHERE tenant_id = $1 AND holder = $2 AND held_until >= clock_timestamp() RETURNING true;

-- name: done
-- A request that has come meanwhile stays.
UPDATE suggestion_runs
SET holder = NULL, held_until = NULL, computed_at = clock_timestamp(),
    due_at = clock_timestamp() + make_interval(secs => $4),
    requested_at = CASE WHEN requested_at > $3 OR $3::timestamptz IS NULL THEN requested_at END
WHERE tenant_id = $1 AND holder = $2;

-- name: release_run
UPDATE suggestion_runs SET holder = NULL, held_until = NULL WHERE tenant_id = $1 AND holder = $2;

-- name: note_fullness
INSERT INTO engine_fullness AS f (engine, seen_at, full_since)
VALUES ($1, clock_timestamp(), CASE WHEN $2::bool THEN clock_timestamp() END)
ON CONFLICT (engine) DO UPDATE
SET seen_at = clock_timestamp(),
    full_since = CASE WHEN $2::bool THEN coalesce(f.full_since, clock_timestamp()) END,
    was_full_from = CASE WHEN NOT $2::bool AND f.full_since <= f.seen_at - interval '15 minutes' THEN f.full_since
                         ELSE f.was_full_from END,
    was_full_until = CASE WHEN NOT $2::bool AND f.full_since <= f.seen_at - interval '15 minutes' THEN f.seen_at
                          ELSE f.was_full_until END;

-- name: forget_engines
DELETE FROM engine_fullness WHERE seen_at < clock_timestamp() - interval '2 days';

-- name: fullness
-- For which time all engines that live were full, if there was one.
SELECT extract(epoch FROM max(coalesce(f.full_since, f.was_full_from)))::float8 AS begin,
       extract(epoch FROM min(CASE WHEN f.full_since IS NULL THEN f.was_full_until ELSE f.seen_at END))::float8 AS end,
       count(*) AS engines
FROM engines e LEFT JOIN engine_fullness f ON f.engine = e.name
WHERE e.lease_until > clock_timestamp()
HAVING bool_and(coalesce(f.full_since, f.was_full_from) IS NOT NULL);
