"""The first events of a retry or rerun, and which completed tasks it reuses. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

import orjson

from app.domain.events import TASK_STATUS_AFTER, Event, EventType
from app.domain.states import TaskStatus
from app.engine.deciding.drafts import Draft, take
from app.engine.deciding.event_data import message_data
from app.engine.deciding.state import ExecutionState, fold
from app.engine.planning.plan import Plan


def first_events(
    plan: Plan, origin_id: UUID, history: Sequence[Event], from_index: int | None, now: datetime
) -> Sequence[Event]:
    """The events of the new execution that are stored before an engine starts it.

    plan: the plan of the revision that both executions run.
    origin_id: the execution to repeat; it has ended.
    history: the whole history of `origin_id`.
    from_index: the task from which on everything runs again; None runs only what did not complete.
    now: the time of the events.
    """
    origin = fold(plan, history)
    state = ExecutionState(plan)
    return [take(state, draft, now) for draft in _drafts(origin, origin_id, history, from_index)]


def taken_over(origin: ExecutionState, from_index: int | None = None) -> frozenset[int]:
    """The tasks of an ended execution whose results its repetition reuses.

    Such a task completed, was skipped, or failed and may fail; it was not undone; and all tasks before it are reused,
    too. `from_index` and the tasks after it are never reused.
    """
    passed = [index for index in range(len(origin.tasks)) if _counts_as_done(origin, index)]
    if from_index is not None:
        passed = [index for index in passed if index != from_index and not origin.plan.before[index] >> from_index & 1]
    mask = sum(1 << index for index in passed)
    return frozenset(index for index in passed if origin.plan.before[index] & ~mask == 0)


def _counts_as_done(origin: ExecutionState, index: int) -> bool:
    planned, status = origin.plan.tasks[index], origin.tasks[index].status
    tolerated = status is TaskStatus.FAILED and planned.may_fail
    if origin.is_compensation(index) or not (status in (TaskStatus.COMPLETED, TaskStatus.SKIPPED) or tolerated):
        return False
    # By its attempts, not by its status: a compensation may have done a part of its work before it was skipped.
    return all(origin.tasks[undoing].attempt == 0 for undoing in planned.compensated_by)


def _drafts(
    origin: ExecutionState, origin_id: UUID, history: Sequence[Event], from_index: int | None
) -> Iterable[Draft]:
    """The creation, then the reused results in the order in which they were recorded."""
    from_task = None if from_index is None else origin.plan.tasks[from_index].name
    text = orjson.dumps({"origin_id": str(origin_id), "from_task": from_task}).decode()
    yield Draft(EventType.EXECUTION_CREATED, text=text)
    taken = taken_over(origin, from_index)
    for event in history:
        status = TASK_STATUS_AFTER.get(event.type)
        if status is None or not status.is_final or event.task_id is None:
            continue
        if (index := origin.plan.index_of[event.task_id]) in taken:
            yield _taken(index, status, event.data, origin_id)


def _taken(index: int, status: TaskStatus, output: str | None, origin_id: UUID) -> Draft:
    if status is TaskStatus.COMPLETED:
        return Draft(EventType.TASK_REUSED, index, text=output)
    if status is TaskStatus.SKIPPED:
        return Draft(EventType.TASK_SKIPPED, index, data=message_data(f"skipped in execution {origin_id}"))
    told = f"failed in execution {origin_id}, which went on without it"
    return Draft(EventType.TASK_SKIPPED, index, data=message_data(told))
