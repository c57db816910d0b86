"""A client of the gRPC service that turns its errors into sentences."""

from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any, Self, cast

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from app.api.grpc.channels import open_channel
from app.api.grpc.generated import workflow_pb2 as pb
from app.api.grpc.generated import workflow_pb2_grpc
from app.client.api_key import api_key, header
from app.client.errors import ClientError, unusable_files
from app.domain.host_names import is_local

CALL_SECONDS = 10.0
LARGEST_PAGE = 200

Updates = Iterator[pb.WorkflowExecutionUpdate]

_SILENCE = "the service does not answer at {target}; start it with `workflow up`"

# Messages of gRPC that mean that there was no connection, so nothing can have been sent.
_NEVER_CONNECTED = {
    "Failed parsing HTTP/2": "the server at {target} does not speak gRPC; check --grpc-target",
    "errors resolving": "the host of {target} cannot be resolved; check --grpc-target",
    "CERTIFICATE_VERIFY_FAILED": "the certificate of {target} is not trusted; WORKFLOW_TLS_CA names authorities",
    "WRONG_VERSION_NUMBER": "the server at {target} does not use TLS; check --grpc-target",
    "failed to connect": _SILENCE,
}

# An error without the service's own details comes from the connection, or from another program.
_UNEXPLAINED = {
    grpc.StatusCode.UNAVAILABLE: _SILENCE,
    grpc.StatusCode.DEADLINE_EXCEEDED: "the service at {target} did not answer in time; try again shortly",
    grpc.StatusCode.UNIMPLEMENTED: "the server at {target} is not this workflow service; check --grpc-target",
}


_OTHERWISE = "the call to the service at {target} failed: {text}"


class GrpcClient:
    """A connection to the server at `target` (`host:port`, `https://host:port` with TLS); use it as a context manager.

    key: the API key or token to send; None takes that of WORKFLOW_API_KEY, if it is set.

    Raise `ClientError` when the files for TLS, or the key, cannot be used.

    The streams and `status` raise `grpc.RpcError`, so that a follower can retry; the other calls raise `ClientError`.
    """

    def __init__(self, target: str, key: str | None = None) -> None:
        self.target = target
        self._metadata = tuple(header(api_key(key)).items())
        try:
            self._channel = open_channel(target, _options(target))
        except OSError as error:
            raise ClientError(unusable_files(error)) from None
        # The generated module has no types.
        self._stub: Any = cast(Any, workflow_pb2_grpc).WorkflowServiceStub(self._channel)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._channel.close()

    def execute(self, request: pb.ExecuteWorkflowRequest) -> Updates:
        return cast(Updates, self._stub.ExecuteWorkflow(request, metadata=self._metadata))

    def watch(self, execution_id: str, after: int) -> Updates:
        request = pb.WatchExecutionRequest(execution_id=execution_id, after_sequence=after)
        return cast(Updates, self._stub.WatchExecution(request, metadata=self._metadata))

    def watch_events(self, request: pb.WatchEventsRequest) -> Iterator[pb.EventBatch]:
        return cast("Iterator[pb.EventBatch]", self._stub.WatchEvents(request, metadata=self._metadata))

    def status(self, execution_id: str) -> pb.WorkflowStatusResponse:
        request = pb.GetWorkflowStatusRequest(execution_id=execution_id)
        found = self._stub.GetWorkflowStatus(request, timeout=CALL_SECONDS, metadata=self._metadata)
        return cast(pb.WorkflowStatusResponse, found)

    def executions(self, request: pb.ListExecutionsRequest, limit: int) -> Iterator[pb.ExecutionSummary]:
        """At most `limit` executions, newest first, page by page. Changes the request's page."""
        while limit > 0:
            request.page_size = min(limit, LARGEST_PAGE)
            page: pb.ListExecutionsResponse = self._call(self._stub.ListExecutions, request)
            yield from page.executions
            limit -= len(page.executions)
            request.page_token = page.next_page_token
            if not page.next_page_token:
                return

    def events(self, request: pb.ListEventsRequest) -> Iterator[pb.FeedEvent]:
        """All that are kept behind a position, page by page. Changes the request's position."""
        while True:
            page: pb.ListEventsResponse = self._call(self._stub.ListEvents, request)
            yield from page.events
            if request.HasField("after_position") and request.after_position == page.next_position:
                return
            request.after_position = page.next_position

    def cancel(self, execution_id: str, reason: str) -> pb.CancelExecutionResponse:
        request = pb.CancelExecutionRequest(execution_id=execution_id, reason=reason)
        return cast(pb.CancelExecutionResponse, self._call(self._stub.CancelExecution, request))

    def pause(self, execution_id: str, reason: str) -> pb.PauseExecutionResponse:
        request = pb.PauseExecutionRequest(execution_id=execution_id, reason=reason)
        return cast(pb.PauseExecutionResponse, self._call(self._stub.PauseExecution, request))

    def resume(self, execution_id: str, reason: str) -> pb.ResumeExecutionResponse:
        request = pb.ResumeExecutionRequest(execution_id=execution_id, reason=reason)
        return cast(pb.ResumeExecutionResponse, self._call(self._stub.ResumeExecution, request))

    def signal(self, execution_id: str, name: str, payload: str) -> pb.SignalExecutionResponse:
        request = pb.SignalExecutionRequest(execution_id=execution_id, name=name, payload=payload)
        return cast(pb.SignalExecutionResponse, self._call(self._stub.SignalExecution, request))

    def skip(self, execution_id: str, task: str, reason: str) -> pb.SkipTaskResponse:
        request = pb.SkipTaskRequest(execution_id=execution_id, task=task, reason=reason)
        return cast(pb.SkipTaskResponse, self._call(self._stub.SkipTask, request))

    def retry(self, execution_id: str, revision: str = "") -> pb.RetryExecutionResponse:
        request = pb.RetryExecutionRequest(execution_id=execution_id, revision=revision)
        return cast(pb.RetryExecutionResponse, self._call(self._stub.RetryExecution, request))

    def rerun(
        self, execution_id: str, from_task: str, idempotency_key: str, revision: str = ""
    ) -> pb.RerunExecutionResponse:
        request = pb.RerunExecutionRequest(
            execution_id=execution_id, from_task=from_task, idempotency_key=idempotency_key, revision=revision
        )
        return cast(pb.RerunExecutionResponse, self._call(self._stub.RerunExecution, request))

    def _call(self, method: Any, request: Any) -> Any:
        try:
            return method(request, timeout=CALL_SECONDS, metadata=self._metadata)
        except grpc.RpcError as error:
            raise sentence_of(error, self.target) from None


