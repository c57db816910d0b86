"""The engine alone: started in this process, without gRPC; each call starts an execution and waits for its end.

python -m bench.work.alone DATABASE_URL
"""

import sys
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from typing import Any, TextIO

import uvloop

from app.adapters.database.walls.rules import API, ENGINE
from app.adapters.embedded.logins import login_url
from app.adapters.logs import configure_logs
from app.config import Settings
from app.domain.callers import ANONYMOUS, DEFAULT_TENANT_ID
from app.domain.refs import Ref
from app.domain.states import ExecutionStatus
from app.engine.service import ExecutionService
from app.engine.starting import StartRequest
from app.wiring.garbage import settle_garbage
from app.wiring.grpc_process import EngineProcess, open_engine_process
from bench.closed_loop import Load, closed_loop
from bench.program import answer_requests, take_stdout


@asynccontextmanager
async def engine_in_process(database_url: str) -> AsyncIterator[EngineProcess]:
    """A started engine with default settings, which is stopped at the end."""
    api, engine = login_url(database_url, API), login_url(database_url, ENGINE)
    settings = Settings(_env_file=None, database_url=api, engine_database_url=engine)
    async with open_engine_process(settings) as process:
        try:
            yield process
        finally:
            await process.engine.stop(0)


async def run_one(executions: ExecutionService, work: str, tenant_id: int = DEFAULT_TENANT_ID) -> None:
    """Raise `RuntimeError` when the execution does not complete."""
    caller = replace(ANONYMOUS, tenant_id=tenant_id)
    _, batches = await executions.execute(caller, StartRequest(Ref(tenant_id=tenant_id, key=work)))
    last = None
    async with aclosing(batches):
        async for updates in batches:
            last = updates[-1].event
    if last is None or last.status is not ExecutionStatus.COMPLETED:
        raise RuntimeError(f"an execution of {work} ended with {last}")


async def _measure(executions: ExecutionService, request: dict[str, Any], load: Load) -> dict[str, Any]:
    work = request["work"]
    return (await closed_loop(lambda: run_one(executions, work), load)).summary()


async def _serve(channel: TextIO, database_url: str) -> None:
    async with engine_in_process(database_url) as process:
        settle_garbage()
        await answer_requests(channel, lambda request, load: _measure(process.executions, request, load))


if __name__ == "__main__":
    configure_logs("warning", "json")
    uvloop.run(_serve(take_stdout(), sys.argv[1]))
