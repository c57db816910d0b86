"""Measures Celery: chains and chords on Redis, prefork workers; each caller is a thread that waits for its result.

    python -m bench.peers.celery_program

Runs in its own environment, with BENCH_CELERY_URL. It is not durable: Redis stores nothing on disk, and tasks are
acknowledged before they run.
"""

import asyncio
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, TextIO

from celery import chain, group

from bench.closed_loop import Load, closed_loop
from bench.peers.celery_tasks import nothing
from bench.program import answer_requests, take_stdout

RESULT_SECONDS = 60
STOP_SECONDS = 10


def run_one(work: str) -> None:
    """Submit the work and wait for its result in one thread: each thread has its own connection to the results."""
    signature = nothing.si()
    if work == "fan10":
        canvas = chain(signature, group([signature] * 10), signature)
    else:
        canvas = chain([signature] * {"seq3": 3, "seq100": 100}[work])
    canvas.apply_async().get(timeout=RESULT_SECONDS)


async def _measure(worker: int, request: dict[str, Any], load: Load) -> dict[str, Any]:
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(load.concurrency) as threads:

        async def operation() -> None:
            await loop.run_in_executor(threads, run_one, request["work"])

        watched = {**load.watched, "worker": [worker]}
        return (await closed_loop(operation, replace(load, watched=watched))).summary()


async def _serve(channel: TextIO) -> None:
    options = ("--pool=prefork", f"--concurrency={os.cpu_count()}", "--loglevel=error")
    quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat")
    command = [sys.executable, "-m", "celery", "-A", "bench.peers.celery_tasks", "worker", *options, *quiet]
    worker = await asyncio.to_thread(subprocess.Popen, command, stdin=subprocess.DEVNULL)
    try:
        await asyncio.to_thread(run_one, "seq3")
        await answer_requests(channel, lambda request, load: _measure(worker.pid, request, load))
    finally:
        worker.terminate()
        try:
            worker.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            worker.kill()


if __name__ == "__main__":
    asyncio.run(_serve(take_stdout()))
