"""A retry or rerun: what a new execution takes over of the one that it repeats, and how its history begins. Pure."""

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
    """The events of a new execution up to the moment when an engine may begin it.

    `history` is the whole one of the ended execution `origin_id`. `from_index` is the task from which on everything
    runs again; None repeats only what that execution did not complete.
    """
    origin = fold(plan, history)
    state = ExecutionState(plan)
    return [take(state, draft, now) for draft in _drafts(origin, origin_id, history, from_index)]


def taken_over(origin: ExecutionState, from_index: int | None = None) -> frozenset[int]:
    """The tasks of an ended execution that its repetition need not run: passed, not undone, and all before them too.

    `from_index` and the tasks behind it are none of them.
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
    """The creation, then the completions in the order in which they came."""
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
