"""How long an execution only waits: the database can hold it until then."""

from datetime import datetime, timedelta

from app.domain.states import TaskStatus
from app.engine.deciding.state import ExecutionState


def must_end_by(state: ExecutionState) -> datetime | None:
    """When the execution fails if it has not ended; None when it has no such limit, or is ending."""
    seconds = state.plan.timeout_seconds
    if seconds is None or state.started_at is None or state.is_stopping or state.is_final:
        return None
    return state.started_at + timedelta(seconds=seconds)


def only_waits(state: ExecutionState) -> bool:
    """False while a handler runs."""
    return all(state.tasks[index].only_waits for index in state.open)


def waits_until(state: ExecutionState) -> datetime | None:
    """When an execution that only waits continues by itself; None when it needs a command."""
    tasks = [state.tasks[index] for index in state.open]
    # A pause holds retries back, but not the end of a wait, nor the deadline.
    held = TaskStatus.RETRYING if state.is_paused else None
    dues = [task.due_at for task in tasks if task.due_at is not None and task.status is not held]
    if (limit := must_end_by(state)) is not None:
        dues.append(limit)
    return min(dues, default=None)
