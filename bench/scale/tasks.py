"""A task that waits without end, inside the engine's process. Each start writes a line to the file BENCH_TRACES."""

import asyncio
import os

from app.tasks import task_function

LINE = "{:15d}\n"


@task_function("bench.waits")
async def waits() -> None:
    if path := os.environ.get("BENCH_TRACES"):
        trace = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.write(trace, LINE.format(os.getpid()).encode())
        os.close(trace)
    await asyncio.Event().wait()
