"""Histories as an overview reads them, and whether it then shows what the engine's own state says."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson

from app.domain.definitions import Workflow
from app.domain.documents import workflow_document
from app.domain.events import Event, EventType
from app.domain.executions import Execution
from app.domain.payloads import Payload
from app.domain.states import ExecutionStatus, TaskStatus
from app.engine.deciding.state import ExecutionState
from app.engine.overview.outline import outline_of
from app.engine.overview.ports import OutlinedEvent, Snapshot, Surroundings
from app.engine.overview.view import View, view_of
from app.engine.task_view import task_executions
from tests.support.histories import NOON

_GROUPED = (EventType.TASK_PROGRESSED, EventType.TASK_ITEM_COMPLETED)
_WITH_OUTPUT = (EventType.TASK_COMPLETED, EventType.TASK_REUSED)


def outlined(events: Sequence[Event]) -> list[OutlinedEvent]:
    """What the door `outline_of_history` returns."""
    groups: dict[Any, list[Event]] = {}
    for event in events:
        names_child = event.type is EventType.TASK_PROGRESSED and '"child_id":' in (event.data or "")
        is_grouped = event.type in _GROUPED
        key = (event.type, event.task_id, event.attempt, names_child) if is_grouped else event.sequence
        groups.setdefault(key, []).append(event)
    return sorted(_outlined(group[-1], len(group)) for group in groups.values())


def _outlined(event: Event, count: int) -> OutlinedEvent:
    size = None if event.type not in _WITH_OUTPUT or event.data is None else len(event.data.encode())
    return OutlinedEvent(*event, size, count)


async def check_view(workflow: Workflow, state: ExecutionState, events: Sequence[Event]) -> None:
    """The view of a history agrees with its state, and with the tasks that the API shows."""
    view = await view_of(
        Snapshot(_execution(workflow), Surroundings(None, None), outlined(events)),
        outline_of(orjson.loads(orjson.dumps(workflow_document(workflow)))),
    )
    assert (view.last_sequence, view.percent) == (state.sequence, state.progress)
    _check_tasks(view, await task_executions(state.plan, events))
    for task, own in zip(view.tasks, state.tasks, strict=True):
        assert task.elements_done == len(own.elements)
        # A task is skipped before its turn without an attempt, and attempts are numbered on through all visits.
        assert [attempt.number for attempt in task.attempts] == list(range(1, own.attempt + 1))
        open_ones = [attempt for attempt in task.attempts if attempt.status is TaskStatus.RUNNING]
        assert len(open_ones) == (own.status is TaskStatus.RUNNING)
    if not state.plan.follows_conditions and state.failure is None and state.cancel_reason is None:
        assert view.done == state.course.done


def _check_tasks(view: View, wanted: Sequence[Any]) -> None:
    for task, other in zip(view.tasks, wanted, strict=True):
        assert (task.task.id, task.task.name, task.status) == (other.task_id, other.name, other.status)
        assert (task.started_at, task.finished_at) == (other.started_at, other.finished_at)
        assert (task.failure, task.child_id, task.awaited) == (other.failure, other.child_id, other.waits_for)
        assert (None if task.output is None else task.output.text) == other.output


def _execution(workflow: Workflow) -> Execution:
    return Execution(UUID(int=1), 1, workflow.id, workflow.revision, ExecutionStatus.RUNNING, Payload("{}"), NOON)
