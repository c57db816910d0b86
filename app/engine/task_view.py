"""The state of each task of an execution, computed from its history."""

from collections.abc import Sequence

from app.domain.events import Event
from app.domain.executions import TaskExecution
from app.domain.states import TaskStatus
from app.domain.waiting import Awaited
from app.engine.deciding.event_data import child_of
from app.engine.deciding.task_state import TaskState
from app.engine.folding import folded
from app.engine.planning.plan import Plan


async def task_executions(plan: Plan, events: Sequence[Event]) -> Sequence[TaskExecution]:
    """One entry per task of the revision, in the order in which they run."""
    state = await folded(plan, events)
    children = {event.task_id: child for event in events if (child := child_of(event)) is not None}
    return [
        TaskExecution(
            task_id=planned.id,
            name=planned.name,
            status=task.status,
            attempt=task.attempt,
            started_at=task.first_started_at,
            finished_at=task.ended_at,
            output=task.output,
            failure=task.failure,
            child_id=children.get(planned.id),
            waits_for=_awaited(task),
        )
        for planned, task in zip(plan.tasks, state.tasks, strict=True)
    ]


def _awaited(task: TaskState) -> Awaited | None:
    if task.status is TaskStatus.RETRYING:
        return Awaited(signal=None, until=task.retry_at)
    if task.status is not TaskStatus.RUNNING or task.wait is None or task.wait.children:
        return None
    return Awaited(task.wait.signal, task.wait.until)
