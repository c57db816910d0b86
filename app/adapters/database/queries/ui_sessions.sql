-- name: find
SELECT * FROM find_ui_session($1);

-- name: ended
SELECT wanted.digest FROM unnest($1::bytea[]) AS wanted(digest)
WHERE NOT EXISTS (SELECT FROM find_ui_session(wanted.digest));

-- name: remove_ended
DELETE FROM ui_sessions WHERE tenant_id = :tenant AND expires_at <= clock_timestamp();

-- name: insert
INSERT INTO ui_sessions (tenant_id, digest, key_id, principal, role, groups, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, clock_timestamp() + $7::float8 * interval '1 second')
RETURNING id;

-- name: delete
DELETE FROM ui_sessions WHERE tenant_id = :tenant AND digest = $2 RETURNING id;
