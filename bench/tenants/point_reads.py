"""Reads of one execution by its id: by the statement as the APIs make it, and by the same without its tenant.

python -m bench.tenants.point_reads DATABASE_URL
"""

import itertools
import sys
from collections.abc import Sequence
from typing import Any, TextIO
from uuid import UUID

import uvloop

from app.adapters.database.pool import Pool, open_pool
from app.adapters.database.statements import load
from app.adapters.logs import configure_logs
from app.domain.callers import DEFAULT_TENANT_ID
from app.wiring.garbage import settle_garbage
from bench.closed_loop import Load, closed_loop
from bench.program import answer_requests, take_stdout
from bench.work.alone import engine_in_process, run_one

STORED = 100
BOUND = load("executions")["get"]
UNBOUND = BOUND.partition(" AND (SELECT set_config(")[0]
STATEMENTS = {"bound": BOUND, "unbound": UNBOUND}


async def _measure(pool: Pool, ids: Sequence[UUID], request: dict[str, Any], wanted: Load) -> dict[str, Any]:
    statement, turns = STATEMENTS[request["way"]], itertools.cycle(ids)

    async def read() -> None:
        if await pool.read_row(statement, DEFAULT_TENANT_ID, next(turns)) is None:
            raise RuntimeError("an execution is not there")

    return (await closed_loop(read, wanted)).summary()


async def _serve(channel: TextIO, database_url: str) -> None:
    async with engine_in_process(database_url) as process:
        for _ in range(STORED):
            await run_one(process.executions, "seq3")
    async with open_pool(database_url, 10, 20) as pool:
        ids = [row["id"] for row in await pool.read("SELECT id FROM executions WHERE tenant_id = 1 LIMIT $1", STORED)]
        settle_garbage()
        await answer_requests(channel, lambda request, wanted: _measure(pool, ids, request, wanted))


if __name__ == "__main__":
    configure_logs("warning", "json")
    uvloop.run(_serve(take_stdout(), sys.argv[1]))
