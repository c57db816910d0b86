"""Sends streams of updates, serialized in parts.

Protobuf decodes concatenated messages as one message with the fields of all of them. So the parts that many updates
have in common are serialized once, and an update is the concatenation of its parts.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from datetime import datetime
from functools import lru_cache, wraps
from typing import Any, TypeVar

from app.api.grpc.errors import Context, errors_as_status
from app.api.grpc.generated import workflow_pb2 as pb
from app.api.grpc.messages import STATUS, TASK_STATUS, timestamp, wait_message
from app.api.grpc.requests import refuse_malformed
from app.domain.callers import Caller
from app.domain.events import TASK_STATUS_AFTER, EventType
from app.domain.states import ExecutionStatus
from app.engine.watching.updates import Update, sentence, tells_of_data

S = TypeVar("S")
Q = TypeVar("Q")
Updates = AsyncGenerator[Sequence[Update]]
Messages = AsyncGenerator[bytes]

KEPT_PARTS = 4_096
PROTOBUF = "protobuf"
"""The format under which a shared update keeps its message."""


def stream(method: Callable[[S, Q, Caller], Awaitable[Updates]]) -> Callable[[S, Q, Context, Caller], Awaitable[None]]:
    """As `unary`, for methods that return a stream of updates. The stream is closed at once when the client is gone.

    The updates are written as bytes, so the method's handler must not serialize them. They are written one by one
    instead of being yielded by a generator, which would cost more. Each is serialized when it is sent, not with its
    batch, because a slow watcher takes long to receive a batch.
    """

    @wraps(method)
    async def call(servicer: S, request: Q, context: Context, caller: Caller) -> None:
        async with errors_as_status(context):
            refuse_malformed(request)
            async with aclosing(await method(servicer, request, caller)) as batches:
                await _write(batches, context)

    return call


def stream_of_bytes(method: Callable[[S, Q, Caller], Awaitable[Messages]]) -> Callable[..., Awaitable[None]]:
    """As `stream`, for methods that return a stream of serialized messages."""

    @wraps(method)
    async def call(servicer: S, request: Q, context: Context, caller: Caller) -> None:
        async with errors_as_status(context):
            refuse_malformed(request)
            async with aclosing(await method(servicer, request, caller)) as messages:
                async for message in messages:
                    await context.write(message)

    return call


async def _write(batches: Updates, context: Context) -> None:
    serializer = UpdateSerializer()
    async for batch in batches:
        for update in batch:
            await context.write(serializer.bytes_of(update))


class UpdateSerializer:
    """Serializes the updates of one execution."""

    def __init__(self) -> None:
        self._execution = b""
        self._instant: datetime | None = None
        self._occurred = b""

    def bytes_of(self, update: Update) -> bytes:
        """A serialized `WorkflowExecutionUpdate`. An update that several watchers share is serialized once."""
        return update.in_format(PROTOBUF, self._serialized)

    def without_output(self, update: Update) -> bytes:
        """As `bytes_of`, without the output of what has completed."""
        return self._serialized(update) if update.output is None else self._common(update, varies=False)

    def _serialized(self, update: Update) -> bytes:
        event = update.event
        varies = event.data is not None and tells_of_data(event.type)
        common = self._common(update, varies)
        return common if event.data is None else common + _of_data(update, varies)

    def _common(self, update: Update, varies: bool) -> bytes:
        """What is not made of the data. `varies` says whether the message is."""
        event = update.event
        self._execution = self._execution or _of_execution(update)
        if event.occurred_at is not self._instant:
            self._instant = event.occurred_at
            self._occurred = _serialized(occurred_at=timestamp(event.occurred_at))
        kind = _of_kind(event.type, event.status, event.task_id, update.task_name, event.attempt, not varies)
        return self._execution + kind + _of_place(event.sequence, event.progress_percent) + self._occurred


def _of_execution(update: Update) -> bytes:
    return _serialized(execution_id=str(update.execution_id), workflow_id=str(update.workflow_id))


@lru_cache(KEPT_PARTS)
def _of_kind(
    type: EventType, status: ExecutionStatus, task_id: int | None, task_name: str | None, attempt: int, told: bool
) -> bytes:
    return _serialized(
        status=STATUS[status],
        current_task_id="" if task_id is None else str(task_id),
        current_task_name=task_name or "",
        message=sentence(type, task_name, attempt) if told else "",
        task_status=TASK_STATUS[TASK_STATUS_AFTER.get(type)],
        attempt=attempt,
    )


@lru_cache(KEPT_PARTS)
def _of_place(sequence: int, progress_percent: int) -> bytes:
    return _serialized(sequence=sequence, progress_percent=progress_percent)


def _of_data(update: Update, varies: bool) -> bytes:
    message = pb.WorkflowExecutionUpdate(message=update.message) if varies else pb.WorkflowExecutionUpdate()
    if (output := update.output) is not None:
        message.output = output
    elif (failure := update.failure) is not None:
        message.error.code, message.error.message = failure.code, failure.message
    if (awaited := update.waits_for) is not None:
        message.waits_for.CopyFrom(wait_message(awaited))
    if (requester := update.requested_by) is not None:
        message.requested_by = requester
    return message.SerializeToString()


def _serialized(**fields: Any) -> bytes:
    return pb.WorkflowExecutionUpdate(**fields).SerializeToString()
