"""Fills a database with finished executions, by SQL: copies of a real one with older ids."""

import time

import asyncpg

from bench.stores import connect
from bench.work.alone import engine_in_process, run_one

AT_ONCE = 50_000
OLDER_MS = 86_400_000

COPY_STATEMENT = """
SELECT format('INSERT INTO %1$I (%2$I, %3$s) SELECT %4$s, %5$s FROM %1$I t, generate_series($2::bigint, $3::bigint) n '
              'WHERE t.%2$I = $1 ORDER BY n',
              $1::text, $2::text,
              string_agg(format('%I', a.attname), ', ' ORDER BY a.attnum),
              $3::text,
              string_agg(format('t.%I', a.attname), ', ' ORDER BY a.attnum))
FROM pg_attribute a
WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND a.attname <> $2
"""

NEW_ID = (
    "(lpad(to_hex({oldest} + n), 12, '0') || '7000' || '8000' || lpad(to_hex(n), 12, '0'))::uuid"  # ids sort by time
)


async def fill(database_url: str, executions: int, work: str = "seq3") -> None:
    """Store that many finished executions of `work`, then vacuum and flush the database."""
    async with engine_in_process(database_url) as process:
        await run_one(process.executions, work)
    new_id = NEW_ID.format(oldest=int(time.time() * 1000) - OLDER_MS - executions)
    async with connect(database_url) as connection:
        pattern = await connection.fetchval("SELECT id FROM executions WHERE finished_at IS NOT NULL LIMIT 1")
        for table, column in (("executions", "id"), ("execution_events", "execution_id")):
            statement = await connection.fetchval(COPY_STATEMENT, table, column, new_id)
            await _copy(connection, statement, pattern, executions)
        await connection.execute("VACUUM ANALYZE")
        await connection.execute("CHECKPOINT")


async def _copy(connection: asyncpg.Connection, statement: str, pattern: object, executions: int) -> None:
    for first in range(1, executions + 1, AT_ONCE):
        await connection.execute(statement, pattern, first, min(first + AT_ONCE - 1, executions), timeout=None)