def sentence_of(error: grpc.RpcError, target: str) -> ClientError:
    """The error of a call to `target`, with a line for each field that the service names."""
    code, text = error.code(), error.details() or error.code().name
    reason, fields = _details(error)
    if fields:
        return ClientError("\n".join(["the service refuses the request", *(f"  {line}" for line in fields)]))
    if not reason:
        sentence = never_connected(error) or _UNEXPLAINED.get(code, _OTHERWISE)
        return ClientError(sentence.format(target=target, text=text))
    if code is grpc.StatusCode.UNAVAILABLE:
        return ClientError(f"the service at {target} cannot answer now: {text}; try again shortly")
    return ClientError(text, reason)


def never_connected(error: grpc.RpcError) -> str:
    """A sentence with `{target}` if nothing can have been sent; otherwise empty."""
    text = error.details() or ""
    return next((sentence for sign, sentence in _NEVER_CONNECTED.items() if sign in text), "")


def seconds_to_wait(error: grpc.RpcError) -> float:
    """How long the service asks to wait before the next try; 0 if it does not ask."""
    for detail in _packed_details(error):
        retry = error_details_pb2.RetryInfo()
        if detail.Unpack(retry):
            return float(retry.retry_delay.ToTimedelta().total_seconds())
    return 0.0


def _details(error: grpc.RpcError) -> tuple[str, list[str]]:
    """The stable reason, and one line per wrong field; both empty if the error has no details."""
    reason, fields = "", list[str]()
    for detail in _packed_details(error):
        info, request = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
        if detail.Unpack(info):
            reason = info.reason
        elif detail.Unpack(request):
            fields += [
                f"{item.field}: {item.description}" if item.field else item.description
                for item in request.field_violations
            ]
    return reason, fields


def _packed_details(error: grpc.RpcError) -> Sequence[Any]:
    try:
        status = rpc_status.from_call(cast(Any, error))
    except ValueError:  # The details contradict the status: they are not from this service.
        return ()
    return () if status is None else status.details


def _options(target: str) -> list[tuple[str, int]]:
    """Channel options: reconnect quickly, detect a vanished server, accept messages of any size."""
    host = target.rstrip("/").rpartition("/")[2].rpartition(":")[0].strip("[]")
    return [
        ("grpc.enable_http_proxy", 0 if is_local(host) else 1),
        ("grpc.initial_reconnect_backoff_ms", 200),
        ("grpc.min_reconnect_backoff_ms", 3_000),
        ("grpc.max_reconnect_backoff_ms", 3_000),
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        ("grpc.max_receive_message_length", -1),
    ]
