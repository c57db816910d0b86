-- name: engine
-- The lock on the engine's own lease row is the fence: an engine that takes over its executions deletes that row first.
engine AS MATERIALIZED (
    SELECT id FROM engines WHERE id = $1 FOR KEY SHARE
);

-- name: fence
-- True when every step of the batch may be stored. $11 lists the executions that this engine must own.
fence AS MATERIALIZED (
    SELECT count(*) = cardinality($11::uuid[]) AS open
    FROM engine, executions e WHERE e.id = ANY ($11::uuid[]) AND e.owner_id = engine.id
);

-- name: fence_of_openings
-- As `fence`, and the current revision of each opening's workflow is the one that the opening expects.
fence AS MATERIALIZED (
    SELECT (SELECT count(*) FROM engine, executions e WHERE e.id = ANY ($11::uuid[]) AND e.owner_id = engine.id)
               = cardinality($11::uuid[])
           AND (SELECT count(*) FROM engine, unnest($20::bigint[], $21::int[]) AS o (workflow_id, revision)
                JOIN workflows w ON w.id = o.workflow_id AND w.revision = o.revision) = cardinality($20::bigint[])
           AS open
);

-- name: events
recorded AS (
    INSERT INTO execution_events (execution_id, sequence, type, occurred_at, status, progress_percent,
                                  task_id, attempt, data)
    SELECT v.execution_id, v.sequence, v.type::event_type, v.occurred_at, v.status::execution_status,
           v.progress_percent, v.task_id, v.attempt, v.data::json
    FROM unnest($2::uuid[], $3::int[], $4::text[], $5::timestamptz[], $6::text[], $7::smallint[],
                $8::bigint[], $9::smallint[], $10::text[])
             AS v (execution_id, sequence, type, occurred_at, status, progress_percent, task_id, attempt, data)
    WHERE (SELECT open FROM fence)
);

-- name: feed
-- One row of the feed for each commit, unless it has very many steps.
fed AS (
    INSERT INTO feed (events, body)
    SELECT v.events, v.body FROM unnest($12::int[], $13::bytea[]) AS v (events, body) WHERE (SELECT open FROM fence)
);

-- name: ends
ended AS (
    UPDATE executions e
    SET status = c.status::execution_status, finished_at = c.finished_at, output = c.output::json,
        failure = c.failure::json, owner_id = NULL
    FROM unnest($14::uuid[], $15::text[], $16::timestamptz[], $17::text[], $18::text[])
             AS c (id, status, finished_at, output, failure)
    WHERE e.id = c.id AND (SELECT open FROM fence)
);

-- name: openings
-- In the order of the idempotency keys, so that two engines that insert the same keys cannot deadlock. The tenant is that
-- of the workflow, which `fence_of_openings` has found.
opened AS (
    INSERT INTO executions (id, workflow_id, revision, idempotency_key, input, created_at, due_at, owner_id,
                            status, started_at, tenant_id, started_by)
    SELECT o.id, o.workflow_id, o.revision, o.idempotency_key, o.input::json, o.created_at, 'infinity', engine.id,
           o.status::execution_status, o.started_at, (SELECT w.tenant_id FROM workflows w WHERE w.id = o.workflow_id),
           o.started_by
    FROM engine,
         unnest($19::uuid[], $20::bigint[], $21::int[], $22::text[], $23::text[], $24::timestamptz[],
                $25::text[], $26::timestamptz[], $27::text[])
             AS o (id, workflow_id, revision, idempotency_key, input, created_at, status, started_at, started_by)
    WHERE (SELECT open FROM fence)
    ORDER BY o.workflow_id, o.idempotency_key
);

