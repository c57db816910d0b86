"""`workflow.WorkflowService`: converts requests, calls the services of executions, converts the results."""

from collections.abc import Sequence
from uuid import UUID

from app.api.grpc.callers import audited
from app.api.grpc.errors import unary
from app.api.grpc.feed_messages import FeedSerializer
from app.api.grpc.generated import workflow_pb2 as pb
from app.api.grpc.messages import (
    STATUS,
    STATUS_FROM_WIRE,
    page_message,
    rerun_message,
    retried_message,
    start_request,
    started_message,
    status_message,
)
from app.api.grpc.requests import checked_page_size
from app.api.grpc.streams import Messages, Updates, stream, stream_of_bytes
from app.domain.callers import Caller
from app.domain.errors import Invalid
from app.domain.payloads import Payloads
from app.domain.refs import parse_ref
from app.domain.states import ExecutionStatus
from app.engine.controls import ExecutionControls
from app.engine.execution_filter import ExecutionFilter
from app.engine.identifiers import parse_execution_id
from app.engine.repetitions import parse_wanted_revision
from app.engine.service import ExecutionService
from app.feed.entries import FeedFilter
from app.feed.requests import MOST_EVENTS, parse_types, position_as, readable
from app.feed.service import FeedService
from app.identity.client_addresses import ClientAddresses
from app.machines.machines import Machines

DEFAULT_EVENTS = 100

EventsRequest = pb.WatchEventsRequest | pb.ListEventsRequest


