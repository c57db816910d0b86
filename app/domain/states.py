"""The states of executions and tasks, and the tables of allowed transitions.

The same words are enums in PostgreSQL (`adapters/database/tables.py`), enum values in `protos/workflow.proto`, and the
states in the drawings of `docs/execution-model.md`.
"""

from collections.abc import Mapping
from enum import StrEnum


class ExecutionStatus(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        return self in FINAL_EXECUTION_STATUSES


class TaskStatus(StrEnum):
    """`PENDING` is a task without events; `RETRYING` waits for its next attempt.

    A task that a retry or rerun reuses goes from `PENDING` to `COMPLETED`.
    """

    PENDING = "pending"
    RUNNING = "running"
    RETRYING = "retrying"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"

    @property
    def is_final(self) -> bool:
        return not TASK_TRANSITIONS[self]


FINAL_EXECUTION_STATUSES = frozenset({ExecutionStatus.COMPLETED, ExecutionStatus.FAILED, ExecutionStatus.CANCELLED})

_E, _T = ExecutionStatus, TaskStatus

EXECUTION_TRANSITIONS: Mapping[ExecutionStatus, frozenset[ExecutionStatus]] = {
    _E.PENDING: frozenset({_E.RUNNING, _E.CANCELLED}),
    _E.RUNNING: frozenset({_E.PAUSED, _E.COMPLETED, _E.FAILED, _E.CANCELLED}),
    _E.PAUSED: frozenset({_E.RUNNING}),
    _E.COMPLETED: frozenset(),
    _E.FAILED: frozenset(),
    _E.CANCELLED: frozenset(),
}

TASK_TRANSITIONS: Mapping[TaskStatus, frozenset[TaskStatus]] = {
    _T.PENDING: frozenset({_T.RUNNING, _T.COMPLETED, _T.SKIPPED}),
    _T.RUNNING: frozenset({_T.RETRYING, _T.COMPLETED, _T.FAILED, _T.CANCELLED, _T.SKIPPED}),
    _T.RETRYING: frozenset({_T.RUNNING, _T.CANCELLED, _T.SKIPPED}),
    _T.COMPLETED: frozenset(),
    _T.FAILED: frozenset(),
    _T.CANCELLED: frozenset(),
    _T.SKIPPED: frozenset(),
}
