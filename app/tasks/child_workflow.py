"""The task type `workflow`: runs another workflow as a child execution; the output of the child is that of the task.

The handler only says what to run. The engine stores the child together with the history of its parent, and waits for it
as for a signal: without a handler, on whatever engine.
"""

from typing import Annotated, Any

from pydantic import Field

from app.domain.definitions import Config
from app.domain.handlers import Call
from app.tasks.task_type import TaskConfig, TaskType, parse_config


class WorkflowConfig(TaskConfig):
    workflow: Annotated[str, Field(min_length=1, max_length=200)]
    input: dict[str, Any] = Field(default_factory=dict)


class WorkflowHandler:
    def call(self, config: Config) -> Call:
        wanted = parse_config(WorkflowConfig, config)
        return Call(wanted.workflow, wanted.input)


def workflow_type() -> TaskType:
    return TaskType(WorkflowConfig, WorkflowHandler())
