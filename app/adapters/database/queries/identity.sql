-- name: find
SELECT * FROM find_api_key($1, $2);

-- name: insert
-- Nothing is stored if there is no such tenant.
WITH made AS (
    INSERT INTO api_keys
        (tenant_id, prefix, digest, name, role, scopes, workflows, created_by, expires_at, rate_limit, groups)
    SELECT t.id, $2, $3, $4, $5, $6, $7, $8, clock_timestamp() + $9::float8 * interval '1 second', $10, $11
    FROM tenants t WHERE t.id = :tenant
    RETURNING *
)
SELECT made.*, t.key AS tenant FROM made JOIN tenants t ON t.id = made.tenant_id;

-- name: get
SELECT k.*, t.key AS tenant FROM api_keys k JOIN tenants t ON t.id = k.tenant_id WHERE k.tenant_id = :tenant AND k.id = $2;

-- name: lock
SELECT k.*, t.key AS tenant FROM api_keys k JOIN tenants t ON t.id = k.tenant_id WHERE k.tenant_id = :tenant AND k.id = $2
FOR UPDATE OF k;

-- name: list
SELECT k.*, t.key AS tenant
FROM api_keys k JOIN tenants t ON t.id = k.tenant_id
WHERE k.tenant_id = :tenant
ORDER BY k.id DESC OFFSET $2 LIMIT $3;

-- name: count
SELECT count(*) FROM api_keys WHERE tenant_id = :tenant;

-- name: rotate
-- The old key ends after the overlap, unless it ends earlier. Of two rotations at once the second one waits for the row
-- and then makes a further key, as two rotations one after the other do.
WITH old AS (
    UPDATE api_keys
    SET expires_at = least(expires_at, clock_timestamp() + $7 * interval '1 second')
    WHERE tenant_id = :tenant AND id = $2 AND revoked_at IS NULL
      AND (expires_at IS NULL OR expires_at > clock_timestamp())
    RETURNING *
), made AS (
    INSERT INTO api_keys
        (tenant_id, prefix, digest, name, role, scopes, workflows, created_by, expires_at, replaces_id, rate_limit,
         groups)
    SELECT tenant_id, $3, $4, name, role, scopes, workflows, $5, clock_timestamp() + $6::float8 * interval '1 second', id,
           rate_limit, groups
    FROM old
    RETURNING *
)
SELECT made.*, t.key AS tenant FROM made JOIN tenants t ON t.id = made.tenant_id;

-- name: revoke
WITH ended AS (
    UPDATE api_keys SET revoked_at = clock_timestamp() WHERE tenant_id = :tenant AND id = $2 RETURNING *
)
SELECT ended.*, t.key AS tenant FROM ended JOIN tenants t ON t.id = ended.tenant_id;

-- name: touch
SELECT touch_api_keys($1);

-- name: ended_keys
SELECT id FROM ended_api_keys($1, $2);

-- name: ended_tenants
SELECT wanted.id
FROM unnest($1::int[]) AS wanted(id) LEFT JOIN tenants t ON t.id = wanted.id
WHERE t.id IS NULL OR t.suspended_at IS NOT NULL;

-- name: has_valid_key
SELECT EXISTS (
    SELECT FROM api_keys
    WHERE tenant_id = :tenant AND role = ANY($2::text[]) AND revoked_at IS NULL
      AND (expires_at IS NULL OR expires_at > clock_timestamp())
);

-- name: tenant
SELECT * FROM tenants WHERE key = $1;

-- name: lock_tenant
SELECT * FROM tenants WHERE key = $1 FOR UPDATE;

-- name: insert_tenant
INSERT INTO tenants (key, name) VALUES ($1, $2) RETURNING *;

-- name: change_tenant
-- $2 are the names of the limits that change.
UPDATE tenants SET
    max_running = CASE WHEN 'max_running' = ANY($2::text[]) THEN $3::int ELSE max_running END,
    starts_per_second = CASE WHEN 'starts_per_second' = ANY($2::text[]) THEN $4::int ELSE starts_per_second END,
    max_definitions = CASE WHEN 'max_definitions' = ANY($2::text[]) THEN $5::int ELSE max_definitions END,
    suspended_at = CASE WHEN $6::bool THEN coalesce(suspended_at, clock_timestamp())
                        WHEN NOT $6::bool THEN NULL ELSE suspended_at END
WHERE key = $1
RETURNING *;

-- name: limits
-- There is a row also when no tenant has a limit.
SELECT known.engines, known.several, t.id, t.max_running, t.starts_per_second, t.max_definitions
FROM (SELECT (SELECT count(*) FROM engines WHERE lease_until > clock_timestamp()) AS engines,
             (SELECT count(*) > 1 FROM (SELECT FROM tenants LIMIT 2) AS two) AS several) AS known
LEFT JOIN tenants t ON coalesce(t.max_running, t.starts_per_second, t.max_definitions) IS NOT NULL;

-- name: list_tenants
SELECT * FROM tenants ORDER BY id OFFSET $1 LIMIT $2;

-- name: count_tenants
SELECT count(*) FROM tenants;

-- name: workflow_key_by_id
SELECT key FROM workflows WHERE id = $2 AND tenant_id = :tenant;

-- name: workflow_key_of_execution
SELECT w.key FROM executions e JOIN workflows w ON w.id = e.workflow_id WHERE e.id = $2 AND e.tenant_id = :tenant;

-- name: workflow_key_of_schedule_by_id
SELECT w.key FROM schedules s JOIN workflows w ON w.id = s.workflow_id WHERE s.id = $2 AND s.tenant_id = :tenant;

-- name: workflow_key_of_schedule_by_key
SELECT w.key FROM schedules s JOIN workflows w ON w.id = s.workflow_id WHERE s.key = $2 AND s.tenant_id = :tenant;
