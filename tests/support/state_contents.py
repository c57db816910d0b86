"""All that the state of an execution holds, to compare two states."""

from typing import Any

from app.engine.deciding.state import ExecutionState


def contents(state: ExecutionState) -> dict[str, Any]:
    """By the names of its fields; those of its course in a dict of its own."""
    found = _fields(state, leave_out={"plan", "course"})
    return found | {"course": _fields(state.course, leave_out={"_plan", "_route", "_tasks"})}


def _fields(value: Any, leave_out: set[str]) -> dict[str, Any]:
    return {name: getattr(value, name) for name in type(value).__slots__ if name not in leave_out}
