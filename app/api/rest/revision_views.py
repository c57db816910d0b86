"""The differences between two revisions as clients receive them. Only the OpenAPI document uses these models."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

EXAMPLE_CHANGES: dict[str, Any] = {
    "revision": 4,
    "against": 3,
    "workflow": {"name": ["Nightly report", "Morning report"]},
    "tasks": {"added": ["tell all"], "removed": [], "changed": {"fetch": {"sequence": [1, 2]}}},
}


class TaskChangesView(BaseModel):
    """The tasks that differ, by name. A renamed task is listed under its new name."""

    added: list[str]
    removed: list[str]
    changed: dict[str, dict[str, tuple[Any, Any]]] = Field(description="The old and the new value by task and field.")


class RevisionChangesView(BaseModel):
    """The changes from one revision to another. Ids, revision numbers and times do not count as changes."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE_CHANGES]})

    revision: int
    against: int = Field(description="The revision to compare with; 0 stands for an empty workflow.")
    workflow: dict[str, tuple[Any, Any]] = Field(description="The old and the new value by field.")
    tasks: TaskChangesView
