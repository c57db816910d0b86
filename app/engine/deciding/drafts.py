"""Makes the next event of an execution: numbers it, times it, and works out the execution's status and progress."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from app.domain.documents import rfc3339
from app.domain.events import FINAL_EVENTS, Event, EventType
from app.domain.executions import Failure
from app.domain.states import ExecutionStatus
from app.domain.texts import storable_text
from app.engine.deciding.state import ExecutionState

LONGEST_MESSAGE = 10_000

STATUS_AFTER = {
    EventType.EXECUTION_STARTED: ExecutionStatus.RUNNING,
    EventType.EXECUTION_PAUSED: ExecutionStatus.PAUSED,
    EventType.EXECUTION_RESUMED: ExecutionStatus.RUNNING,
    **FINAL_EVENTS,
}
# Looked up once: this is on the way of every event, and an enum's member costs more than a name.
_TASK_FAILED = EventType.TASK_FAILED
_TASK_ITEM_COMPLETED = EventType.TASK_ITEM_COMPLETED
_EXECUTION_COMPLETED = EventType.EXECUTION_COMPLETED

_ENDS_PAUSE = frozenset({EventType.CANCEL_REQUESTED, EventType.EXECUTION_FAILING})
_GONE_ON = frozenset({EventType.TASK_COMPLETED, EventType.TASK_REUSED, EventType.TASK_SKIPPED})
_CHANGES_STATUS = frozenset(STATUS_AFTER) | _ENDS_PAUSE
_CHANGES_PROGRESS = _GONE_ON | {EventType.TASK_PROGRESSED, _TASK_ITEM_COMPLETED, _TASK_FAILED, _EXECUTION_COMPLETED}


@dataclass(slots=True)
class Draft:
    """An event that is not yet numbered. `index` is the task's; None when it is about the execution."""

    type: EventType
    index: int | None = None
    attempt: int = 0
    data: str | None = None


def next_event(state: ExecutionState, draft: Draft, now: datetime) -> Event:
    """The event that follows `state`; the state is not changed."""
    kind, index = draft.type, draft.index
    return Event(
        state.sequence + 1,
        kind,
        now,
        status_after(state.status, kind) if kind in _CHANGES_STATUS else state.status,
        _progress_after(state, draft) if kind in _CHANGES_PROGRESS else state.progress,
        None if index is None else state.plan.tasks[index].id,
        draft.attempt,
        draft.data,
    )


def status_after(status: ExecutionStatus, type: EventType) -> ExecutionStatus:
    """What stops an execution also ends its pause: it has to go on to come to its end."""
    if status is ExecutionStatus.PAUSED and type in _ENDS_PAUSE:
        return ExecutionStatus.RUNNING
    return STATUS_AFTER.get(type, status)


def _progress_after(state: ExecutionState, draft: Draft) -> int:
    """Whole percent: steps that are done, plus what running tasks say of themselves; never less than before."""
    kind, index = draft.type, draft.index
    if kind is _EXECUTION_COMPLETED:
        return 100
    if index is None or index in state.plan.graph.compensations:
        return state.progress
    if kind in _GONE_ON or (kind is _TASK_FAILED and state.course.counts_when_failed(index)):
        own = 100.0
    elif kind is _TASK_FAILED:
        return state.progress
    elif kind is _TASK_ITEM_COMPLETED:
        own = 100.0 * (len(state.tasks[index].elements) + 1) / json.loads(draft.data or "{}")["count"]
    else:
        own = json.loads(draft.data or "{}").get("percent") or 0
    return max(state.progress, state.course.progress(index, own, state.reported))


def progress_data(percent: float | None, message: str) -> str:
    return _json({"message": _storable(message), "percent": percent})


def element_data(index: int, count: int, output: str | None) -> str:
    """`output` is JSON text."""
    return _json({"index": index, "count": count, "output": orjson.Fragment(output or "null")})


def failure_data(code: str, message: str, retry_at: datetime | None = None) -> str:
    data = {"code": _storable(code), "message": _storable(message)}
    if retry_at is not None:
        data["retry_at"] = rfc3339(retry_at) or ""
    return _json(data)


def failure_of(failure: Failure) -> str:
    return failure_data(failure.code, failure.message)


def message_data(message: str) -> str:
    return _json({"message": _storable(message)})


def _json(data: dict[str, Any]) -> str:
    return orjson.dumps(data).decode()


def signal_data(name: str, payload: str) -> str:
    """`payload` is JSON text."""
    return _json({"name": name, "payload": orjson.Fragment(payload)})


def _storable(text: object) -> str:
    """A message or code from anywhere as the history can hold it; a plugin's may even be no text."""
    return storable_text(str(text), LONGEST_MESSAGE)
