"""Python tasks that leave a trace of every run in the file named by RECORDED_RUNS."""

import os
import time

from app.tasks import Attempt, task_function


@task_function("test.record_run")
def record_run(attempt: Attempt, seconds: float = 0.0) -> dict[str, int]:
    """One line per run, written before the work: `task attempt`."""
    with open(os.environ["RECORDED_RUNS"], "a", encoding="utf-8") as file:
        file.write(f"{attempt.task_name} {attempt.number}\n")
    time.sleep(seconds)
    return {"attempt": attempt.number}
