"""One run of one revision, as stored in its row."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.domain.payloads import Payload
from app.domain.shares import Group
from app.domain.states import ExecutionStatus, TaskStatus
from app.domain.waiting import Awaited

MAX_IDEMPOTENCY_KEY = 200
ENTITY_KEYS = "entity:"
"""How the keys of executions begin that entities have started."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a task or an execution failed. `code` is stable and machine-readable, `message` is for people."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Parent:
    """The task that has started an execution as its child, and the child's place in its family.

    execution_id: the parent.
    task_id: the task of the parent.
    element: which element of a `for_each` task, from 0; None for other tasks.
    root_id: the execution at the top, which has no parent.
    depth: how many executions are above the child, from 1.
    """

    execution_id: UUID
    task_id: int
    element: int | None
    root_id: UUID
    depth: int


@dataclass(slots=True)
class Execution:
    """One execution.

    tenant_id: the tenant of its workflow.
    output: JSON text. It maps the name of each last task to its output, without null outputs. In a routed workflow it
        is the output of the last task that completed.
    origin_id: the execution that this one repeats (retry or rerun).
    parent: the task whose child it is; None for an execution without a parent.
    started_by: the principal that has started it; None for a child, and for callers without authentication.
    """

    id: UUID
    tenant_id: int
    workflow_id: int
    revision: int
    status: ExecutionStatus
    input: Payload
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    output: str | None = None
    failure: Failure | None = None
    idempotency_key: str | None = None
    origin_id: UUID | None = None
    parent: Parent | None = None
    started_by: str | None = None

    @property
    def is_of_entity(self) -> bool:
        """Whether an entity has started it, which may wait for its end."""
        return self.idempotency_key is not None and self.idempotency_key.startswith(ENTITY_KEYS)

    @property
    def group(self) -> Group:
        """On whose behalf it runs."""
        return Group(self.tenant_id, self.workflow_id)

    @property
    def root_id(self) -> UUID:
        """The execution at the top of its family: itself if it has no parent."""
        return self.id if self.parent is None else self.parent.root_id

    @property
    def depth(self) -> int:
        """How many executions are above it."""
        return 0 if self.parent is None else self.parent.depth


@dataclass(frozen=True, slots=True)
class TaskExecution:
    """The state of one task of one execution, from the history.

    child_id: the execution that the task has started last; None if it has started none.
    waits_for: what the task waits for, which may be its next attempt; None while a handler runs for it, before its
        start and after its end.
    """

    task_id: int
    name: str
    status: TaskStatus
    attempt: int = 0
    started_at: datetime | None = None
    finished_at: datetime | None = None
    output: str | None = None
    failure: Failure | None = None
    child_id: UUID | None = None
    waits_for: Awaited | None = None
