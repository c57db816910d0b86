"""A real gRPC server that plays what a test wrote, for the command's own logic: reconnecting, drawing, exit codes."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

import grpc
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from app.api.grpc.generated import workflow_pb2 as pb
from app.api.grpc.generated import workflow_pb2_grpc

EXECUTION = "01990000-0000-7000-8000-000000000001"
BEGIN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

Scene = Callable[[Any, grpc.ServicerContext], Iterator[pb.WorkflowExecutionUpdate]]


def update(sequence: int, status: str = "RUNNING", **fields: Any) -> pb.WorkflowExecutionUpdate:
    """One entry, a tenth of a second after the one before; `task` stands for a task's id and name."""
    task = fields.pop("task", None)
    if task is not None:
        fields |= {"current_task_id": f"id-{task}", "current_task_name": task}
        fields.setdefault("attempt", 1)
    found = pb.WorkflowExecutionUpdate(
        execution_id=EXECUTION, workflow_id="7", status=status, sequence=sequence, **fields
    )
    found.occurred_at.FromDatetime(BEGIN + timedelta(milliseconds=100 * sequence))
    return found


def whole_history(final: str = "COMPLETED") -> list[pb.WorkflowExecutionUpdate]:
    """Two tasks, one of which needs two attempts."""
    again = pb.Error(code="timeout", message="no answer within 1 s")
    last = {"output": '{"load": {"rows": 3}}'} if final == "COMPLETED" else {"error": again}
    return [
        update(1, "PENDING", message="Execution accepted"),
        update(2, message="Execution started"),
        update(3, task="read", task_status="TASK_RUNNING", message="Task 'read' started"),
        update(4, task="read", task_status="TASK_COMPLETED", message="Task 'read' completed", progress_percent=50),
        update(5, task="load", task_status="TASK_RUNNING", message="Task 'load' started", progress_percent=50),
        update(
            6,
            task="load",
            task_status="TASK_RETRYING",
            message="Attempt 1 of task 'load' failed and will be repeated: no answer within 1 s",
            error=again,
            progress_percent=50,
        ),
        update(
            7,
            task="load",
            attempt=2,
            task_status="TASK_RUNNING",
            message="Task 'load' started again, attempt 2",
            progress_percent=50,
        ),
        update(8, task="load", attempt=2, task_status="TASK_RUNNING", message="3 rows written", progress_percent=75),
        update(
            9,
            task="load",
            attempt=2,
            task_status="TASK_COMPLETED" if final == "COMPLETED" else "TASK_FAILED",
            message=f"Task 'load' {final.lower()}",
            progress_percent=100,
        ),
        update(10, final, message=f"Execution {final.lower()}", progress_percent=100, **last),
    ]


def plays(*updates: pb.WorkflowExecutionUpdate, then: grpc.StatusCode = grpc.StatusCode.OK) -> Scene:
    """Sends the updates, then closes the stream with `then`."""

    def scene(request: Any, context: grpc.ServicerContext) -> Iterator[pb.WorkflowExecutionUpdate]:
        yield from updates
        if then is not grpc.StatusCode.OK:
            context.abort(then, "as the script says")

    return scene


def holds(*updates: pb.WorkflowExecutionUpdate, sent: Event | None = None) -> Scene:
    """Sends the updates, then nothing, until the caller goes away."""

    def scene(request: Any, context: grpc.ServicerContext) -> Iterator[pb.WorkflowExecutionUpdate]:
        gone = Event()
        context.add_callback(gone.set)
        yield from updates
        if sent is not None:
            sent.set()
        gone.wait()

    return scene


def refuses(code: grpc.StatusCode, message: str, reason: str, wait: float | None = None, **fields: str) -> Scene:
    """Ends the call as the service does: with typed details.

    wait: the seconds that the client is asked to wait; None if it is not asked.
    """

    def scene(request: Any, context: grpc.ServicerContext) -> Iterator[pb.WorkflowExecutionUpdate]:
        details: list[Any] = [error_details_pb2.ErrorInfo(reason=reason, domain="workflow")]
        if fields:
            violations = [
                error_details_pb2.BadRequest.FieldViolation(field=name, description=text)
                for name, text in fields.items()
            ]
            details.append(error_details_pb2.BadRequest(field_violations=violations))
        if wait is not None:
            details.append(error_details_pb2.RetryInfo())
            details[-1].retry_delay.FromTimedelta(timedelta(seconds=wait))
        packed = []
        for detail in details:
            packed.append(any_pb2.Any())
            packed[-1].Pack(detail)
        status = status_pb2.Status(code=code.value[0], message=message, details=packed)
        context.abort_with_status(rpc_status.to_status(status))
        yield  # pragma: no cover - makes this a generator

    return scene


