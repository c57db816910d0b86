"""What the fleet needs from outside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from app.domain.engines import EngineStatus, EngineWork, ShownEngine
from app.domain.states import ExecutionStatus, TaskStatus

WINDOW = timedelta(hours=24)
"""Lists show executions that have not ended, and those that were created so short a time ago."""

ATTEMPTS = timedelta(hours=1)
"""Attempts that ended so short a time ago tell how well an engine does."""

MOST_TASKS = 10_000
"""So many tasks of so many executions, the newest first, are counted and can be paged through."""

MOST_EXECUTIONS = 2_000
"""So many executions, the newest first, tell what engines have done."""

MOST_EVENTS = 100_000
"""Histories are read for a filter by status until they have so many events together, the newest executions first."""

MOST_EVENTS_OF_WORK = 50_000
"""The same, for what engines have done."""


_UNFINISHED = frozenset({TaskStatus.PENDING, TaskStatus.RUNNING, TaskStatus.RETRYING})


@dataclass(frozen=True, slots=True)
class TaskFilter:
    """A filter of the tasks of executions; None leaves all.

    statuses: only tasks with one of these. `SKIPPED` has also those that an execution ended without.
    engine_id: only those of executions that this engine owns, or has ended.
    execution_id: only those of this execution, whenever it was created.
    """

    statuses: frozenset[TaskStatus] | None = None
    workflow_id: int | None = None
    engine_id: int | None = None
    execution_id: UUID | None = None

    @property
    def only_unfinished(self) -> bool:
        """True when no execution that has ended has such a task."""
        return self.execution_id is None and self.statuses is not None and self.statuses <= _UNFINISHED


@dataclass(frozen=True, slots=True)
class ListedTask:
    """A task of an execution, in a list of tasks of many.

    engine_id: the engine that owns its execution, or has ended it; None while none does.
    status: `SKIPPED` if the execution has ended without it.
    created_at: when the execution was created.
    started_at: when its latest visit was started.
    ended_at: when it came to a final status.
    metadata: what the config of a task without a type says under this name.
    """

    execution_id: UUID
    task_id: int
    name: str
    description: str | None
    workflow_id: int
    engine_id: int | None
    status: TaskStatus
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    metadata: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TaskPage:
    """total: how many were found, at most `MOST_TASKS`. is_exact: false if there may be more."""

    tasks: Sequence[ListedTask]
    total: int
    is_exact: bool


@dataclass(frozen=True, slots=True)
class NewestExecution:
    """The newest execution of a workflow.

    engine_id: as in `ListedTask`.
    completed: how many of its tasks have completed.
    """

    workflow_id: int
    execution_id: UUID
    status: ExecutionStatus
    progress_percent: int
    engine_id: int | None
    completed: int


class EngineReader(Protocol):
    """All methods raise `Unavailable` when the store does not respond."""

    async def engines(self, status: EngineStatus | None, skip: int, limit: int) -> tuple[Sequence[ShownEngine], int]:
        """Those with a lease first, then those whose lease has ended in the last days; the newest first. And their
        number.
        """

    async def engine(self, engine_id: int) -> ShownEngine | None: ...

    async def free_slots(self) -> tuple[int, int]:
        """How many engines take executions, and how many more they could run."""

    async def work(self, tenant_id: int, created_after: datetime, ended_after: datetime) -> Mapping[int, EngineWork]:
        """What the tenant's executions have done, by the engine: those that have not ended, or were created since. At
        most the newest `MOST_EXECUTIONS`, and as many of these as `MOST_EVENTS_OF_WORK` leaves.

        ended_after: attempts that ended before it are not counted.
        """


class TaskLists(Protocol):
    """All methods raise `Unavailable` when the store does not respond."""

    async def tasks(
        self, tenant_id: int, wanted: TaskFilter, created_after: datetime, skip: int, limit: int
    ) -> TaskPage:
        """Of the newest execution first, each in the order of its plan."""

    async def newest(self, tenant_id: int, workflow_ids: Sequence[int]) -> Sequence[NewestExecution]:
        """Of each of the workflows that has any."""
