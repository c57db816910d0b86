"""What is written to a stream: the bytes of each update, made once however many watchers send them."""

from collections.abc import AsyncGenerator, Sequence
from typing import Any, cast
from uuid import uuid4

import pytest

from app.api.grpc import streams
from app.api.grpc.errors import Context
from app.api.grpc.generated import workflow_pb2 as pb
from app.api.grpc.messages import STATUS, TASK_STATUS, error_message, timestamp, wait_message
from app.api.grpc.streams import UpdateSerializer, stream
from app.domain.callers import ANONYMOUS
from app.domain.events import Event, EventType
from app.domain.states import ExecutionStatus
from app.engine.deciding.event_data import failure_data, message_data
from app.engine.watching.updates import Update
from tests.support.histories import at

EXECUTION = uuid4()
DATA = {
    EventType.SIGNAL_RECEIVED: '{"name":"go","payload":null}',
    EventType.TASK_PROGRESSED: '{"message":"half-way","percent":50}',
    EventType.TASK_ITEM_COMPLETED: '{"index":0,"count":2,"output":null}',
    EventType.TASK_STARTED: '{"until":"2026-01-02T12:00:00Z","signal":"go","output":null}',
    EventType.TASK_RETRYING: '{"code":"timeout","message":"…","retry_at":"2026-01-02T12:00:00Z"}',
    EventType.EXECUTION_CREATED: '{"origin_id":"01990000-0000-7000-8000-000000000001","from_task":"a"}',
    EventType.TASK_COMPLETED: '{"n":1.0}',
    EventType.TASK_REUSED: '"😀"',
    EventType.EXECUTION_COMPLETED: "[]",
    EventType.CANCEL_REQUESTED: message_data("by hand").text,
}
FAILED = failure_data("http_status", "it answered 500").text


def update(type: EventType, data: str | None, task: str | None, attempt: int, sequence: int = 7) -> Update:
    status = ExecutionStatus.PENDING if sequence == 1 else ExecutionStatus.RUNNING
    event = Event(sequence, type, at(sequence), status, sequence // 3, None if task is None else 2**40, attempt, data)
    return Update(EXECUTION, 12, event, task)


def message(shown: Update) -> pb.WorkflowExecutionUpdate:
    """All that is to be told of an update."""
    event = shown.event
    return pb.WorkflowExecutionUpdate(
        execution_id=str(shown.execution_id),
        workflow_id=str(shown.workflow_id),
        status=STATUS[event.status],
        current_task_id="" if event.task_id is None else str(event.task_id),
        current_task_name=shown.task_name or "",
        message=shown.message,
        progress_percent=event.progress_percent,
        sequence=event.sequence,
        occurred_at=timestamp(event.occurred_at),
        task_status=TASK_STATUS[shown.task_status],
        attempt=event.attempt,
        output=shown.output or "",
        error=error_message(shown.failure),
        waits_for=None if shown.waits_for is None else wait_message(shown.waits_for),
    )


def examples() -> list[Update]:
    """Every type with and without data, about two tasks and none, in several attempts; each one twice."""
    found = []
    for kind in EventType:
        without = [] if kind is EventType.TASK_ITEM_COMPLETED else [None]
        for data in (DATA.get(kind, FAILED), *without):
            for task, attempt in (("a", 1), ("a", 2), ("b \U0001f600", 1), (None, 0)):
                found += [update(kind, data, task, attempt, sequence) for sequence in (1, 300, 2**31)]
    return found * 2


def test_the_bytes_are_those_of_the_message() -> None:
    serializer = UpdateSerializer()
    for shown in examples():
        sent = serializer.bytes_of(shown)
        assert pb.WorkflowExecutionUpdate.FromString(sent) == message(shown), shown
        assert len(sent) == message(shown).ByteSize(), shown


def test_executions_do_not_mix() -> None:
    ids = [uuid4() for _ in range(3)]
    event = update(EventType.EXECUTION_STARTED, None, None, 0).event
    sent = [UpdateSerializer().bytes_of(Update(each, n, event, None)) for n, each in enumerate(ids)]
    read = [pb.WorkflowExecutionUpdate.FromString(each) for each in sent]
    assert [(each.execution_id, each.workflow_id) for each in read] == [
        (str(each), str(n)) for n, each in enumerate(ids)
    ]


class Caller:
    """Keeps what was written to it."""

    def __init__(self) -> None:
        self.written: list[bytes] = []

    async def write(self, sent: bytes) -> None:
        self.written.append(sent)


class Servicer:
    """Streams the same updates to everybody."""

    def __init__(self, *batches: Sequence[Update]) -> None:
        self._batches = batches

    @stream
    async def watch(self, _: None, __: object) -> AsyncGenerator[Sequence[Update]]:
        return self._updates()

    async def _updates(self) -> AsyncGenerator[Sequence[Update]]:
        for batch in self._batches:
            yield batch


async def callers_of(servicer: Servicer, count: int) -> list[Caller]:
    callers = [Caller() for _ in range(count)]
    for caller in callers:
        await servicer.watch(None, cast(Context, caller), ANONYMOUS)
    return callers


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Update]:
    """The updates that were serialized."""
    serialized: list[Update] = []
    serialize = UpdateSerializer._serialized

    def noted(self: UpdateSerializer, shown: Update) -> bytes:
        serialized.append(shown)
        return serialize(self, shown)

    monkeypatch.setattr(streams.UpdateSerializer, "_serialized", noted)
    return serialized


async def test_shared_updates_are_serialized_once_for_500_watchers(made: list[Update]) -> None:
    updates = [update(EventType.TASK_COMPLETED, '"x"', "a", 1, number) for number in range(1, 4)]
    for shown in updates:
        shown.is_shared = True
    callers = await callers_of(Servicer(updates[:2], updates[2:]), 500)
    assert made == updates
    assert all(
        own is first for caller in callers for own, first in zip(caller.written, callers[0].written, strict=True)
    )
    assert [pb.WorkflowExecutionUpdate.FromString(sent) for sent in callers[0].written] == list(map(message, updates))


async def test_what_one_watcher_sends_is_not_kept(made: list[Update]) -> None:
    updates: list[Any] = [update(EventType.TASK_COMPLETED, '"x"', "a", 1, number) for number in range(1, 4)]
    await callers_of(Servicer(updates), 1)
    await callers_of(Servicer(updates), 1)
    assert made == updates * 2


async def test_what_is_shared_is_kept_for_each_format(made: list[Update]) -> None:
    """As a JSON serializer does, beside the gRPC stream."""
    shown = update(EventType.TASK_COMPLETED, '"x"', "a", 1)
    shown.is_shared = True
    texts = [shown.in_format("json", lambda one: b'{"sequence":%d}' % one.event.sequence) for _ in range(2)]
    callers = await callers_of(Servicer([shown]), 2)
    again = shown.in_format("json", lambda _: b"another")
    assert texts == [b'{"sequence":7}'] * 2
    assert again is texts[0]
    assert made == [shown]
    assert [pb.WorkflowExecutionUpdate.FromString(*caller.written) for caller in callers] == [message(shown)] * 2
