"""The task type `workflow`: runs another workflow as a child execution and returns its output.

A child is an ordinary execution whose idempotency key names this task. So it is started once, an attempt on another
engine finds it again, and it can be watched, paused or retried by itself.
"""

from typing import Annotated, Any, Protocol
from uuid import UUID

from pydantic import Field

from app.domain.handlers import Attempt, ChildEnd, ChildExecution, TaskError
from app.domain.states import ExecutionStatus
from app.tasks.task_type import TaskConfig, TaskType, config_of

MAX_DEPTH = 10
ENDED_BADLY = (ExecutionStatus.FAILED, ExecutionStatus.CANCELLED)


class Children(Protocol):
    """What running a child needs from the service. Every method waits while the database does not respond."""

    async def depth_of(self, execution_id: UUID) -> int:
        """The number of ancestors of the execution."""

    async def start(self, workflow: str, input: dict[str, Any], attempt: Attempt, number: int) -> ChildExecution:
        """Start a child of the attempt's task, or find it. Raise `TaskError` if its workflow cannot be started.

        workflow: an id or key.
        number: counts the children of the task, from 1.
        """

    async def end_of(self, execution_id: UUID) -> ChildEnd:
        """Wait for the end of the child."""

    async def cancel(self, execution_id: UUID, reason: str) -> None:
        """Cancel the child; no effect if it has ended."""


class WorkflowConfig(TaskConfig):
    workflow: Annotated[str, Field(min_length=1, max_length=200)]
    input: dict[str, Any] = Field(default_factory=dict)


class WorkflowHandler:
    follows_executions = True
    stores_config = True

    def __init__(self, children: Children) -> None:
        self._children = children

    async def run(self, attempt: Attempt) -> Any:
        config = config_of(attempt, WorkflowConfig)
        if await self._children.depth_of(attempt.execution_id) >= MAX_DEPTH:
            message = f"the execution has {MAX_DEPTH} parents above it, which is the limit"
            raise TaskError("too_deep", message, retryable=False)
        child = await self._child(config, attempt)
        attempt.child_started(child.id, attempt.element)
        try:
            end = await self._children.end_of(child.id)
        except BaseException:
            if not attempt.is_handed_over():
                await self._children.cancel(child.id, f"task {attempt.task_name!r} of its parent has ended")
            raise
        if end.status is ExecutionStatus.COMPLETED:
            return end.output
        code = "child_cancelled" if end.status is ExecutionStatus.CANCELLED else "child_failed"
        raise TaskError(code, f"execution {child.id} of workflow {config.workflow!r}: {end.message}")

    async def _child(self, config: WorkflowConfig, attempt: Attempt) -> ChildExecution:
        """The child that an earlier attempt started, unless it failed; otherwise a new one."""
        number = 1
        while True:
            child = await self._children.start(config.workflow, config.input, attempt, number)
            if not (child.is_known and child.status in ENDED_BADLY and number < attempt.number):
                return child
            number += 1


class NoChildren:
    """For a process that defines workflows but does not run them."""

    async def depth_of(self, execution_id: UUID) -> int:
        raise _no_engine()

    async def start(self, workflow: str, input: dict[str, Any], attempt: Attempt, number: int) -> ChildExecution:
        raise _no_engine()

    async def end_of(self, execution_id: UUID) -> ChildEnd:
        raise _no_engine()

    async def cancel(self, execution_id: UUID, reason: str) -> None:
        raise _no_engine()


def _no_engine() -> TaskError:
    return TaskError("no_engine", "this process runs no executions", retryable=False)


def workflow_type(children: Children) -> TaskType:
    return TaskType(WorkflowConfig, WorkflowHandler(children))
