from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from app.domain.handlers import Attempt

EXECUTION = UUID("019a0000-0000-7000-8000-000000000001")


@pytest.fixture
def reports() -> list[tuple[float | None, str]]:
    """What the attempts of a test have reported of their progress."""
    return []


@pytest.fixture
def attempt(reports: list[tuple[float | None, str]]) -> Callable[..., Attempt]:
    """Makes an attempt of one and the same execution; any field can be given."""

    def made(**fields: Any) -> Attempt:
        known = {
            "execution_id": EXECUTION,
            "workflow_id": 3,
            "task_id": 7,
            "task_name": "step",
            "number": 1,
            "config": {},
            "input": {},
            "upstream": {},
            "first_started_at": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
            "timeout_seconds": None,
            "report": lambda percent, message: reports.append((percent, message)),
            "tenant": "default",
        }
        return Attempt(**{**known, **fields})

    return made
