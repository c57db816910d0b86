"""The least that a transition must do, in one transaction: lock a row, change it, add the row of an event.

python -m bench.machines.locked_rows DATABASE_URL
"""

import itertools
import sys
from typing import Any, TextIO
from uuid import UUID, uuid4

import asyncpg
import uvloop

from app.adapters.database_url import driver_dsn
from bench.closed_loop import Load, closed_loop
from bench.program import answer_requests, take_stdout

CONNECTIONS = 10
"""As many as the service has."""

TABLES = """
CREATE TABLE IF NOT EXISTS bare_entities (id uuid PRIMARY KEY, state text NOT NULL, sequence int NOT NULL);
CREATE TABLE IF NOT EXISTS bare_events (entity_id uuid, sequence int, state text, PRIMARY KEY (entity_id, sequence));
"""
LOCK = "SELECT state, sequence FROM bare_entities WHERE id = $1 FOR UPDATE"
UPDATE = "UPDATE bare_entities SET state = $2, sequence = $3 WHERE id = $1"
EVENT = "INSERT INTO bare_events (entity_id, sequence, state) VALUES ($1, $3, $2)"


async def _move(pool: asyncpg.Pool, entity_id: UUID) -> None:
    async with pool.acquire() as connection, connection.transaction():
        row = await connection.fetchrow(LOCK, entity_id)
        assert row is not None
        for statement in (UPDATE, EVENT):
            await connection.execute(statement, entity_id, row["state"], row["sequence"] + 1)


async def _measure(pool: asyncpg.Pool, request: dict[str, Any], wanted: Load) -> dict[str, Any]:
    """Of as many entities as there are callers, or of a single one."""
    ids = [uuid4() for _ in range(1 if request["is_shared"] else wanted.concurrency)]
    await pool.executemany("INSERT INTO bare_entities VALUES ($1, 'open', 1)", [(entity_id,) for entity_id in ids])
    turns = itertools.cycle(ids)
    return (await closed_loop(lambda: _move(pool, next(turns)), wanted)).summary()


async def _serve(channel: TextIO, database_url: str) -> None:
    async with asyncpg.create_pool(driver_dsn(database_url), min_size=CONNECTIONS, max_size=CONNECTIONS) as pool:
        await pool.execute(TABLES)
        await answer_requests(channel, lambda request, wanted: _measure(pool, request, wanted))


if __name__ == "__main__":
    uvloop.run(_serve(take_stdout(), sys.argv[1]))