class ScriptedService(workflow_pb2_grpc.WorkflowServiceServicer):
    """Each streaming call plays the next of `scenes`; every call answers from what the test put here."""

    def __init__(self) -> None:
        self.scenes: list[Scene] = []
        self.list_scenes: list[Scene] = []
        self.requests: list[Any] = []
        self.status: pb.WorkflowStatusResponse | None = pb.WorkflowStatusResponse(
            execution_id=EXECUTION, workflow_id="7", status="RUNNING"
        )
        self.executions: list[pb.ExecutionSummary] = []
        self.events: list[pb.FeedEvent] = []
        self.cancelled_as = pb.RUNNING
        self.latest_revision = 0
        self.target = ""

    def _play(self, request, context):
        self.requests.append(request)
        return self.scenes.pop(0)(request, context)

    def ExecuteWorkflow(self, request, context):
        return self._play(request, context)

    def WatchExecution(self, request, context):
        return self._play(request, context)

    def WatchEvents(self, request, context):
        return self._play(request, context)

    def ListEvents(self, request, context):
        self.requests.append(request)
        found = [event for event in self.events if event.position > request.after_position][: request.limit]
        last = found[-1].position if found else request.after_position
        return pb.ListEventsResponse(events=found, next_position=last)

    def GetWorkflowStatus(self, request, context):
        if self.status is None:
            context.abort(grpc.StatusCode.UNAVAILABLE, "draining")
        return self.status

    def ListExecutions(self, request, context):
        self.requests.append(request)
        if self.list_scenes:
            next(self.list_scenes.pop(0)(request, context))
        begin = int(request.page_token or 0)
        end = begin + request.page_size
        more = str(end) if end < len(self.executions) else ""
        return pb.ListExecutionsResponse(executions=self.executions[begin:end], next_page_token=more)

    def _refuse(self, request, context):
        """Note the request; if a scene is left, play it, which ends the call."""
        self.requests.append(request)
        if self.scenes:
            next(self.scenes.pop(0)(request, context))

    def CancelExecution(self, request, context):
        self._refuse(request, context)
        return pb.CancelExecutionResponse(execution_id=request.execution_id, status=self.cancelled_as)

    def PauseExecution(self, request, context):
        self.requests.append(request)
        return pb.PauseExecutionResponse(execution_id=request.execution_id, status=pb.RUNNING)

    def ResumeExecution(self, request, context):
        self.requests.append(request)
        return pb.ResumeExecutionResponse(execution_id=request.execution_id, status=pb.RUNNING)

    def SignalExecution(self, request, context):
        self.requests.append(request)
        return pb.SignalExecutionResponse(execution_id=request.execution_id, status=pb.RUNNING)

    def SkipTask(self, request, context):
        self._refuse(request, context)
        return pb.SkipTaskResponse(execution_id=request.execution_id, status=pb.RUNNING)

    def RetryExecution(self, request, context):
        self.requests.append(request)
        return pb.RetryExecutionResponse(
            execution_id=EXECUTION,
            status=pb.FAILED,
            already_started=True,
            origin_execution_id=request.execution_id,
            revision=1,
            latest_revision=self.latest_revision,
        )

    def RerunExecution(self, request, context):
        self._refuse(request, context)
        return pb.RerunExecutionResponse(
            execution_id=EXECUTION,
            origin_execution_id=request.execution_id,
            revision=1,
            latest_revision=self.latest_revision,
        )


def serve(service: ScriptedService, port: int = 0) -> grpc.Server:
    """Start a server on a port of loopback, and put its address into `service.target`."""
    server = grpc.server(ThreadPoolExecutor(max_workers=4))
    workflow_pb2_grpc.add_WorkflowServiceServicer_to_server(service, server)
    service.target = f"127.0.0.1:{server.add_insecure_port(f'127.0.0.1:{port}')}"
    server.start()
    return server
