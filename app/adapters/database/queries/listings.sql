-- name: workflows
SELECT m.tenant_id, m.id, m.key, m.name, r.snapshot->>'version' AS version, r.snapshot->>'description' AS description,
       r.snapshot->'metadata' AS metadata, true AS is_active, m.revision, m.created_at, m.updated_at
FROM machines m
JOIN machine_revisions r ON r.tenant_id = m.tenant_id AND r.machine_id = m.id AND r.revision = m.revision;

-- name: workflow_states
SELECT m.tenant_id, m.id::text || ':' || s.place AS id, m.id AS workflow_definition_id, m.name AS workflow_name,
       s.place::int AS position, s.document->>'name' AS name, (s.document->>'initial')::boolean AS is_initial,
       (s.document->>'final')::boolean AS is_final, s.document->>'description' AS description,
       s.document->'metadata' AS metadata
FROM machines m
JOIN machine_revisions r ON r.tenant_id = m.tenant_id AND r.machine_id = m.id AND r.revision = m.revision
CROSS JOIN LATERAL json_array_elements(r.snapshot->'states') WITH ORDINALITY AS s (document, place);

-- name: workflow_transitions
SELECT m.tenant_id, m.id::text || ':' || t.place AS id, m.id AS workflow_definition_id, m.name AS workflow_name,
       t.place::int AS position, t.document->>'name' AS name, t.document->>'from' AS from_state,
       t.document->>'to' AS to_state, t.document->'conditions' AS conditions, t.document->'context' AS context,
       t.document->>'description' AS description, t.document->'metadata' AS metadata
FROM machines m
JOIN machine_revisions r ON r.tenant_id = m.tenant_id AND r.machine_id = m.id AND r.revision = m.revision
CROSS JOIN LATERAL json_array_elements(r.snapshot->'transitions') WITH ORDINALITY AS t (document, place);

-- name: entity_workflows
SELECT e.tenant_id, e.id, e.machine_id AS workflow_definition_id, m.name AS workflow_name, e.entity_table, e.entity_id,
       e.state AS current_state, CASE WHEN e.is_final THEN 'completed' ELSE 'active' END AS status, e.data AS metadata,
       e.sequence, e.created_at AS started_at, e.updated_at, e.completed_at
FROM entities e JOIN machines m ON m.tenant_id = e.tenant_id AND m.id = e.machine_id;

-- name: workflow_history
SELECT n.tenant_id, h.entity_id::text || ':' || h.sequence AS id, h.entity_id AS entity_workflow_instance_id,
       h.sequence, h.from_state, h.to_state, h.transition AS transition_name,
       coalesce(h.on_behalf_of, h.actor) AS executed_by, h.notes, h.context, h.data AS metadata,
       h.occurred_at AS executed_at
FROM entity_events h JOIN entities n ON n.id = h.entity_id
WHERE h.to_state IS NOT NULL;

-- name: machines_named
SELECT id FROM machines WHERE name = $2 AND tenant_id = :tenant LIMIT 2;
