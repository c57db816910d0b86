"""Measures DBOS: workflows and steps are coroutines, called in the process that runs them.

python -m bench.peers.dbos_program DATABASE_URL THREADS

Runs in its own environment. THREADS limits the threads for its database calls; 0 keeps the default.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Any, TextIO

import uvloop
from dbos import DBOS

from bench.closed_loop import Load, closed_loop
from bench.program import answer_requests, take_stdout

Workflow = Callable[[], Awaitable[None]]


async def nothing() -> None:
    """A step without work."""


def workflows() -> dict[str, Workflow]:
    step: Workflow = DBOS.step()(nothing)

    async def seq3() -> None:
        for _ in range(3):
            await step()

    async def seq100() -> None:
        for _ in range(100):
            await step()

    async def fan10() -> None:
        await step()
        await asyncio.gather(*(step() for _ in range(10)))
        await step()

    return {function.__name__: DBOS.workflow()(function) for function in (seq3, seq100, fan10)}


async def _measure(known: dict[str, Workflow], request: dict[str, Any], load: Load) -> dict[str, Any]:
    async def operation() -> None:
        await known[request["work"]]()

    return (await closed_loop(operation, load)).summary()


async def _serve(channel: TextIO, database_url: str, threads: int) -> None:
    more = {"max_executor_threads": threads} if threads else {}
    DBOS(config={"name": "bench", "system_database_url": database_url, "log_level": "ERROR", **more})
    known = workflows()
    DBOS.launch()
    try:
        await answer_requests(channel, lambda request, load: _measure(known, request, load))
    finally:
        DBOS.destroy()


if __name__ == "__main__":
    uvloop.run(_serve(take_stdout(), sys.argv[1], int(sys.argv[2])))
