"""What clients receive of the differences between two revisions, for the OpenAPI document only."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

EXAMPLE_CHANGES: dict[str, Any] = {
    "revision": 4,
    "against": 3,
    "workflow": {"name": ["Nightly report", "Morning report"]},
    "tasks": {"added": ["tell all"], "removed": [], "changed": {"fetch": {"sequence": [1, 2]}}},
}


class TaskChangesView(BaseModel):
    """Names of tasks; a task that was renamed goes by its new one."""

    added: list[str]
    removed: list[str]
    changed: dict[str, dict[str, tuple[Any, Any]]] = Field(description="The old and the new value by task and field.")


class RevisionChangesView(BaseModel):
    """What leads from one revision to another. Ids, numbers of revisions and times are no changes."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE_CHANGES]})

    revision: int
    against: int = Field(description="The revision before, or the one that was asked for; 0 is nothing.")
    workflow: dict[str, tuple[Any, Any]] = Field(description="The old and the new value by field.")
    tasks: TaskChangesView
