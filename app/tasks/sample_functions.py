"""Three functions that are always registered, so that a first flow needs no code: fetch, process, store.

Each uses the outputs of earlier tasks, and fails if they are missing.
"""

from collections.abc import Mapping
from typing import Any

from app.domain.handlers import Attempt, TaskError
from app.tasks.functions import TaskFunction

SAMPLE = (3, 1, 2)


def fetch(attempt: Attempt) -> dict[str, Any]:
    """The list `data` of the execution's input, or a sample if the input has none."""
    data = attempt.input.get("data", list(SAMPLE))
    if not isinstance(data, list):
        raise TaskError("no_data", "the input's `data` is no list", retryable=False)
    return {"data": data}


def process(attempt: Attempt) -> dict[str, Any]:
    """The fetched elements in reverse order, and their number."""
    data = _from_upstream(attempt, "data")
    return {"processed": data[::-1], "count": len(data)}


def store(attempt: Attempt) -> dict[str, Any]:
    """Report that the data is stored. The history keeps every output, so nothing else needs to be written."""
    _from_upstream(attempt, "processed")
    return {"stored": True}


def _from_upstream(attempt: Attempt, name: str) -> Any:
    for output in attempt.upstream.values():
        if isinstance(output, Mapping) and name in output:
            return output[name]
    raise TaskError("no_data", f"no task before {attempt.task_name!r} has handed on `{name}`", retryable=False)


SAMPLE_FUNCTIONS: Mapping[str, TaskFunction] = {
    "task1": TaskFunction(fetch),
    "task2": TaskFunction(process),
    "task3": TaskFunction(store),
}
