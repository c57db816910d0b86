"""Reads definitions of files with the service's own models and rules, without the service."""

from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from app.api.rest.dialects.new_workflow import words_of
from app.api.rest.dialects.steps import SteppedWorkflow
from app.api.rest.field_problems import field_problems
from app.api.rest.files.normalising import file_document
from app.api.rest.workflow_bodies import WorkflowCreate
from app.cli.files.definition_files import Definition
from app.definitions.changes import find_change, first_revision, next_revision
from app.definitions.edits import replaced
from app.definitions.rules import Rules
from app.domain.definitions import TaskDraft, Workflow, WorkflowDraft
from app.domain.errors import Invalid, Problem

UNLIMITED = 1_000_000_000


class _AnyTaskType:
    """Accepts every task type: only a running service knows which exist and what their configs need."""

    def config_problems(self, task: TaskDraft, path: str = "", tenant: str = "") -> list[Problem]:
        return []


def draft_of(definition: Definition) -> WorkflowDraft:
    """The definition as a draft. Raise `Invalid` with every field that is unknown, missing or of a wrong type."""
    return _body_of(definition).draft()


def _body_of(definition: Definition) -> WorkflowCreate | SteppedWorkflow:
    body = SteppedWorkflow if definition.has_steps else WorkflowCreate
    try:
        return body.model_validate(definition.request)
    except ValidationError as error:
        located = [{**item, "loc": ("body", *item["loc"])} for item in error.errors()]
        raise Invalid(field_problems(located)) from None


def check_offline(definition: Definition) -> WorkflowDraft:
    """As `draft_of`, and raise `Invalid` for every broken rule, except those of task types and of settings."""
    body = _body_of(definition)
    draft = body.draft()
    with words_of(body):
        Rules(_AnyTaskType(), UNLIMITED).check_new(draft)
    return draft


def replacement_of(definition: Definition) -> dict[str, Any]:
    """The request body that makes the stored workflow match the file: it has tasks in place of steps.

    Raise `Invalid` as `draft_of` does, for steps that cannot be read.
    """
    return file_document(applied(None, draft_of(definition))) if definition.has_steps else definition.request


def applied(current: Workflow | None, draft: WorkflowDraft) -> Workflow:
    """The workflow after `draft` is applied; `current` itself if that changes nothing. Ids of new tasks are invented.

    This uses the service's own function, so both agree on what is a change.
    """
    now = datetime.now(UTC)
    if current is None:
        return first_revision(draft, 0, range(len(draft.tasks or ())), now)
    edit = replaced(current, draft)
    change = find_change(current, edit, now)
    if change is None:
        return current
    largest = max((task.id for task in current.tasks), default=0)
    return next_revision(current, edit, change, range(largest + 1, largest + 1 + len(change.added)), now)
