"""One run of one revision, as its row shows it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.domain.states import ExecutionStatus, TaskStatus


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a task or an execution failed. `code` is stable and machine-readable, `message` is for people."""

    code: str
    message: str


@dataclass(slots=True)
class Execution:
    """`input` and `output` are JSON text. `output` maps each last task's name to its output, null ones left out;
    where conditions lead, it is the output of the last task that completed.

    `origin_id` is the execution that this one repeats, wholly or from some task on.
    """

    id: UUID
    workflow_id: int
    revision: int
    status: ExecutionStatus
    input: str
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    output: str | None = None
    failure: Failure | None = None
    idempotency_key: str | None = None
    origin_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class TaskExecution:
    """What the history says of one task of one execution."""

    task_id: int
    name: str
    status: TaskStatus
    attempt: int = 0
    started_at: datetime | None = None
    finished_at: datetime | None = None
    output: str | None = None
    failure: Failure | None = None
