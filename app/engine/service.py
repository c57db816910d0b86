"""Everything the APIs may ask of executions."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.domain.executions import Execution, TaskExecution
from app.engine.ports import ExecutionFilter
from app.engine.updates import Update


@dataclass(frozen=True, slots=True)
class StartRequest:
    """`workflow` is an id or key; `input` a JSON object."""

    workflow: str
    input: Mapping[str, Any] = field(default_factory=dict)
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class Started:
    execution: Execution
    already_started: bool


@dataclass(frozen=True, slots=True)
class ExecutionPage:
    """`next_cursor` is None on the last page."""

    executions: Sequence[Execution]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class UpdatePage:
    """`ended` is true when `updates` reaches the end of a finished history."""

    updates: Sequence[Update]
    ended: bool


class ExecutionService:
    """Unknown ids raise `NotFound`, malformed ones `Invalid`, values over a limit `TooLarge`."""

    async def start(self, request: StartRequest) -> Started:
        """Make a new execution durable, or find the one that the idempotency key started."""
        raise NotImplementedError

    async def get(self, execution_id: str) -> Execution:
        raise NotImplementedError

    async def list_executions(self, wanted: ExecutionFilter, cursor: str | None, limit: int) -> ExecutionPage:
        raise NotImplementedError

    async def updates(self, execution_id: str, after: int, limit: int) -> UpdatePage:
        """The stored history after number `after`."""
        raise NotImplementedError

    async def tasks(self, execution_id: str) -> Sequence[TaskExecution]:
        """What the history says of each task of the revision, in the order in which they run."""
        raise NotImplementedError

    async def cancel(self, execution_id: str, reason: str) -> Execution:
        """Ask the execution to stop; harmless when repeated. Raise `WrongState` when it completed or failed."""
        raise NotImplementedError

    async def wait(self, execution_id: str, seconds: float) -> Execution:
        """The execution when it has ended, or as it stands after `seconds`."""
        raise NotImplementedError

    async def watch(self, execution_id: str, after: int) -> AsyncIterator[Sequence[Update]]:
        """Replay the history after number `after`, then follow it to its end."""
        raise NotImplementedError
        yield
