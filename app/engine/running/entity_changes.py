"""What the steps of an execution change for entities."""

from collections.abc import Sequence

from app.domain.events import Event, EventType
from app.domain.executions import Execution
from app.domain.handlers import ENTITY_STATE
from app.engine.deciding.state import ExecutionState
from app.engine.ports import EntityChange, RowChange


def entity_change(
    execution: Execution, state: ExecutionState, events: Sequence[Event], change: RowChange | None
) -> EntityChange | None:
    """What `events`, which `state` has taken already, change for entities; None for nothing, as nearly always."""
    ends = execution.is_of_entity and change is not None and change.finished_at is not None
    waits = _waits(state, events) if state.plan.awaits_entities else ()
    return EntityChange(ends, waits) if ends or waits else None


def _waits(state: ExecutionState, events: Sequence[Event]) -> Sequence[str]:
    """A task of another type may wait for a signal of the same kind of name."""
    plan = state.plan
    started = (event.task_id for event in events if event.type is EventType.TASK_STARTED)
    indexes = (plan.index_of[task] for task in started if task is not None)
    waits = (state.tasks[index].wait for index in indexes if plan.tasks[index].type == ENTITY_STATE)
    return [wait.signal for wait in waits if wait is not None and wait.signal is not None]
