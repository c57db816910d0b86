"""The events of an execution's history. gRPC streams, REST pages and the engine's state are derived from them."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from app.domain.states import ExecutionStatus, TaskStatus


class EventType(StrEnum):
    EXECUTION_CREATED = "execution_created"
    EXECUTION_STARTED = "execution_started"
    EXECUTION_PAUSED = "execution_paused"
    EXECUTION_RESUMED = "execution_resumed"
    CANCEL_REQUESTED = "cancel_requested"
    EXECUTION_FAILING = "execution_failing"
    SIGNAL_RECEIVED = "signal_received"
    TASK_STARTED = "task_started"
    TASK_PROGRESSED = "task_progressed"
    TASK_ITEM_COMPLETED = "task_item_completed"
    TASK_RETRYING = "task_retrying"
    TASK_COMPLETED = "task_completed"
    TASK_FAILED = "task_failed"
    TASK_CANCELLED = "task_cancelled"
    TASK_SKIPPED = "task_skipped"
    TASK_REUSED = "task_reused"
    EXECUTION_COMPLETED = "execution_completed"
    EXECUTION_FAILED = "execution_failed"
    EXECUTION_CANCELLED = "execution_cancelled"

    @property
    def is_final(self) -> bool:
        """True for the event that ends an execution; no event may follow it."""
        return self in FINAL_EVENTS


FINAL_EVENTS: Mapping[EventType, ExecutionStatus] = {
    EventType.EXECUTION_COMPLETED: ExecutionStatus.COMPLETED,
    EventType.EXECUTION_FAILED: ExecutionStatus.FAILED,
    EventType.EXECUTION_CANCELLED: ExecutionStatus.CANCELLED,
}

TASK_STATUS_AFTER: Mapping[EventType, TaskStatus] = {
    EventType.TASK_STARTED: TaskStatus.RUNNING,
    EventType.TASK_PROGRESSED: TaskStatus.RUNNING,
    EventType.TASK_ITEM_COMPLETED: TaskStatus.RUNNING,
    EventType.TASK_RETRYING: TaskStatus.RETRYING,
    EventType.TASK_COMPLETED: TaskStatus.COMPLETED,
    EventType.TASK_FAILED: TaskStatus.FAILED,
    EventType.TASK_CANCELLED: TaskStatus.CANCELLED,
    EventType.TASK_SKIPPED: TaskStatus.SKIPPED,
    EventType.TASK_REUSED: TaskStatus.COMPLETED,
}


class Event(NamedTuple):
    """One numbered entry of a history. It is a tuple because tuples are fast to create, in the order of its row's
    columns.

    status, progress_percent: of the execution, after the event, so that it can be shown without the events before it.
    data: JSON text, stored and streamed byte for byte. Its content depends on `type`:

    - EXECUTION_CREATED of a retry or rerun: `{"origin_id": UUID, "from_task": name or null}`; null for a retry
    - EXECUTION_CREATED of a trigger: `{"via": how it is handed to an engine}`, with `"run_id": str` if that is not the
      execution's id, and `"traceparent": str` if it is known
    - EXECUTION_CREATED of a child: `{"parent_id": UUID, "parent_task": name}`
    - EXECUTION_CREATED of a triggered execution: `{"via": name}`, the way on which it is handed to an engine
    - TASK_COMPLETED, EXECUTION_COMPLETED: the output; None stands for `null`
    - TASK_REUSED, a completion reused from the execution that this one repeats: its output
    - TASK_PROGRESSED: `{"message": str, "percent": number or null}`; the percentage is the task's. When the attempt has
      started a child execution, also `"child_id": UUID`
    - TASK_ITEM_COMPLETED, of one element of a `for_each` task: `{"index": int from 0, "count": int, "output"}`
    - TASK_RETRYING: `{"code": str, "message": str, "retry_at": RFC 3339 instant}`
    - TASK_FAILED, TASK_CANCELLED, EXECUTION_FAILED, EXECUTION_CANCELLED, and EXECUTION_FAILING, after which an
      execution fails for a reason other than a failed task: `{"code": str, "message": str}`
    - TASK_STARTED of a task that only waits: `{"until": RFC 3339 instant or null, "signal": name or null}`, and its
      result at that instant: `"output"`, or a `"failure": {"code", "message"}`
    - CANCEL_REQUESTED, EXECUTION_PAUSED, EXECUTION_RESUMED, TASK_SKIPPED: `{"message": str}`
    - SIGNAL_RECEIVED: `{"name": str, "payload": JSON value}`
    - of these five, when it is known who has requested it, also `"by": principal`
    - the others: None
    """

    sequence: int
    type: EventType
    occurred_at: datetime
    status: ExecutionStatus
    progress_percent: int
    task_id: int | None = None
    attempt: int = 0
    data: str | None = None