class WorkflowServicer:
    """Carries out the calls of the gRPC API. Each method has a further argument, the caller.

    executions: starts, reads and watches executions.
    controls: cancels, pauses, resumes, signals and repeats executions.
    feed: reads and follows all events of a tenant.
    machines: knows machines.
    payloads: checks and parses the JSON in requests.
    max_message_bytes: the largest size of a response.
    addresses: finds out where a call comes from.
    """

    def __init__(
        self,
        executions: ExecutionService,
        controls: ExecutionControls,
        feed: FeedService,
        machines: Machines,
        payloads: Payloads,
        max_message_bytes: int = 4_194_304,
        addresses: ClientAddresses | None = None,
    ) -> None:
        self.addresses = addresses or ClientAddresses()
        self._executions = executions
        self._controls = controls
        self._feed = feed
        self._machines = machines
        self._payloads = payloads
        self._max_message_bytes = max_message_bytes

    @stream
    async def ExecuteWorkflow(self, request: pb.ExecuteWorkflowRequest, caller: Caller) -> Updates:
        _, updates = await self._executions.execute(caller, start_request(request, self._payloads, caller.tenant_id))
        return updates

    @stream
    async def WatchExecution(self, request: pb.WatchExecutionRequest, caller: Caller) -> Updates:
        return await self._executions.watch(caller, parse_execution_id(request.execution_id), request.after_sequence)

    @unary
    async def StartWorkflow(self, request: pb.StartWorkflowRequest, caller: Caller) -> pb.StartWorkflowResponse:
        started = await self._executions.start(caller, start_request(request, self._payloads, caller.tenant_id))
        return started_message(started.execution, already_started=started.already_started)

    @unary
    async def GetWorkflowStatus(
        self, request: pb.GetWorkflowStatusRequest, caller: Caller
    ) -> pb.WorkflowStatusResponse:
        execution = await self._executions.get(caller, parse_execution_id(request.execution_id))
        return status_message(execution, await self._executions.last_update(caller, execution))

    @unary
    async def ListExecutions(self, request: pb.ListExecutionsRequest, caller: Caller) -> pb.ListExecutionsResponse:
        workflow, token = request.workflow_id, request.page_token
        wanted = ExecutionFilter(
            workflow_id=await self._wanted_workflow(caller, workflow),
            statuses=_wanted_statuses(request.status),
            parent_id=_wanted_id(request.parent_execution_id, "parent_execution_id"),
            root_id=_wanted_id(request.root_execution_id, "root_execution_id"),
        )
        size, before = checked_page_size(request.page_size), parse_execution_id(token, "cursor") if token else None
        page = await self._executions.list_executions(caller, wanted, before, size)
        return page_message(page, self._max_message_bytes)

    @stream_of_bytes
    async def WatchEvents(self, request: pb.WatchEventsRequest, caller: Caller) -> Messages:
        wanted = await self._wanted_events(request, caller)
        with position_as("after_position"):
            batches = await self._feed.watch(caller, _after(request), wanted)
        return self._feed_serializer(request).stream(batches)

    @unary
    async def ListEvents(self, request: pb.ListEventsRequest, caller: Caller) -> bytes:
        limit, wanted = _event_limit(request.limit), await self._wanted_events(request, caller)
        with position_as("after_position"):
            page = await self._feed.page(caller, _after(request), limit, wanted)
        return self._feed_serializer(request).page(page)

    @audited
    async def CancelExecution(self, request: pb.CancelExecutionRequest, caller: Caller) -> pb.CancelExecutionResponse:
        execution = await self._controls.cancel(caller, parse_execution_id(request.execution_id), request.reason)
        return pb.CancelExecutionResponse(execution_id=str(execution.id), status=STATUS[execution.status])

    @audited
    async def PauseExecution(self, request: pb.PauseExecutionRequest, caller: Caller) -> pb.PauseExecutionResponse:
        execution = await self._controls.pause(caller, parse_execution_id(request.execution_id), request.reason)
        return pb.PauseExecutionResponse(execution_id=str(execution.id), status=STATUS[execution.status])

    @audited
    async def ResumeExecution(self, request: pb.ResumeExecutionRequest, caller: Caller) -> pb.ResumeExecutionResponse:
        execution = await self._controls.resume(caller, parse_execution_id(request.execution_id), request.reason)
        return pb.ResumeExecutionResponse(execution_id=str(execution.id), status=STATUS[execution.status])

    @audited
    async def SignalExecution(self, request: pb.SignalExecutionRequest, caller: Caller) -> pb.SignalExecutionResponse:
        payload = self._payloads.from_text(request.payload or "null", "payload")
        execution = await self._controls.signal(caller, parse_execution_id(request.execution_id), request.name, payload)
        return pb.SignalExecutionResponse(execution_id=str(execution.id), status=STATUS[execution.status])

    @audited
    async def SkipTask(self, request: pb.SkipTaskRequest, caller: Caller) -> pb.SkipTaskResponse:
        execution = await self._controls.skip(
            caller, parse_execution_id(request.execution_id), request.task, request.reason
        )
        return pb.SkipTaskResponse(execution_id=str(execution.id), status=STATUS[execution.status])

    @audited
    async def RetryExecution(self, request: pb.RetryExecutionRequest, caller: Caller) -> pb.RetryExecutionResponse:
        execution_id, revision = parse_execution_id(request.execution_id), parse_wanted_revision(request.revision)
        return retried_message(await self._controls.retry(caller, execution_id, revision))

    @audited
    async def RerunExecution(self, request: pb.RerunExecutionRequest, caller: Caller) -> pb.RerunExecutionResponse:
        execution_id, revision = parse_execution_id(request.execution_id), parse_wanted_revision(request.revision)
        key = request.idempotency_key or None
        return rerun_message(await self._controls.rerun(caller, execution_id, request.from_task, key, revision))

    async def _wanted_events(self, request: EventsRequest, caller: Caller) -> FeedFilter:
        wanted = FeedFilter(
            await self._wanted_workflow(caller, request.workflow_id),
            types=parse_types(request.types, "types"),
            machine_id=await self._machines.machine_id(caller, request.machine_id),
            entity_id=_wanted_id(request.entity_id, "entity_id"),
        )
        return readable(caller, wanted)

    async def _wanted_workflow(self, caller: Caller, workflow: str) -> int | None:
        """The id of the workflow that a filter asks for by its id or key; None for an empty one."""
        return await self._executions.workflow_id(caller, parse_ref(workflow, caller.tenant_id)) if workflow else None

    def _feed_serializer(self, request: EventsRequest) -> FeedSerializer:
        return FeedSerializer(self._max_message_bytes, include_output=request.include_output)


def _after(request: EventsRequest) -> int | None:
    return request.after_position if request.HasField("after_position") else None


def _event_limit(limit: int) -> int:
    if not 0 <= limit <= MOST_EVENTS:
        raise Invalid.at("limit", f"must be from 1 to {MOST_EVENTS}, or 0 for {DEFAULT_EVENTS}")
    return limit or DEFAULT_EVENTS


def _wanted_id(text: str, field: str) -> UUID | None:
    """The id that a filter asks for; None for an empty one. Raise `Invalid`."""
    return parse_execution_id(text, field) if text else None


def _wanted_statuses(number: pb.ExecutionStatus) -> Sequence[ExecutionStatus]:
    if number == pb.STATUS_UNSPECIFIED:
        return ()
    if number not in STATUS_FROM_WIRE:
        raise Invalid.at("status", f"{number} is not a status")
    return (STATUS_FROM_WIRE[number],)
