"""A stored workflow in the format of a definition file: without ids, revisions, times and default values."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, get_args, get_origin

from pydantic.fields import FieldInfo

from app.api.rest.body_model import Body
from app.api.rest.task_bodies import TaskBody
from app.api.rest.workflow_bodies import WorkflowCreate
from app.definitions.changes import first_revision
from app.domain.definitions import Workflow, WorkflowDraft
from app.domain.documents import workflow_document

Document = dict[str, Any]


def file_document(workflow: Workflow) -> Document:
    """The fields in a fixed order, `key` first and `tasks` last; tasks are ordered as they are stored."""
    document, defaults = workflow_document(workflow), _default_document()
    said = _said(WorkflowCreate, document, defaults)
    tasks = [_said(TaskBody, task, defaults["tasks"][0]) for task in document["tasks"]]
    first = {"key": said.pop("key")} if "key" in said else {}
    last = {"tasks": tasks} if said.pop("tasks", None) else {}
    return {**first, **said, **last}


def draft_document(draft: WorkflowDraft) -> Document:
    """As `file_document`, of a workflow that is not stored."""
    return file_document(_as_stored(draft))


def _as_stored(draft: WorkflowDraft) -> Workflow:
    return first_revision(draft, 0, range(len(draft.tasks or ())), datetime.fromtimestamp(0, UTC))


@cache
def _default_document() -> Document:
    """The document of a workflow with one task whose optional fields are all left out: the defaults."""
    least = WorkflowCreate(name="", tasks=[TaskBody(name="", execution_type="sync")])
    return workflow_document(_as_stored(least.draft()))


def _said(body: type[Body], document: Mapping[str, Any], defaults: Mapping[str, Any]) -> Document:
    return {
        name: _readable(field, document[name])
        for name, field in body.model_fields.items()
        if field.is_required() or _as_json(document[name]) != _as_json(defaults[name])
    }


def _readable(field: FieldInfo, value: Any) -> Any:
    for kind in _types(field.annotation):
        if isinstance(kind, type) and issubclass(kind, Body) and isinstance(value, dict):
            return _said_within(kind, value)
        if get_origin(kind) is list and isinstance(value, list) and issubclass(get_args(kind)[0], Body):
            return [_said_within(get_args(kind)[0], part) for part in value]
        if kind is float and isinstance(value, float) and value.is_integer():
            return int(value)
    return value


def _said_within(body: type[Body], document: Mapping[str, Any]) -> Document:
    parts = body.model_fields.items()
    return _said(body, document, {name: part.get_default(call_default_factory=True) for name, part in parts})


def _types(annotation: Any) -> Sequence[Any]:
    """The types that a field may have; for `float | None`, these are two."""
    return get_args(annotation) or (annotation,)


def _as_json(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
