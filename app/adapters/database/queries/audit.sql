-- name: append
-- Add an entry to the chain of tenant $1. The update locks the head row: a second writer waits for the first one's commit and
-- then continues with its hash. Locking the newest entry instead would let the
-- chain fork. The hash is that of `app/audit/chain.py`; $10 is the body. No row is returned if the tenant has no head row.
WITH head AS (
    UPDATE audit_heads
    SET number = number + 1,
        prev = hash,
        hash = sha256(hash || int8send(number + 1)
                      || int8send((extract(epoch FROM statement_timestamp()) * 1000000)::bigint) || $10::bytea)
    WHERE tenant_id = :tenant
    RETURNING number, prev, hash
), added AS (
    INSERT INTO audit_log (tenant_id, number, at, actor, actor_kind, action, target, request_id, ip, before, after, prev,
                           hash)
    SELECT $1::int, number, statement_timestamp(), $2::text, $3::text, $4::text, $5::text, $6::text, $7::text, $8::json,
           $9::json, prev, hash
    FROM head
)
SELECT number FROM head;

-- name: columns
-- A time that was set to what Python cannot represent is shown as the nearest one that it can.
SELECT tenant_id, number, least(greatest(at, '0001-01-02Z'::timestamptz), '9999-12-30Z'::timestamptz) AS at, actor,
       actor_kind, action, target, request_id, ip, before, after, prev, hash
FROM audit_log;

-- name: entries
-- Follows `columns`, as `chain` does.
WHERE tenant_id = :tenant AND number < $2
  AND ($3::text IS NULL OR actor = $3)
  AND ($4::text IS NULL OR action = $4)
  AND ($5::text IS NULL OR target = $5)
  AND ($6::timestamptz IS NULL OR at >= $6)
  AND ($7::timestamptz IS NULL OR at < $7)
ORDER BY number DESC
LIMIT $8;

-- name: chain
WHERE tenant_id = :tenant AND number > $2 AND number <= $3 ORDER BY number LIMIT $4;

-- name: head
SELECT number, hash FROM audit_heads WHERE tenant_id = :tenant;

-- name: heads
SELECT t.key AS tenant, h.number, h.hash FROM audit_heads h JOIN tenants t ON t.id = h.tenant_id ORDER BY h.tenant_id;
