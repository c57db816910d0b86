"""What overviews need from outside. `adapters/database/overview.py` implements it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from app.domain.events import EventType
from app.domain.executions import Execution
from app.domain.states import ExecutionStatus


class Revision(NamedTuple):
    workflow_id: int
    number: int


@dataclass(frozen=True, slots=True)
class Naming:
    """How a workflow is called now."""

    name: str
    key: str | None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is around an execution.

    workflow: how its workflow is called; None if that was deleted.
    retried_by: the newest execution that repeats it.
    """

    workflow: Naming | None
    retried_by: UUID | None


class OutlinedEvent(NamedTuple):
    """An event as an overview shows it.

    data: JSON text. An output is cut, other data has only what is shown.
    size: of an output, how many bytes the whole has.
    stands_for: how many events. Of the progress and the completed elements of an attempt, only the last one is read.
    """

    sequence: int
    type: EventType
    occurred_at: datetime
    status: ExecutionStatus
    progress_percent: int
    task_id: int | None
    attempt: int
    data: str | None
    size: int | None
    stands_for: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An execution, what is around it, and its history, as of one moment."""

    execution: Execution
    around: Surroundings
    events: Sequence[OutlinedEvent]


@dataclass(frozen=True, slots=True)
class Advance:
    """How far an execution has come.

    percent: whole percent.
    done: how many tasks the execution has continued behind; None if the history is too long to be counted.
    open: how many tasks have started and not ended; None as `done`.
    current: the first of these, by id.
    retrying: those that wait for their next attempt.
    """

    percent: int
    done: int | None
    open: int | None
    current: Sequence[int]
    retrying: Collection[int]


@dataclass(frozen=True, slots=True)
class Counts:
    """How many executions have not ended, and how many have ended lately, by status."""

    active: Mapping[ExecutionStatus, int]
    ended: Mapping[ExecutionStatus, int]


class Ended(NamedTuple):
    """An execution that has ended. `code` is that of its error."""

    id: UUID
    revision: int
    status: ExecutionStatus
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime
    code: str | None


@dataclass(frozen=True, slots=True)
class TaskAttempts:
    """The attempts of one task in several executions.

    failures: how many have failed, by the code of the error.
    p50, p95: how many seconds those have taken that have completed; None without any.
    """

    task_id: int
    attempts: int
    completed: int
    failed: int
    failures: Mapping[str, int]
    p50: float | None
    p95: float | None


class OverviewStore(Protocol):
    """Reads of one tenant. What another tenant has is as what does not exist. All methods raise `StoreUnreachable`."""

    async def snapshot(self, tenant_id: int, execution_id: UUID, cut: int) -> Snapshot | None:
        """One consistent read. Outputs and messages are cut after `cut` characters."""

    async def surroundings(self, tenant_id: int, ids: Sequence[UUID]) -> Mapping[UUID, Surroundings]: ...

    async def advances(
        self, tenant_id: int, ids: Sequence[UUID], undo: Sequence[int], may_fail: Sequence[int], most_events: int
    ) -> Mapping[UUID, Advance]:
        """How far executions have come. Histories are counted as long as they have at most `most_events` together.

        undo: the tasks that are compensations.
        may_fail: the tasks behind which an execution continues when they have failed.
        """

    async def snapshots(self, tenant_id: int, revisions: Collection[Revision]) -> Mapping[Revision, str]:
        """The documents of revisions as JSON text."""

    async def workflows_named(self, tenant_id: int, part: str, limit: int) -> Sequence[int]:
        """The ids of at most `limit` workflows whose name contains `part` in any case."""

    async def counts(self, tenant_id: int, workflow_id: int | None, hours: int) -> Counts:
        """Those that have not ended, and those that have ended in the last `hours`, from one snapshot."""

    async def ended(self, tenant_id: int, workflow_id: int, after: datetime, limit: int) -> Sequence[Ended]:
        """The newest executions of a workflow that were created after `after` and have ended."""

    async def attempts(
        self, tenant_id: int, ids: Sequence[UUID], most_events: int
    ) -> tuple[int, Sequence[TaskAttempts]]:
        """Of how many executions, the first in `ids` first, as have at most `most_events` events together; and the
        attempts of each of their tasks.
        """
