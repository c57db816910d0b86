"""The edits: pure functions from the stored workflow to the complete new one."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from app.definitions.changes import draft_fields, workflow_fields
from app.definitions.matching import matched
from app.definitions.ports import WorkflowEdit
from app.domain.definitions import Task, TaskDraft, Workflow, WorkflowDraft
from app.domain.errors import NotFound


def replaced(current: Workflow, draft: WorkflowDraft) -> WorkflowEdit:
    """All fields of `draft`; the stored tasks if `draft.tasks` is None."""
    tasks = current.tasks if draft.tasks is None else matched(current, draft.tasks)
    return WorkflowEdit(**workflow_fields(draft), tasks=tasks)


def merged(current: Workflow, changes: Mapping[str, Any]) -> WorkflowEdit:
    """The stored workflow with new values of the fields of `WorkflowDraft` that `changes` has."""
    return replaced(current, replace(WorkflowDraft(**workflow_fields(current)), **changes))


def restored(current: Workflow, past: Workflow) -> WorkflowEdit:
    """All fields of `past` that a caller can set. Its tasks get the ids of the current tasks with the same names."""
    tasks = tuple(TaskDraft(**draft_fields(task)) for task in past.tasks)
    return replaced(current, WorkflowDraft(**workflow_fields(past), tasks=tasks))


def with_task(current: Workflow, draft: TaskDraft) -> WorkflowEdit:
    return _with_tasks(current, (*current.tasks, draft))


def with_task_merged(current: Workflow, task_id: int, changes: Mapping[str, Any]) -> WorkflowEdit:
    """The stored workflow with new values of fields of one task. Raise `NotFound` for an unknown task."""
    find_task(current, task_id)
    return _with_tasks(
        current, tuple(replace(task, **changes) if task.id == task_id else task for task in current.tasks)
    )


def without_task(current: Workflow, task_id: int) -> WorkflowEdit:
    """The stored workflow without one task. Raise `NotFound` for an unknown task."""
    find_task(current, task_id)
    return _with_tasks(current, tuple(task for task in current.tasks if task.id != task_id))


def find_task(workflow: Workflow, task_id: int) -> Task:
    """The task with this id. Raise `NotFound` for an unknown task."""
    for task in workflow.tasks:
        if task.id == task_id:
            return task
    raise NotFound("task", task_id)


def _with_tasks(current: Workflow, tasks: tuple[Task | TaskDraft, ...]) -> WorkflowEdit:
    return WorkflowEdit(**workflow_fields(current), tasks=tasks)
