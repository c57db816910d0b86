"""Which task of which execution has started an execution as its child.

The link is a part of the child's idempotency key. Nothing else knows its form, except the two statements that search by
it: the filter by parent in `app/adapters/database/executions.py`, and `remove` in `queries/retention.sql`.
"""

import re
from dataclasses import dataclass
from uuid import UUID

from app.domain.executions import Execution

_KEY = re.compile(r"child:([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/(\d{1,19})(?:@\d+)?(?:\[\d+\])?:\d+")


@dataclass(frozen=True, slots=True)
class Parent:
    """The task that has started a child."""

    execution_id: UUID
    task_id: int


def child_key(task_key: str, number: int) -> str:
    """The idempotency key of a child.

    task_key: that of the attempt (`Attempt.task_key`); it begins with the ids of its execution and its task.
    number: counts the children of the task, from 1.
    """
    return f"child:{task_key}:{number}"


def parent_of(execution: Execution) -> Parent | None:
    """None for an execution that no task has started."""
    found = _KEY.fullmatch(execution.idempotency_key or "")
    return None if found is None else Parent(UUID(found[1]), int(found[2]))
