from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from app.domain.handlers import Attempt
from app.tasks.functions import TaskFunction
from app.tasks.python import PythonHandler

STARTED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def attempt() -> Callable[..., Attempt]:
    """Makes an attempt of task 7 with the given config; any other field can be given too."""

    def made(config: dict[str, Any] | None = None, **fields: Any) -> Attempt:
        known = {
            "execution_id": UUID("019a0000-0000-7000-8000-000000000001"),
            "workflow_id": 3,
            "task_id": 7,
            "task_name": "step",
            "number": 1,
            "config": config or {},
            "input": {"order": 12},
            "upstream": {"before": [1, 2]},
            "first_started_at": STARTED,
            "timeout_seconds": None,
            "report": lambda percent, message: None,
            "tenant": "default",
        }
        return Attempt(**{**known, **fields})

    return made


@pytest.fixture
async def handler() -> AsyncIterator[Callable[..., PythonHandler]]:
    """Makes a `python` handler with the given functions; its threads are told to end after the test."""
    made: list[PythonHandler] = []

    def build(threads: int = 2, **functions: Callable[..., Any]) -> PythonHandler:
        named = {name: TaskFunction(call) for name, call in functions.items()}
        made.append(PythonHandler({"default": named}, threads))
        return made[-1]

    yield build
    for one in made:
        await one.close()
