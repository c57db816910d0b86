"""A python task whose attempts wait until the file named by GATE exists."""

import asyncio
import os
import threading
import time
from pathlib import Path

from app.tasks import Attempt, task_function

POLL_SECONDS = 0.2


@task_function("test.gated_by_file")
async def gated_by_file(attempt: Attempt) -> dict[str, int]:
    gate = Path(os.environ["GATE"])
    while not gate.exists():
        await asyncio.sleep(POLL_SECONDS)
    return {"attempt": attempt.number}


@task_function("test.gated_thread")
def gated_thread(attempt: Attempt) -> dict[str, int]:
    """As `gated_by_file`, in a thread."""
    gate = Path(os.environ["GATE"])
    while not gate.exists():
        time.sleep(POLL_SECONDS)
    return {"attempt": attempt.number}


@task_function("test.thread_name")
def thread_name() -> str:
    return threading.current_thread().name
