"""What differs between two revisions of a workflow, as data."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.definitions.changes import DRAFT_FIELDS, WORKFLOW_FIELDS
from app.domain.definitions import Task, Workflow
from app.domain.documents import task_document, workflow_document

FieldChanges = Mapping[str, tuple[Any, Any]]
"""Old and new JSON value by field."""


@dataclass(frozen=True, slots=True)
class TaskDifferences:
    """`added`, `removed` and the keys of `changed` are names; a task that was renamed goes by its new one."""

    added: Sequence[str]
    removed: Sequence[str]
    changed: Mapping[str, FieldChanges]


@dataclass(frozen=True, slots=True)
class Differences:
    """Only what a caller may say of a workflow: ids, numbers of revisions and times are no differences."""

    workflow: FieldChanges
    tasks: TaskDifferences


def compare(before: Workflow | None, after: Workflow) -> Differences:
    """What leads from `before` to `after`; None is a workflow of which nothing has been said yet."""
    new = workflow_document(after)
    fields = _first_values(new) if before is None else _field_changes(WORKFLOW_FIELDS, workflow_document(before), new)
    return Differences(
        fields,
        _task_differences(() if before is None else before.tasks, after.tasks),
    )


def _first_values(document: Mapping[str, Any]) -> FieldChanges:
    values = {name: document.get(name) for name in WORKFLOW_FIELDS}
    return {name: (None, value) for name, value in values.items() if value not in (None, {}, [])}


def _task_differences(before: Sequence[Task], after: Sequence[Task]) -> TaskDifferences:
    pairs = _pairs(before, after)
    known = {old.id for old, _ in pairs}
    found = {new.name for _, new in pairs}
    changes = {new.name: _field_changes(DRAFT_FIELDS, task_document(old), task_document(new)) for old, new in pairs}
    return TaskDifferences(
        added=[task.name for task in after if task.name not in found],
        removed=[task.name for task in before if task.id not in known],
        changed={name: fields for name, fields in changes.items() if fields},
    )


def _pairs(before: Sequence[Task], after: Sequence[Task]) -> list[tuple[Task, Task]]:
    """The same tasks in both: by name, as definition files do, and those that were renamed by id."""
    by_name = {task.name: task for task in before}
    pairs = [(by_name[task.name], task) for task in after if task.name in by_name]
    paired = {old.id for old, _ in pairs}
    by_id = {task.id: task for task in before if task.id not in paired}
    return pairs + [(by_id[task.id], task) for task in after if task.name not in by_name and task.id in by_id]


def _field_changes(names: Iterable[str], old: Mapping[str, Any], new: Mapping[str, Any]) -> FieldChanges:
    pairs = {name: (old.get(name), new.get(name)) for name in names}
    return {name: (before, after) for name, (before, after) in pairs.items() if _as_json(before) != _as_json(after)}


def _as_json(value: Any) -> str:
    """To Python `true`, `1` and `1.0` are equal."""
    return json.dumps(value, sort_keys=True)
