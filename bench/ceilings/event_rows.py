"""Ceiling (b): one asyncpg connection that inserts the event rows of executions with COPY, one commit per batch.

    python -m bench.ceilings.event_rows DATABASE_URL

The rows are those of a real execution with new ids. The table is like the one of the service, with its key and checks.
A request is `empty`, to empty the table, or `write`, with `batch`, the number of executions per commit.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TextIO
from uuid import UUID

import asyncpg
import uvloop

from app.engine.identifiers import new_execution_id
from bench.closed_loop import Load, closed_loop
from bench.program import answer_requests, take_stdout
from bench.stores import connect

TABLE = "bare_events"
READ_ONE = """
SELECT * FROM execution_events
WHERE execution_id = (SELECT e.id FROM executions e JOIN workflows w ON w.id = e.workflow_id
                      WHERE w.key = 'seq3' AND e.finished_at IS NOT NULL LIMIT 1)
ORDER BY sequence
"""


@dataclass(frozen=True, slots=True)
class Writer:
    connection: asyncpg.Connection
    rows: Sequence[asyncpg.Record]

    async def write(self, executions: int) -> None:
        names = list(self.rows[0].keys())
        records = [self._with_id(row, new_id) for new_id in _new_ids(executions) for row in self.rows]
        await self.connection.copy_records_to_table(TABLE, records=records, columns=names)

    def _with_id(self, row: asyncpg.Record, new_id: UUID) -> tuple[Any, ...]:
        return tuple(new_id if name == "execution_id" else value for name, value in row.items())

    async def answer(self, request: dict[str, Any], load: Load) -> dict[str, Any]:
        if request["do"] == "empty":
            await self.connection.execute(f"TRUNCATE {TABLE}")
            return {}
        batch: int = request["batch"]
        measured = await closed_loop(lambda: self.write(batch), load)
        measured.operations *= batch
        measured.total *= batch
        return measured.summary()


def _new_ids(count: int) -> list[UUID]:
    return [new_execution_id() for _ in range(count)]


async def _serve(channel: TextIO, database_url: str) -> None:
    async with connect(database_url) as connection:
        await connection.execute(f"CREATE TABLE IF NOT EXISTS {TABLE} (LIKE execution_events INCLUDING ALL)")
        writer = Writer(connection, await connection.fetch(READ_ONE))
        await answer_requests(channel, writer.answer)


if __name__ == "__main__":
    uvloop.run(_serve(take_stdout(), sys.argv[1]))
