"""Which workflow a task runs as its child, as far as its definition says so."""

from app.domain.definitions import Config, TaskDraft

CALLING_TYPE = "workflow"
"""The type of the tasks that run a workflow."""

CALLED = "workflow"
"""The field of their config that names it, by id or key."""


def called_workflow(task: TaskDraft) -> str | None:
    """The id or key in the config of the task.

    None if the task calls no workflow, or one that only an execution can tell, because an expression names it.
    """
    return named_workflow(task.config) if task.type == CALLING_TYPE else None


def named_workflow(config: Config) -> str | None:
    """The same for the config of a task that runs a workflow."""
    named = config.get(CALLED)
    return named if isinstance(named, str) and "${" not in named else None
