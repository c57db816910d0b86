"""The differences between two revisions of a workflow, as data."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.definitions.changes import DRAFT_FIELDS, WORKFLOW_FIELDS
from app.domain.definitions import Task, Workflow
from app.domain.documents import task_document, workflow_document
from app.domain.json_values import same_json

FieldChanges = Mapping[str, tuple[Any, Any]]
"""The old and the new JSON value, by field."""


@dataclass(frozen=True, slots=True)
class TaskDifferences:
    """Names of tasks: `added`, `removed`, and the keys of `changed`. A renamed task has its new name."""

    added: Sequence[str]
    removed: Sequence[str]
    changed: Mapping[str, FieldChanges]


@dataclass(frozen=True, slots=True)
class Differences:
    """Differences in fields that a caller can set; ids, revision numbers and times do not count."""

    workflow: FieldChanges
    tasks: TaskDifferences


def compare(before: Workflow | None, after: Workflow) -> Differences:
    """The differences from `before` to `after`; None stands for an empty workflow."""
    new = workflow_document(after)
    fields = _first_values(new) if before is None else field_changes(WORKFLOW_FIELDS, workflow_document(before), new)
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
    changes = {new.name: field_changes(DRAFT_FIELDS, task_document(old), task_document(new)) for old, new in pairs}
    return TaskDifferences(
        added=[task.name for task in after if task.name not in found],
        removed=[task.name for task in before if task.id not in known],
        changed={name: fields for name, fields in changes.items() if fields},
    )


def _pairs(before: Sequence[Task], after: Sequence[Task]) -> list[tuple[Task, Task]]:
    """Pairs of the same task: matched by name, as for definition files, and renamed tasks by id."""
    by_name = {task.name: task for task in before}
    pairs = [(by_name[task.name], task) for task in after if task.name in by_name]
    paired = {old.id for old, _ in pairs}
    by_id = {task.id: task for task in before if task.id not in paired}
    return pairs + [(by_id[task.id], task) for task in after if task.name not in by_name and task.id in by_id]


def field_changes(names: Iterable[str], old: Mapping[str, Any], new: Mapping[str, Any]) -> FieldChanges:
    """The old and the new value of each named field that differs."""
    pairs = {name: (old.get(name), new.get(name)) for name in names}
    return {name: (before, after) for name, (before, after) in pairs.items() if not same_json(before, after)}
