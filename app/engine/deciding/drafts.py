"""Makes the next event of an execution: numbers it, times it, and works out the execution's status and progress."""

from dataclasses import dataclass
from datetime import datetime

from app.domain.events import FINAL_EVENTS, Event, EventType
from app.domain.states import ExecutionStatus
from app.engine.deciding.event_data import ElementData, EventData, ProgressData
from app.engine.deciding.state import ExecutionState

STATUS_AFTER = {
    EventType.EXECUTION_STARTED: ExecutionStatus.RUNNING,
    EventType.EXECUTION_PAUSED: ExecutionStatus.PAUSED,
    EventType.EXECUTION_RESUMED: ExecutionStatus.RUNNING,
    **FINAL_EVENTS,
}
# Looked up once: this is on the way of every event, and an enum's member costs more than a name.
_TASK_FAILED = EventType.TASK_FAILED
_EXECUTION_COMPLETED = EventType.EXECUTION_COMPLETED

_ENDS_PAUSE = frozenset({EventType.CANCEL_REQUESTED, EventType.EXECUTION_FAILING})
_GONE_ON = frozenset({EventType.TASK_COMPLETED, EventType.TASK_REUSED, EventType.TASK_SKIPPED})
_CHANGES_STATUS = frozenset(STATUS_AFTER) | _ENDS_PAUSE
_CHANGES_PROGRESS = _GONE_ON | {
    EventType.TASK_PROGRESSED,
    EventType.TASK_ITEM_COMPLETED,
    _TASK_FAILED,
    _EXECUTION_COMPLETED,
}


@dataclass(slots=True)
class Draft:
    """An event that is not yet numbered.

    - index: the task's; None when the event is about the execution
    - attempt: the number of the task's attempt; 0 for none
    - text: the event's data as JSON text, where the state does not look into it: an output, the origin of a repetition
    - data: the event's data, where it does
    """

    type: EventType
    index: int | None = None
    attempt: int = 0
    text: str | None = None
    data: EventData | None = None


def take(state: ExecutionState, draft: Draft, now: datetime) -> Event:
    """Make the event that follows `state`, and apply it."""
    kind, index, data = draft.type, draft.index, draft.data
    event = Event(
        state.sequence + 1,
        kind,
        now,
        status_after(state.status, kind) if kind in _CHANGES_STATUS else state.status,
        _progress_after(state, draft) if kind in _CHANGES_PROGRESS else state.progress,
        None if index is None else state.plan.tasks[index].id,
        draft.attempt,
        draft.text if data is None else data.text,
    )
    state.apply(event, data)
    return event


def status_after(status: ExecutionStatus, type: EventType) -> ExecutionStatus:
    """What stops an execution also ends its pause: it has to run to come to its end."""
    if status is ExecutionStatus.PAUSED and type in _ENDS_PAUSE:
        return ExecutionStatus.RUNNING
    return STATUS_AFTER.get(type, status)


def _progress_after(state: ExecutionState, draft: Draft) -> int:
    """Whole percent: steps that are done, plus what running tasks report of themselves; never less than before."""
    kind, index, data = draft.type, draft.index, draft.data
    if kind is _EXECUTION_COMPLETED:
        return 100
    if index is None or index in state.plan.graph.compensations:
        return state.progress
    if kind in _GONE_ON or (kind is _TASK_FAILED and state.course.counts_when_failed(index)):
        own = 100.0
    elif isinstance(data, ElementData):
        own = 100.0 * (len(state.tasks[index].elements) + 1) / data.count
    elif isinstance(data, ProgressData):
        own = data.percent or 0
    else:
        return state.progress
    return max(state.progress, state.course.progress(index, own, state.reported))
