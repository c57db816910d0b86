"""Ids of this dialect are strings. That of a task of an execution is `execution/task`."""

from uuid import UUID

from app.domain.errors import Invalid
from app.domain.refs import MAX_ID

LONGEST = len(str(MAX_ID))
"""Digits. Python refuses to parse very long numbers, and the database has 64 bits."""


def agent_number(text: str, field: str = "agent_id") -> int:
    """Raise `Invalid` for a text that no agent has as its id."""
    return _number(text, field)


def suggestion_number(text: str, field: str = "suggestion") -> int:
    """Raise `Invalid` for a text that no suggestion has as its id."""
    return _number(text, field)


def task_id(execution_id: UUID, task: int) -> str:
    return f"{execution_id}/{task}"


def _number(text: str, field: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= LONGEST and 0 < int(text) <= MAX_ID):
        raise Invalid.at(field, "must be a number from 1 on, in digits")
    return int(text)
