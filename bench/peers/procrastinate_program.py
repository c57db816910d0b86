"""Measures Procrastinate: each job defers the next one; worker and caller share a process.

    python -m bench.peers.procrastinate_program DATABASE_URL

Runs in its own environment. It has no workflows, so the fan is joined in memory, which costs less than a durable join.
"""

import asyncio
import itertools
import sys
from contextlib import suppress
from typing import Any, TextIO

import uvloop
from procrastinate import App, PsycopgConnector

from bench.closed_loop import Load, closed_loop
from bench.program import answer_requests, take_stdout

CONCURRENCY = 32
POOL = 20
POLL_SECONDS = 0.1


class Jobs:
    """The jobs of one app. A run has a future until it ends; `_joined` counts the ended branches of a fan."""

    def __init__(self, app: App) -> None:
        self._ended: dict[int, asyncio.Future[None]] = {}
        self._joined: dict[int, int] = {}
        self._numbers = itertools.count()
        self._step: Any = app.task(name="step")(self._run_step)
        self._first: Any = app.task(name="first")(self._run_first)
        self._branch: Any = app.task(name="branch")(self._run_branch)

    async def run(self, work: str) -> None:
        number, ended = next(self._numbers), asyncio.get_running_loop().create_future()
        self._ended[number] = ended
        if work == "fan10":
            await self._first.defer_async(run=number)
        else:
            await self._step.defer_async(run=number, left={"seq3": 3, "seq100": 100}[work])
        await ended

    async def _run_step(self, run: int, left: int) -> None:
        if left > 1:
            await self._step.defer_async(run=run, left=left - 1)
        else:
            self._ended.pop(run).set_result(None)

    async def _run_first(self, run: int) -> None:
        self._joined[run] = 0
        await self._branch.batch_defer_async(*({"run": run} for _ in range(10)))

    async def _run_branch(self, run: int) -> None:
        self._joined[run] += 1
        if self._joined[run] == 10:
            del self._joined[run]
            await self._step.defer_async(run=run, left=1)


async def _measure(jobs: Jobs, request: dict[str, Any], load: Load) -> dict[str, Any]:
    return (await closed_loop(lambda: jobs.run(request["work"]), load)).summary()


async def _serve(channel: TextIO, database_url: str) -> None:
    app = App(connector=PsycopgConnector(conninfo=database_url, min_size=4, max_size=POOL))
    jobs = Jobs(app)
    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        options = {"concurrency": CONCURRENCY, "fetch_job_polling_interval": POLL_SECONDS}
        worker = asyncio.create_task(app.run_worker_async(**options, install_signal_handlers=False))
        await answer_requests(channel, lambda request, load: _measure(jobs, request, load))
        worker.cancel()
        with suppress(asyncio.CancelledError):
            await worker


if __name__ == "__main__":
    uvloop.run(_serve(take_stdout(), sys.argv[1]))
