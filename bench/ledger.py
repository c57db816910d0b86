"""What work adds to a database: bytes stored, bytes of write-ahead log, writing transactions."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from bench.stores import connect

COUNTERS = """
SELECT (SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'm') AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema') AS stored,
       (pg_current_wal_insert_lsn() - '0/0')::bigint AS wal,
       pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS transactions
"""


@dataclass(frozen=True, slots=True)
class Counters:
    """Counters of a database.

    stored: bytes of the tables with their indexes, without vacuum.
    wal, transactions: of the whole server.
    """

    stored: int
    wal: int
    transactions: int


async def read_counters(database_url: str) -> Counters:
    async with connect(database_url) as connection:
        row = await connection.fetchrow(COUNTERS)
    assert row is not None
    return Counters(*row)


async def with_ledger(database_url: str, measure: Callable[[], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
    """The result of `measure`, together with what it added to the database."""
    before = await read_counters(database_url)
    answer = await measure()
    after = await read_counters(database_url)
    return {
        **answer,
        "stored_bytes": after.stored - before.stored,
        "wal_bytes": after.wal - before.wal,
        "commits": after.transactions - before.transactions,
    }
