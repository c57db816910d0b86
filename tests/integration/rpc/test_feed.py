"""The events of all executions over gRPC: pages, streams, and what both refuse."""

import asyncio
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from app.api.grpc.feed_messages import FeedSerializer
from app.api.grpc.generated import workflow_pb2 as pb
from app.api.grpc.streams import UpdateSerializer
from tests.support.engine_process import (
    RunningServer,
    running_server,
    settings_for,
    store_workflow,
    sync,
    workflow,
)
from tests.support.removed_positions import removed_positions
from tests.support.tenant import CALLER

pytestmark = pytest.mark.server

LONGEST = 60
STEPS = 5
EVENTS = 2 * STEPS + 3


async def execute(server: RunningServer, key: str) -> list[pb.WorkflowExecutionUpdate]:
    return [update async for update in server.stub.ExecuteWorkflow(pb.ExecuteWorkflowRequest(workflow_id=key))]


async def store(database_url: str, key: str = "steps", size: int = 1) -> None:
    tasks = [sync(f"step-{n}", n, "transform", config={"value": "x" * size}) for n in range(STEPS)]
    await store_workflow(database_url, workflow(key, tasks))


async def take(call: Any, count: int) -> list[pb.FeedEvent]:
    found: list[pb.FeedEvent] = []
    async with asyncio.timeout(LONGEST):
        while len(found) < count:
            found += (await call.read()).events
    return found


async def refusal(call: Any) -> tuple[grpc.StatusCode, error_details_pb2.ErrorInfo]:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await (call.read() if hasattr(call, "read") else call)
    info = error_details_pb2.ErrorInfo()
    assert rpc_status.from_call(caught.value).details[0].Unpack(info)
    return caught.value.code(), info


async def test_the_feed_has_the_updates_of_each_history(server: RunningServer, database_url: str) -> None:
    await store(database_url)
    histories = [await execute(server, "steps") for _ in range(3)]
    request = pb.WatchEventsRequest(after_position=0, include_output=True)
    call = server.stub.WatchEvents(request)
    found = await take(call, 3 * EVENTS)
    call.cancel()
    assert [event.position for event in found] == list(range(1, 3 * EVENTS + 1))
    for history in histories:
        assert [e.update for e in found if e.update.execution_id == history[0].execution_id] == history
    listed: list[pb.FeedEvent] = []
    wanted = pb.ListEventsRequest(include_output=True, limit=4)
    while (page := await server.stub.ListEvents(wanted)).events:
        listed += page.events
        wanted.after_position = page.next_position
    assert listed == found


async def test_outputs_come_only_when_they_are_wanted(server: RunningServer, database_url: str) -> None:
    await store(database_url)
    await execute(server, "steps")
    bare = (await server.stub.ListEvents(pb.ListEventsRequest())).events
    full = (await server.stub.ListEvents(pb.ListEventsRequest(include_output=True))).events
    assert any(event.update.output for event in full)
    for event in full:
        event.update.output = ""
    assert list(bare) == list(full)


async def test_a_stream_without_a_position_begins_now(server: RunningServer, database_url: str) -> None:
    await store(database_url)
    await execute(server, "steps")
    call = server.stub.WatchEvents(pb.WatchEventsRequest())
    first = await call.read()
    assert (list(first.events), first.next_position) == ([], EVENTS)
    await execute(server, "steps")
    assert (await take(call, 1))[0].position == EVENTS + 1
    call.cancel()


async def test_only_what_is_wanted_comes(server: RunningServer, database_url: str) -> None:
    await store(database_url)
    await store(database_url, "other")
    await execute(server, "steps")
    (last,) = (await execute(server, "other"))[-1:]
    wanted = {"workflow_id": "other", "types": ["execution_completed", "execution_failed"]}
    page = await server.stub.ListEvents(pb.ListEventsRequest(**wanted))
    assert [(e.type, e.update.execution_id) for e in page.events] == [("execution_completed", last.execution_id)]
    assert page.next_position == 2 * EVENTS


async def test_messages_are_not_larger_than_they_may_be(database_url: str) -> None:
    settings = settings_for(database_url, grpc_max_message_bytes=150_000, max_output_bytes=60_000)
    async with running_server(settings) as server:
        await store(database_url, size=50_000)
        started = await server.stub.StartWorkflow(pb.StartWorkflowRequest(workflow_id="steps"))
        async for _ in server.stub.WatchExecution(pb.WatchExecutionRequest(execution_id=started.execution_id)):
            pass
        wanted, positions = pb.ListEventsRequest(include_output=True), list[int]()
        while (page := await server.stub.ListEvents(wanted)).events:
            positions += [event.position for event in page.events]
            wanted.after_position = page.next_position
        assert positions == list(range(1, len(positions) + 1))
        call = server.stub.WatchEvents(pb.WatchEventsRequest(after_position=0, include_output=True))
        assert [event.position for event in await take(call, len(positions))] == positions
        call.cancel()


async def test_what_is_wrong_is_refused_by_name(server: RunningServer, database_url: str) -> None:
    await store(database_url)
    await execute(server, "steps")
    watch, page = server.stub.WatchEvents, server.stub.ListEvents
    await page(pb.ListEventsRequest())
    for request, code, reason in (
        ({"after_position": -1}, grpc.StatusCode.INVALID_ARGUMENT, "invalid"),
        ({"after_position": 100_000}, grpc.StatusCode.INVALID_ARGUMENT, "invalid"),
        ({"types": ["task_completed", "foo"]}, grpc.StatusCode.INVALID_ARGUMENT, "invalid"),
        ({"workflow_id": "missing"}, grpc.StatusCode.NOT_FOUND, "workflow_not_found"),
    ):
        for call in (watch(pb.WatchEventsRequest(**request)), page(pb.ListEventsRequest(**request))):
            found, info = await refusal(call)
            assert (found, info.reason) == (code, reason), request
    for limit in (-1, 1_001):
        assert (await refusal(page(pb.ListEventsRequest(limit=limit))))[0] is grpc.StatusCode.INVALID_ARGUMENT
    async with removed_positions(database_url, 4):
        for call in (watch(pb.WatchEventsRequest(after_position=1)), page(pb.ListEventsRequest(after_position=1))):
            found, info = await refusal(call)
            assert (found, info.reason) == (grpc.StatusCode.OUT_OF_RANGE, "position_expired")
            assert dict(info.metadata) == {"position": "1", "oldest": "4"}


async def test_an_event_is_serialized_once_for_all(
    server: RunningServer, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store(database_url)
    await execute(server, "steps")
    page, made = await server.process.feed.page(CALLER, 0, 1_000), 0
    serialized = UpdateSerializer._serialized

    def counting(self: UpdateSerializer, update: Any) -> bytes:
        nonlocal made
        made += 1
        return serialized(self, update)

    monkeypatch.setattr(UpdateSerializer, "_serialized", counting)
    messages = [FeedSerializer(4_194_304, include_output=True).page(page) for _ in range(10)]
    assert made == len(page.events) == EVENTS
    assert len(set(messages)) == 1
    found = pb.ListEventsResponse.FromString(messages[0])
    assert ([event.position for event in found.events], found.next_position) == (list(range(1, EVENTS + 1)), EVENTS)
