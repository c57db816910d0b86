"""Python tasks for a service under attack. Each run leaves a line in the file named by CHAOS_TRACES."""

import asyncio
import os
import time
from functools import cache

from app.tasks import Attempt, TaskError, task_function


@cache
def _traces() -> int:
    return os.open(os.environ["CHAOS_TRACES"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)


def _trace(attempt: Attempt) -> None:
    """One write, so that lines of several processes do not mix: `execution task attempt`."""
    os.write(_traces(), f"{attempt.execution_id} {attempt.task_id} {attempt.number}\n".encode())


@task_function("chaos.in_thread")
def in_thread(attempt: Attempt, seconds: float = 0.0) -> dict[str, int]:
    _trace(attempt)
    time.sleep(seconds)
    return {"attempt": attempt.number}


@task_function("chaos.in_loop")
async def in_loop(attempt: Attempt, seconds: float = 0.0) -> dict[str, int]:
    _trace(attempt)
    attempt.report(50, "half-way")
    await asyncio.sleep(seconds)
    return {"attempt": attempt.number}


@task_function("chaos.fails_at_first")
async def fails_at_first(attempt: Attempt) -> dict[str, int]:
    _trace(attempt)
    if attempt.number == 1:
        raise TaskError("chaos", "the first attempt fails")
    return {"attempt": attempt.number}


@task_function("chaos.fails")
async def fails(attempt: Attempt) -> None:
    _trace(attempt)
    raise TaskError("chaos", "every attempt fails")
