"""The difference between a stored workflow and an edit: which tasks are removed, changed, kept and added."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

from app.definitions.ports import WorkflowEdit
from app.domain.definitions import Task, TaskDraft, Workflow, WorkflowDraft
from app.domain.documents import condition_document, task_document
from app.domain.json_values import same_json

DRAFT_FIELDS = tuple(field.name for field in fields(TaskDraft))
WORKFLOW_FIELDS = tuple(field.name for field in fields(WorkflowDraft) if field.name != "tasks")
WARNINGS = frozenset({"warnings"})
"""What the response to a change has beside the fields of the workflow or the task."""
SHOWN = frozenset({"steps"})
"""What the document of a workflow says twice, beside the fields of the workflow."""
_OF_WORKFLOWS = frozenset(field.name for field in fields(Workflow))
SET_BY_THE_SERVICE = WARNINGS | SHOWN | _OF_WORKFLOWS - {"tasks", *WORKFLOW_FIELDS}
SET_BY_THE_SERVICE_IN_TASKS = WARNINGS | frozenset(field.name for field in fields(Task)) - {*DRAFT_FIELDS}


@dataclass(frozen=True, slots=True)
class Change:
    """The changes of the tasks.

    removed: ids.
    updated: tasks with their new `updated_at`.
    renamed: ids of those of them that get another name.
    added: tasks without an id.
    """

    removed: tuple[int, ...]
    kept: tuple[Task, ...]
    updated: tuple[Task, ...]
    renamed: tuple[int, ...]
    added: tuple[TaskDraft, ...]


def find_change(current: Workflow, edit: WorkflowEdit, now: datetime) -> Change | None:
    """The change that `edit` makes; None if it makes none."""
    stored = {task.id: task for task in current.tasks}
    wanted = [task for task in edit.tasks if isinstance(task, Task)]
    same = {task.id for task in wanted if same_task(task, stored[task.id])}
    kept = tuple(stored[task.id] for task in wanted if task.id in same)
    updated = tuple(replace(task, updated_at=now) for task in wanted if task.id not in same)
    renamed = tuple(task.id for task in updated if task.name != stored[task.id].name)
    added = tuple(task for task in edit.tasks if not isinstance(task, Task))
    removed = tuple(stored.keys() - {task.id for task in wanted})
    fields_stay = same_json(workflow_values(edit), workflow_values(current))
    if fields_stay and not (updated or added or removed):
        return None
    return Change(removed, kept, updated, renamed, added)


def next_revision(
    current: Workflow, edit: WorkflowEdit, change: Change, added_ids: Sequence[int], now: datetime
) -> Workflow:
    """The workflow after `change`. `added_ids` are the ids that the store gave to `change.added`, in that order."""
    added = new_tasks(change.added, added_ids, current.id, now)
    return replace(
        current,
        **workflow_fields(edit),
        revision=current.revision + 1,
        tasks=in_order((*change.kept, *change.updated, *added)),
        updated_at=now,
    )


def first_revision(draft: WorkflowDraft, workflow_id: int, task_ids: Sequence[int], now: datetime) -> Workflow:
    return Workflow(
        id=workflow_id,
        **workflow_fields(draft),
        revision=1,
        tasks=in_order(new_tasks(draft.tasks or (), task_ids, workflow_id, now)),
        created_at=now,
        updated_at=now,
    )


def new_tasks(drafts: Sequence[TaskDraft], ids: Sequence[int], workflow_id: int, now: datetime) -> tuple[Task, ...]:
    return tuple(
        Task(**draft_fields(draft), id=task_id, workflow_id=workflow_id, created_at=now, updated_at=now)
        for draft, task_id in zip(drafts, ids, strict=True)
    )


def in_order(tasks: Sequence[Task]) -> tuple[Task, ...]:
    return tuple(sorted(tasks, key=lambda task: (task.sequence, task.id)))


def draft_fields(task: TaskDraft) -> dict[str, Any]:
    """The fields of a task that a caller can set."""
    return {name: getattr(task, name) for name in DRAFT_FIELDS}


def workflow_fields(workflow: Workflow | WorkflowDraft | WorkflowEdit) -> dict[str, Any]:
    """The fields of a workflow, except its tasks, that a caller can set."""
    return {name: getattr(workflow, name) for name in WORKFLOW_FIELDS}


def workflow_values(workflow: Workflow | WorkflowDraft | WorkflowEdit) -> dict[str, Any]:
    """As `workflow_fields`, with JSON values."""
    conditions = list(map(condition_document, workflow.conditions))
    return workflow_fields(workflow) | {"conditions": conditions, "secrets": list(workflow.secrets)}


def same_task(one: Task, other: Task) -> bool:
    """True if both are equal as JSON, whatever their `updated_at`."""
    return one is other or same_json(_contents(one), _contents(other))


def _contents(task: Task) -> dict[str, Any]:
    return task_document(task) | {"updated_at": None}