-- name: apart
-- Store those steps of a batch whose executions this engine still owns; `owned` has the ids of these executions.
-- The lock on the engine's own lease row is the fence: an engine that takes over its executions deletes that row first.
-- Openings are inserted in the order of the idempotency keys, so that two engines that insert the same keys cannot
-- deadlock.
engine AS MATERIALIZED (
    SELECT id FROM engines WHERE id = $1 FOR KEY SHARE
), opened AS (
    INSERT INTO executions (id, workflow_id, revision, idempotency_key, input, created_at, due_at, owner_id,
                            status, started_at, finished_at, output, failure, tenant_id, started_by)
    SELECT o.id, o.workflow_id, o.revision, o.idempotency_key, o.input::json, o.created_at, 'infinity',
           CASE WHEN o.finished_at IS NULL THEN engine.id END,
           o.status::execution_status, o.started_at, o.finished_at, o.output::json, o.failure::json, w.tenant_id,
           o.started_by
    FROM engine,
         unnest($2::uuid[], $3::bigint[], $4::int[], $5::text[], $6::text[], $7::timestamptz[],
                $8::text[], $9::timestamptz[], $10::timestamptz[], $11::text[], $12::text[], $13::text[])
             AS o (id, workflow_id, revision, idempotency_key, input, created_at,
                   status, started_at, finished_at, output, failure, started_by)
    JOIN workflows w ON w.id = o.workflow_id AND w.revision = o.revision
    ORDER BY o.workflow_id, o.idempotency_key
    ON CONFLICT DO NOTHING
    RETURNING id, tenant_id
), owned AS MATERIALIZED (
    SELECT id FROM opened
    UNION ALL
    SELECT e.id FROM engine, executions e WHERE e.id = ANY ($14::uuid[]) AND e.owner_id = engine.id
), recorded AS (
    INSERT INTO execution_events (execution_id, sequence, type, occurred_at, status, progress_percent,
                                  task_id, attempt, data)
    SELECT v.execution_id, v.sequence, v.type::event_type, v.occurred_at, v.status::execution_status,
           v.progress_percent, v.task_id, v.attempt, v.data::json
    FROM unnest($15::uuid[], $16::int[], $17::text[], $18::timestamptz[], $19::text[], $20::smallint[],
                $21::bigint[], $22::smallint[], $23::text[])
             AS v (execution_id, sequence, type, occurred_at, status, progress_percent, task_id, attempt, data)
    JOIN owned ON owned.id = v.execution_id
    RETURNING execution_id, sequence
), fed AS (
    INSERT INTO feed (events, body)
    SELECT sum(s.events), string_agg(uuid_send(s.execution_id) || int4send(s.first) || int4send(s.events), '')
    FROM (SELECT execution_id, min(sequence) AS first, count(*)::int AS events,
                 (row_number() OVER () - 1) / $35::int AS part
          FROM recorded GROUP BY execution_id) s
    GROUP BY s.part
), changed AS (
    UPDATE executions e
    SET status = c.status::execution_status,
        started_at = coalesce(e.started_at, c.started_at),
        finished_at = c.finished_at,
        output = c.output::json,
        failure = c.failure::json,
        owner_id = CASE WHEN c.finished_at IS NULL THEN e.owner_id END
    FROM engine,
         unnest($24::uuid[], $25::text[], $26::timestamptz[], $27::timestamptz[], $28::text[], $29::text[])
             AS c (id, status, started_at, finished_at, output, failure)
    WHERE e.id = c.id AND e.owner_id = engine.id
), parked AS (
    -- A command that arrived meanwhile has made the row due; least() keeps that time. It ignores nulls, and an owned row
    -- is due at infinity. So a command that this engine has not carried out is looked for, too: when the connection was lost
    -- with this step, the engine may have claimed the execution because of the command before the step arrives.
    UPDATE executions e
    SET owner_id = NULL,
        due_at = least(e.due_at, clock_timestamp() + p.seconds * interval '1 second', p.until,
                       CASE WHEN EXISTS (SELECT FROM execution_commands c
                                         WHERE c.execution_id = p.id AND c.id <> ALL ($30::bigint[]))
                            THEN least(clock_timestamp(), e.created_at) END)
    FROM engine, unnest($31::uuid[], $32::float8[], $33::timestamptz[], $34::int[]) AS p (id, seconds, until, after)
    WHERE e.id = p.id AND e.owner_id = engine.id
      AND NOT EXISTS (SELECT FROM execution_events h WHERE h.execution_id = p.id AND h.sequence > p.after)
), done AS (
    DELETE FROM execution_commands d USING owned WHERE d.execution_id = owned.id AND d.id = ANY ($30::bigint[])
);

-- name: stored
-- Return those of the given last events that are stored exactly as this engine wrote them.
SELECT v.execution_id
FROM unnest($1::uuid[], $2::int[], $3::text[], $4::timestamptz[]) AS v (execution_id, sequence, type, occurred_at)
JOIN execution_events h ON h.execution_id = v.execution_id AND h.sequence = v.sequence
WHERE h.type = v.type::event_type AND h.occurred_at = v.occurred_at;
