"""The engine alone, started in this process, with calls of several tenants in turn.

python -m bench.tenants.engine DATABASE_URL TENANT_ID...
"""

import itertools
import sys
from collections.abc import Sequence
from typing import Any, TextIO

import uvloop

from app.adapters.logs import configure_logs
from app.engine.service import ExecutionService
from app.wiring.garbage import settle_garbage
from bench.closed_loop import Load, closed_loop
from bench.program import answer_requests, take_stdout
from bench.work.alone import engine_in_process, run_one

WORK = "seq3"


async def _measure(
    executions: ExecutionService, tenant_ids: Sequence[int], request: dict[str, Any], load: Load
) -> dict[str, Any]:
    turns = itertools.cycle(tenant_ids)
    return (await closed_loop(lambda: run_one(executions, request["work"], next(turns)), load)).summary()


async def _serve(channel: TextIO, database_url: str, tenant_ids: Sequence[int]) -> None:
    async with engine_in_process(database_url) as process:
        executions = process.executions
        for tenant_id in tenant_ids:
            # Each workflow is read and compiled before anything is measured.
            await run_one(executions, WORK, tenant_id)
        settle_garbage()
        await answer_requests(channel, lambda request, load: _measure(executions, tenant_ids, request, load))


if __name__ == "__main__":
    configure_logs("warning", "json")
    uvloop.run(_serve(take_stdout(), sys.argv[1], [int(tenant_id) for tenant_id in sys.argv[2:]]))
