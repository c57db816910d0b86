"""Three functions for a first flow: fetch, process, store. Flows call them by the names `task1`, `task2` and `task3`.

Each uses the outputs of earlier tasks, and fails if they are missing.
"""

from collections.abc import Mapping
from typing import Any

from app.tasks import Attempt, TaskError, task_function

SAMPLE = (3, 1, 2)


@task_function("task1")
def fetch(attempt: Attempt) -> dict[str, Any]:
    """The list `data` of the execution's input, or a sample if the input has none."""
    data = attempt.input.get("data", list(SAMPLE))
    if not isinstance(data, list):
        raise TaskError("no_data", "the input's `data` is no list", retryable=False)
    return {"data": data}


@task_function("task2")
def process(attempt: Attempt) -> dict[str, Any]:
    """The fetched elements in reverse order, and their number."""
    data = _from_upstream(attempt, "data")
    return {"processed": data[::-1], "count": len(data)}


@task_function("task3")
def store(attempt: Attempt) -> dict[str, Any]:
    """Report that the data is stored. The history keeps every output, so nothing else needs to be written."""
    _from_upstream(attempt, "processed")
    return {"stored": True}


def _from_upstream(attempt: Attempt, name: str) -> Any:
    for output in attempt.upstream.values():
        if isinstance(output, Mapping) and name in output:
            return output[name]
    raise TaskError("no_data", f"no task before {attempt.task_name!r} has returned `{name}`", retryable=False)
