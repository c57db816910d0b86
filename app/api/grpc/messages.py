"""Converts protobuf messages to the engine's types and back."""

from datetime import datetime
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from app.api.grpc.errors import LONGEST_MESSAGE, LONGEST_VALUE, shortened
from app.api.grpc.generated import workflow_pb2 as pb
from app.domain.errors import Invalid
from app.domain.executions import Execution, Failure
from app.domain.payloads import Payloads
from app.domain.refs import parse_ref
from app.domain.states import ExecutionStatus, TaskStatus
from app.domain.waiting import Awaited
from app.engine.repetitions import Repetition
from app.engine.service import ExecutionPage
from app.engine.starting import StartRequest
from app.engine.watching.updates import Update

PAGE_OVERHEAD_BYTES = 1_024
"""Room for the page token and for what gRPC adds to a message."""

SUMMARY_OVERHEAD_BYTES = 6
"""The tag and the length of a summary within its page."""

STATUS = {
    ExecutionStatus.PENDING: pb.PENDING,
    ExecutionStatus.RUNNING: pb.RUNNING,
    ExecutionStatus.PAUSED: pb.PAUSED,
    ExecutionStatus.COMPLETED: pb.COMPLETED,
    ExecutionStatus.FAILED: pb.FAILED,
    ExecutionStatus.CANCELLED: pb.CANCELLED,
}
STATUS_FROM_WIRE = {number: status for status, number in STATUS.items()}
TASK_STATUS = {
    None: pb.TASK_STATUS_UNSPECIFIED,
    TaskStatus.PENDING: pb.TASK_PENDING,
    TaskStatus.RUNNING: pb.TASK_RUNNING,
    TaskStatus.RETRYING: pb.TASK_RETRYING,
    TaskStatus.COMPLETED: pb.TASK_COMPLETED,
    TaskStatus.FAILED: pb.TASK_FAILED,
    TaskStatus.CANCELLED: pb.TASK_CANCELLED,
    TaskStatus.SKIPPED: pb.TASK_SKIPPED,
}


def start_request(
    message: pb.ExecuteWorkflowRequest | pb.StartWorkflowRequest, payloads: Payloads, tenant_id: int
) -> StartRequest:
    """Raise `Invalid`, `TooLarge` or `NotFound` for a message that cannot start an execution."""
    if not message.workflow_id:
        raise Invalid.at("workflow_id", "must be a workflow's id or key")
    if message.parameters and message.input:
        raise Invalid.at("input", "cannot be given together with parameters")
    if message.input:
        payload = payloads.object_from_text(message.input, "input")
    else:
        payload = payloads.from_value(dict(message.parameters), "input")
    return StartRequest(parse_ref(message.workflow_id, tenant_id), payload, message.idempotency_key or None)


def started_message(execution: Execution, *, already_started: bool) -> pb.StartWorkflowResponse:
    return pb.StartWorkflowResponse(
        execution_id=str(execution.id),
        workflow_id=str(execution.workflow_id),
        status=STATUS[execution.status],
        already_started=already_started,
        revision=execution.revision,
    )


def retried_message(started: Repetition) -> pb.RetryExecutionResponse:
    return pb.RetryExecutionResponse(**_repetition(started))


def rerun_message(started: Repetition) -> pb.RerunExecutionResponse:
    return pb.RerunExecutionResponse(**_repetition(started))


def _repetition(started: Repetition) -> dict[str, Any]:
    execution = started.execution
    return {
        "execution_id": str(execution.id),
        "workflow_id": str(execution.workflow_id),
        "status": STATUS[execution.status],
        "already_started": started.already_started,
        "revision": execution.revision,
        "origin_execution_id": _origin(execution),
        "latest_revision": started.latest_revision or 0,
    }


def status_message(execution: Execution, last: Update | None) -> pb.WorkflowStatusResponse:
    return pb.WorkflowStatusResponse(
        execution_id=str(execution.id),
        workflow_id=str(execution.workflow_id),
        status=STATUS[execution.status],
        last_message="" if last is None else last.message,
        finished_at=timestamp(execution.finished_at),
        last_sequence=0 if last is None else last.event.sequence,
        progress_percent=0 if last is None else last.event.progress_percent,
        revision=execution.revision,
        created_at=timestamp(execution.created_at),
        started_at=timestamp(execution.started_at),
        output=execution.output or "",
        error=error_message(execution.failure),
        origin_execution_id=_origin(execution),
        parent_execution_id=_parent(execution),
        root_execution_id=str(execution.root_id),
        depth=execution.depth,
        started_by=execution.started_by or "",
    )


def page_message(page: ExecutionPage, max_bytes: int) -> pb.ListExecutionsResponse:
    """A message with as many executions of the page as fit into `max_bytes`, at least one.

    The token of the next page continues after the last one in the message.
    """
    token = "" if page.next_cursor is None else str(page.next_cursor)
    message = pb.ListExecutionsResponse(next_page_token=token)
    left = max_bytes - PAGE_OVERHEAD_BYTES
    for execution in page.executions:
        summary = summary_message(execution)
        left -= summary.ByteSize() + SUMMARY_OVERHEAD_BYTES
        if left < 0 and message.executions:
            message.next_page_token = message.executions[-1].execution_id
            break
        message.executions.append(summary)
    return message


def summary_message(execution: Execution) -> pb.ExecutionSummary:
    """An execution in a list. Its error is shortened; `GetWorkflowStatus` returns the whole one."""
    failure = execution.failure
    if failure is not None:
        failure = Failure(shortened(failure.code, LONGEST_VALUE), shortened(failure.message, LONGEST_MESSAGE))
    return pb.ExecutionSummary(
        execution_id=str(execution.id),
        workflow_id=str(execution.workflow_id),
        status=STATUS[execution.status],
        revision=execution.revision,
        created_at=timestamp(execution.created_at),
        started_at=timestamp(execution.started_at),
        finished_at=timestamp(execution.finished_at),
        error=error_message(failure),
        origin_execution_id=_origin(execution),
        parent_execution_id=_parent(execution),
        root_execution_id=str(execution.root_id),
        depth=execution.depth,
        started_by=execution.started_by or "",
    )


def error_message(failure: Failure | None) -> pb.Error | None:
    return None if failure is None else pb.Error(code=failure.code, message=failure.message)


def wait_message(awaited: Awaited) -> pb.Wait:
    return pb.Wait(signal=awaited.signal or "", until=timestamp(awaited.until))


def timestamp(instant: datetime | None) -> Timestamp | None:
    """Convert an instant, which is stored in whole microseconds."""
    if instant is None:
        return None
    return Timestamp(seconds=int(instant.timestamp() // 1), nanos=instant.microsecond * 1000)


def _origin(execution: Execution) -> str:
    return "" if execution.origin_id is None else str(execution.origin_id)


def _parent(execution: Execution) -> str:
    return "" if execution.parent is None else str(execution.parent.execution_id)
