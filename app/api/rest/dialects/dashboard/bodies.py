"""The request bodies with which workflows and tasks are created."""

from typing import Annotated, Any

from pydantic import Field

from app.api.rest.body_model import Body, Description, Instant, Name, with_example
from app.api.rest.dialects.dashboard.task_documents import KEPT, METADATA
from app.api.rest.task_bodies import Config, TypeName
from app.domain.definitions import ExecutionType, TaskDraft, WorkflowDraft
from app.domain.documents import rfc3339
from app.domain.errors import Invalid

Priority = Annotated[
    int | str | None, Field(description="Kept in the task's metadata; only a task without a type has some.")
]
DueDate = Annotated[Instant | None, Field(description="As `priority`.")]
_TASK = {"name": "review", "description": "Read it through", "priority": "high", "due_date": "2026-02-01T12:00:00Z"}


class DashboardTaskFields(Body):
    """A task."""

    model_config = with_example(_TASK)

    name: Name
    description: Description = None
    type: TypeName = None
    config: Config = None
    priority: Priority = None
    due_date: DueDate = None

    def draft(self, sequence: int, path: str = "") -> TaskDraft:
        """A task that comes after those with a lower sequence. Raise `Invalid` for metadata of a task with a type."""
        config = dict(self.config or {})
        if kept := {name: shown for name in KEPT if (shown := shown_value(getattr(self, name))) is not None}:
            if self.type is not None:
                raise Invalid.at(f"{path}{next(iter(kept))}", "only a task without a type has it")
            config[METADATA] = kept
        return TaskDraft(
            name=self.name,
            description=self.description,
            execution_type=ExecutionType.SYNC,
            sequence=sequence,
            type=self.type,
            config=config,
        )


class DashboardTaskCreate(DashboardTaskFields):
    """A task for the end of a workflow."""

    model_config = with_example({"workflow_id": "7", **_TASK})

    workflow_id: str | int = Field(description="The workflow's id or key.")


class DashboardWorkflowCreate(Body):
    """A workflow. Its tasks run one after another."""

    model_config = with_example({"name": "Nightly report", "description": "Yesterday's numbers", "tasks": [_TASK]})

    name: Name
    description: Description = None
    tasks: list[DashboardTaskFields] = Field([], description="In the order in which they run.")

    def draft(self) -> WorkflowDraft:
        tasks = (task.draft(place, f"tasks[{place - 1}].") for place, task in enumerate(self.tasks, 1))
        return WorkflowDraft(name=self.name, description=self.description, tasks=tuple(tasks))


def shown_value(value: Any) -> Any:
    """As a task is shown with it."""
    return value if value is None or isinstance(value, int | str) else rfc3339(value)
