-- name: ordered_by_key
-- Read rows in the order of the primary keys. Sorting a large table would take long, and much space on the disk.
SET LOCAL enable_sort = off;

-- name: executions
-- Return hashes of output and failure instead of the texts, which may be large: the check only compares them.
SELECT x.id, x.workflow_id, x.revision, x.status::text, x.started_at, x.finished_at, x.owner_id,
       EXISTS (SELECT FROM engines g WHERE g.id = x.owner_id) AS owner_exists,
       sha256(convert_to(x.output::text, 'UTF8'))::text AS output,
       sha256(convert_to(x.failure::text, 'UTF8'))::text AS failure,
       x.tenant_id,
       (SELECT r.tenant_id FROM workflow_revisions r
        WHERE r.workflow_id = x.workflow_id AND r.revision = x.revision) AS tenant_of_revision
FROM executions x
WHERE x.id BETWEEN $1 AND $2
ORDER BY x.id;

-- name: ids_like
-- $1 are hexadecimal digits, with which an id begins or ends.
SELECT id, status::text FROM executions
WHERE replace(id::text, '-', '') LIKE $1 || '%' OR replace(id::text, '-', '') LIKE '%' || $1
ORDER BY id DESC
LIMIT $2;

-- name: events
SELECT execution_id, sequence, type::text, occurred_at, status::text, progress_percent, task_id, attempt,
       CASE WHEN task_id IS NULL THEN sha256(convert_to(data::text, 'UTF8'))::text END AS data
FROM execution_events
WHERE execution_id BETWEEN $1 AND $2
ORDER BY execution_id, sequence;

-- name: commands
-- Commands whose execution does not exist, or which no engine removed although one had $3 seconds to do so.
SELECT c.execution_id, c.id, c.type, x.id IS NULL AS lost
FROM execution_commands c
LEFT JOIN executions x ON x.id = c.execution_id
WHERE c.execution_id BETWEEN $1 AND $2
  AND (x.id IS NULL
       OR greatest(c.created_at, x.finished_at, (SELECT min(g.started_at) FROM engines g
                                                  WHERE g.lease_until > clock_timestamp()))
          < clock_timestamp() - $3 * interval '1 second'
          AND x.finished_at IS NOT NULL
          AND EXISTS (SELECT FROM engines g WHERE g.lease_until > clock_timestamp()))
ORDER BY c.execution_id, c.id;

-- name: children
-- Each child with what its parent's row says; whether it is asked to stop is looked up only where it must be.
SELECT c.id, c.finished_at IS NOT NULL AS has_ended,
       CASE WHEN c.finished_at IS NULL AND p.finished_at IS NOT NULL THEN
           EXISTS (SELECT FROM execution_commands k WHERE k.execution_id = c.id AND k.type = 'cancel')
           OR EXISTS (SELECT FROM execution_events h WHERE h.execution_id = c.id AND h.type = 'cancel_requested')
       ELSE false END AS is_stopping,
       c.parent_task_id IS NOT NULL AS has_task, c.root_id, c.depth,
       p.id IS NOT NULL AS parent_exists, p.finished_at IS NOT NULL AS parent_has_ended,
       p.root_id AS parent_root_id, p.depth AS parent_depth, c.parent_id,
       c.tenant_id, p.tenant_id AS parent_tenant_id
FROM executions c LEFT JOIN executions p ON p.id = c.parent_id
WHERE c.parent_id IS NOT NULL AND c.id BETWEEN $1 AND $2;

-- name: large_families
-- Roots with more than $3 executions below them.
SELECT root_id, count(*) AS size FROM executions
WHERE root_id BETWEEN $1 AND $2
GROUP BY root_id HAVING count(*) > $3;

-- name: foreign_definitions
-- Revisions and schedules of another tenant than their workflow, and revisions of one workflow that differ.
SELECT format('revision %s of workflow %s is of tenant %s, the workflow of tenant %s',
              r.revision, r.workflow_id, r.tenant_id, w.tenant_id) AS sentence
FROM workflow_revisions r JOIN workflows w ON w.id = r.workflow_id AND w.tenant_id <> r.tenant_id
UNION ALL
SELECT format('the revisions of workflow %s are of the tenants %s', workflow_id,
              string_agg(DISTINCT tenant_id::text, ' and '))
FROM workflow_revisions GROUP BY workflow_id HAVING min(tenant_id) <> max(tenant_id)
UNION ALL
SELECT format('schedule %s is of tenant %s, its workflow %s of tenant %s', s.id, s.tenant_id, w.id, w.tenant_id)
FROM schedules s JOIN workflows w ON w.id = s.workflow_id AND w.tenant_id <> s.tenant_id;

-- name: revision_snapshot
SELECT snapshot FROM workflow_revisions WHERE workflow_id = $1 AND revision = $2;

-- name: feed_head
SELECT last, removed, complete_since FROM feed_head;

-- name: feed_rows
-- Those without a position are last: they will get the next ones, in the order of their ids.
SELECT id, last, events, body FROM feed ORDER BY last NULLS LAST, id;

-- name: feed_histories
-- Of each execution and each entity, the number of its last event, and of the first one after $1.
SELECT e.id, h.last, h.expected
FROM executions e
CROSS JOIN LATERAL (
    SELECT max(sequence) AS last, min(sequence) FILTER (WHERE occurred_at > $1) AS expected
    FROM execution_events WHERE execution_id = e.id
) h
WHERE h.last IS NOT NULL
UNION ALL
SELECT n.id, h.last, h.expected
FROM entities n
CROSS JOIN LATERAL (
    SELECT max(sequence) AS last, min(sequence) FILTER (WHERE occurred_at > $1) AS expected
    FROM entity_events WHERE entity_id = n.id
) h
WHERE h.last IS NOT NULL;

-- name: entities
SELECT id, tenant_id, machine_id, revision, state, sequence, is_final, data, entered_at, due_at, due_to, due_transition,
       automatic, created_at, updated_at, completed_at
FROM entities ORDER BY id;

-- name: entity_events
-- With what is stored of the execution that the event names; nothing once that was removed.
SELECT h.entity_id, h.sequence, h.type, h.occurred_at, h.from_state, h.to_state, h.actor, h.data, h.execution_id,
       x.tenant_id, x.idempotency_key
FROM entity_events h LEFT JOIN executions x ON x.id = h.execution_id
ORDER BY h.entity_id, h.sequence;

-- name: lost_entities
-- What is stored for entities that do not exist, or that they do not name: of other tables, the id and what it is.
SELECT x.id, format('execution %s was started by the entity, whose history does not name it', x.id) AS sentence
FROM executions x
WHERE x.idempotency_key ~ '^entity:[0-9a-f-]{36}:'
  AND NOT EXISTS (SELECT FROM entity_events h
                  WHERE h.entity_id = substring(x.idempotency_key FROM 8 FOR 36)::uuid AND h.execution_id = x.id)
UNION ALL
SELECT r.entity_id, format('the end of execution %s is awaited, which its history does not name', r.execution_id)
FROM entity_runs r
WHERE NOT EXISTS (SELECT FROM entity_events h WHERE h.entity_id = r.entity_id AND h.execution_id = r.execution_id)
UNION ALL
SELECT n.id, format('it is of tenant %s, its machine %s of tenant %s', n.tenant_id, m.id, m.tenant_id)
FROM entities n JOIN machines m ON m.id = n.machine_id AND m.tenant_id <> n.tenant_id;

-- name: machine_snapshot
SELECT snapshot FROM machine_revisions WHERE machine_id = $1 AND revision = $2;
