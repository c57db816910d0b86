"""The first events of a retry or rerun, and which results it reuses. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import orjson

from app.domain.events import TASK_STATUS_AFTER, Event, EventType
from app.domain.states import TaskStatus
from app.engine.deciding.drafts import Draft, take
from app.engine.deciding.event_data import message_data
from app.engine.deciding.state import ExecutionState
from app.engine.planning.plan import Plan
from app.engine.reusing import ProblemsOf, any_output, reused_on


@dataclass(frozen=True, slots=True)
class Origin:
    """An execution that has ended and is repeated.

    - id: the execution
    - plan: the plan of the revision that it ran
    - history: its whole history
    - state: what its history says
    """

    id: UUID
    plan: Plan
    history: Sequence[Event]
    state: ExecutionState


def first_events(
    plan: Plan, origin: Origin, from_index: int | None, now: datetime, problems_of: ProblemsOf = any_output
) -> Sequence[Event]:
    """The events of the new execution that are stored before an engine starts it.

    plan: the plan of the revision that the new execution runs.
    origin: the execution to repeat.
    from_index: the task from which on everything runs again; None runs only what did not complete.
    now: the time of the events.
    problems_of: as in `reused_on`.

    Raise `Invalid` when a result of the origin cannot be reused on another revision.
    """
    ran, state = origin.plan, ExecutionState(plan)
    from_task = None if from_index is None else plan.tasks[from_index].name
    taken = taken_over(origin.state, None if from_task is None else ran.index_named.get(from_task))
    if plan.revision == ran.revision:
        reused: Mapping[int, int] = {index: index for index in taken}
    else:
        reused = reused_on(plan, origin.state, taken, from_index, problems_of)
    created = orjson.dumps({"origin_id": str(origin.id), "from_task": from_task}).decode()
    drafts = (Draft(EventType.EXECUTION_CREATED, text=created), *_reused(origin, reused))
    return [take(state, draft, now) for draft in drafts]


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


def _reused(origin: Origin, reused: Mapping[int, int]) -> Iterator[Draft]:
    """The reused results in the order in which they were recorded. `reused` gives the index of each in the new plan."""
    for event in origin.history:
        status = TASK_STATUS_AFTER.get(event.type)
        if status is None or not status.is_final or event.task_id is None:
            continue
        if (index := reused.get(origin.plan.index_of[event.task_id])) is not None:
            yield _taken(index, status, event.data, origin.id)


def _taken(index: int, status: TaskStatus, output: str | None, origin_id: UUID) -> Draft:
    if status is TaskStatus.COMPLETED:
        return Draft(EventType.TASK_REUSED, index, text=output)
    if status is TaskStatus.SKIPPED:
        return Draft(EventType.TASK_SKIPPED, index, data=message_data(f"skipped in execution {origin_id}"))
    told = f"failed in execution {origin_id}, which went on without it"
    return Draft(EventType.TASK_SKIPPED, index, data=message_data(told))
