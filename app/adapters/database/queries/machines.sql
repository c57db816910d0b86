-- name: insert
INSERT INTO machines (tenant_id, key, name, revision, created_at, updated_at) VALUES ($1, $2, $3, 1, $4, $4)
RETURNING id;

-- name: insert_revision
INSERT INTO machine_revisions (machine_id, revision, snapshot, created_at, tenant_id, requested_by)
VALUES ($2, $3, $4::json, $5, $1, $6);

-- name: update
UPDATE machines SET key = $3, name = $4, revision = $5, updated_at = $6 WHERE id = $2 AND tenant_id = $1;

-- name: lock_by_id
SELECT id, revision FROM machines WHERE id = $2 AND tenant_id = $1 FOR UPDATE;

-- name: lock_by_key
SELECT id, revision FROM machines WHERE key = $2 AND tenant_id = $1 FOR UPDATE;

-- name: delete
DELETE FROM machines WHERE id = $2 AND tenant_id = $1;

-- name: get_by_id
SELECT r.snapshot FROM machines m JOIN machine_revisions r ON r.machine_id = m.id AND r.revision = m.revision
WHERE m.id = $2 AND m.tenant_id = :tenant;

-- name: get_by_key
SELECT r.snapshot FROM machines m JOIN machine_revisions r ON r.machine_id = m.id AND r.revision = m.revision
WHERE m.key = $2 AND m.tenant_id = :tenant;

-- name: revision
SELECT snapshot FROM machine_revisions WHERE machine_id = $2 AND revision = $3 AND tenant_id = :tenant;

-- name: count
SELECT count(*) FROM machines
WHERE tenant_id = :tenant AND ($2::text IS NULL OR name ILIKE $2) AND ($3::text IS NULL OR key = $3);

-- name: list
SELECT r.snapshot FROM machines m JOIN machine_revisions r ON r.machine_id = m.id AND r.revision = m.revision
WHERE m.tenant_id = :tenant AND ($2::text IS NULL OR m.name ILIKE $2) AND ($3::text IS NULL OR m.key = $3)
ORDER BY m.id OFFSET $4 LIMIT $5;

-- name: count_revisions
SELECT count(*) FROM machine_revisions WHERE machine_id = $2 AND tenant_id = :tenant;

-- name: revisions
SELECT machine_id, revision, snapshot->>'name' AS name, created_at, requested_by FROM machine_revisions
WHERE machine_id = $2 AND tenant_id = :tenant ORDER BY revision DESC OFFSET $3 LIMIT $4;
