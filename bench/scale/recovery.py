"""The time until all running executions continue on another engine after theirs is killed."""

import asyncio
import os
import signal
import time
from pathlib import Path

from bench.house import Figure, House
from bench.running import ProgramFailed
from bench.scale.tasks import LINE
from bench.scale.waiting import RUNNING, start_many, until_count
from bench.service import grpc_process
from bench.stores import database
from bench.workflows import WAITS_IN_PYTHON, prepare_database

RECOVERY = "time until all run again after a kill"
POLL_SECONDS = 0.02
RECOVERY_SECONDS = 300.0


async def measure_recovery(house: House) -> list[Figure]:
    """Seconds from the kill to the start of the last task, including the lease, 10 s by default."""
    count = house.size.recovered
    if not count:
        return []
    traces = house.folder / "traces"
    settings = {
        "ENGINE_MAX_EXECUTIONS": str(2 * count),
        "PYTHON_MODULES": "bench.scale.tasks",
        "BENCH_TRACES": str(traces),
        "SHUTDOWN_SECONDS": "0",
    }
    async with database(house.stores.postgres_url, "recovery") as url:
        await prepare_database(url)
        async with grpc_process(house, url, **settings) as first:
            await start_many(first.port, WAITS_IN_PYTHON, count)
            await until_count(url, RUNNING, count)
            async with grpc_process(house, url, **settings) as second:
                os.kill(first.pid, signal.SIGKILL)
                seconds = await _until_started(traces, second.pid, count)
    return [Figure(f"{RECOVERY}, {count:,} in flight", seconds, "s")]


async def _until_started(traces: Path, pid: int, count: int) -> float:
    began = time.perf_counter()
    while (found := _starts(traces, pid)) < count:
        if time.perf_counter() - began > RECOVERY_SECONDS:
            raise ProgramFailed(f"only {found} of {count} executions run again after {RECOVERY_SECONDS:g} s")
        await asyncio.sleep(POLL_SECONDS)
    return time.perf_counter() - began


def _starts(traces: Path, pid: int) -> int:
    """The number of tasks that the process has started."""
    return traces.read_text().count(LINE.format(pid))
