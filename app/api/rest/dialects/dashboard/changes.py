"""The request bodies with which workflows and tasks are changed. What was read can be sent back."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from app.api.rest.body_model import Body, Description, Instant, Name, with_example
from app.api.rest.dialects.dashboard.bodies import DueDate, Priority, shown_value
from app.api.rest.dialects.dashboard.ids import LONGEST
from app.api.rest.dialects.dashboard.task_documents import KEPT, METADATA
from app.api.rest.read_only_fields import Fixed, Moving, Returned, Shown, Version, omitted
from app.domain.errors import Invalid, Problem
from app.domain.stated import Stated

Status = Annotated[str | None, Field(description="Cannot be set: another call changes it, which the answer names.")]
ABOUT = ("name", "description")


class DashboardTaskUpdate(Returned):
    """The fields to change. An omitted field stays unchanged; null clears a field."""

    model_config = with_example({"priority": "low"})

    name: Name = Field(default_factory=str)
    description: Description = None
    priority: Priority = None
    due_date: DueDate = None
    status: Status = None
    id: Fixed[str] = omitted()
    workflow_id: Fixed[str] = omitted()
    created_at: Fixed[Instant] = omitted()
    agent_id: Moving[str | None] = omitted()
    started_at: Moving[Instant | None] = omitted()
    completed_at: Moving[Instant | None] = omitted()
    duration_seconds: Moving[float | None] = omitted()

    def changes(self, config: Mapping[str, Any], type: str | None) -> dict[str, Any]:
        """The fields of a task's draft to change, from the config and type that it has."""
        changed: dict[str, Any] = _given(self, *ABOUT)
        found = config.get(METADATA) if type is None else None
        metadata = dict(found) if isinstance(found, Mapping) else {}
        kept = {name: shown_value(value) for name, value in _given(self, *KEPT).items()}
        kept = {name: value for name, value in kept.items() if value != metadata.get(name)}
        if kept:
            if type is not None:
                raise Invalid.at(next(iter(kept)), "only a task without a type has it")
            changed["config"] = {**config, METADATA: metadata | kept}
        return changed

    def of_definition(self) -> Stated:
        """What is stated about a task of a definition."""
        return _stated(self, "id", "workflow_id")

    def check(self, shown: Mapping[str, Any]) -> None:
        """Raise `Invalid` unless what never changes is as a task of an execution is shown."""
        fixed = {name: shown_value(value) for name, value in self.stated().fixed.items()}
        if wrong := [name for name, value in fixed.items() if value != shown[name]]:
            raise Invalid([Problem(name, f"is {shown[name]}, and cannot be changed") for name in wrong])

    def would_change(self, shown: Mapping[str, Any]) -> bool:
        """Whether a task of an execution would be another one."""
        return any(shown_value(value) != shown[name] for name, value in _given(self, *ABOUT, *KEPT).items())


class SuggestionInAnswer(Returned):
    """A suggestion as a workflow was read with it."""

    id: Moving[str] = omitted()
    workflow_id: Moving[str] = omitted()
    task_id: Moving[str | None] = omitted()
    type: Moving[str] = omitted()
    title: Moving[str] = omitted()
    description: Moving[str] = omitted()
    patch: Moving[list[dict[str, Any]] | None] = omitted()
    status: Moving[str] = omitted()
    source: Moving[str] = omitted()
    confidence: Moving[float | None] = omitted()
    created_at: Moving[Instant] = omitted()
    decided_at: Moving[Instant | None] = omitted()
    decided_by: Moving[str | None] = omitted()
    notes: Moving[str | None] = omitted()


class DashboardWorkflowUpdate(Returned):
    """The fields to change. An omitted field stays unchanged."""

    model_config = with_example({"description": "The numbers of yesterday"})

    name: Name = Field(default_factory=str)
    description: Description = None
    status: Status = None
    id: Fixed[str] = omitted()
    created_at: Fixed[Instant] = omitted()
    updated_at: Version[Instant] = omitted()
    progress: Moving[int] = omitted()
    agent_ids: Moving[list[str]] = omitted()
    task_count: Moving[int] = omitted()
    completed_tasks: Moving[int] = omitted()
    tasks: Shown[list[DashboardTaskUpdate]] = omitted()
    suggestions: Moving[list[SuggestionInAnswer]] = omitted()

    def changes(self) -> dict[str, Any]:
        return _given(self, *ABOUT)

    def of_definition(self) -> Stated:
        """What is stated about the workflow."""
        return _stated(self, "id")

    def check_tasks(self, shown: list[Mapping[str, Any]]) -> None:
        """Raise `Invalid` for other tasks than the workflow has: they are changed one by one."""
        if "tasks" not in self.model_fields_set:
            return
        same = len(self.tasks) == len(shown) and not any(
            task.would_change(one) or task.id not in (None, one["id"])
            for task, one in zip(self.tasks, shown, strict=True)
        )
        if not same:
            raise Invalid.at(
                "tasks", "must be as they are: POST /api/tasks adds one, PUT and DELETE /api/tasks/ID change it"
            )


def _given(body: Body, *names: str) -> dict[str, Any]:
    return {name: getattr(body, name) for name in names if name in body.model_fields_set}


def _stated(body: Returned, *numbers: str) -> Stated:
    """With the ids as numbers, as they are stored."""
    stated = body.stated()
    fixed = {name: _number(name, value) if name in numbers else value for name, value in stated.fixed.items()}
    return Stated(fixed, stated.versions)


def _number(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= LONGEST):
        raise Invalid.at(name, "cannot be changed")
    return int(text)
