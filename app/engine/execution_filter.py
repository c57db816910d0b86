"""Which executions a list shows."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.domain.states import ExecutionStatus


@dataclass(frozen=True, slots=True)
class ExecutionFilter:
    """A filter of executions.

    - statuses: leaves those in one of these; empty for all
    - parent_id: leaves those that a task of this execution has started
    - root_id: leaves those below this execution, which is at the top of its family
    - workflow_ids: leaves those of one of these workflows; None for all
    - error_code: leaves those that have failed, or were cancelled, with this code
    - first_id, last_id: leaves those whose ids are from the first to the last
    - unresolved: leaves those without a parent that have failed, and of which no later repetition has completed
    """

    workflow_id: int | None = None
    statuses: Collection[ExecutionStatus] = ()
    created_after: datetime | None = None
    created_before: datetime | None = None
    parent_id: UUID | None = None
    root_id: UUID | None = None
    workflow_ids: Sequence[int] | None = None
    error_code: str | None = None
    first_id: UUID | None = None
    last_id: UUID | None = None
    unresolved: bool = False
