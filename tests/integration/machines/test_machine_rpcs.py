"""Machines over gRPC: what is started, moved, listed and watched, and how each refusal is told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any
from uuid import uuid4

import grpc
import orjson
import pytest
from google.rpc.error_details_pb2 import ErrorInfo, PreconditionFailure
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status import rpc_status

from app.api.grpc.generated import machine_pb2 as pb
from app.api.grpc.generated import workflow_pb2
from app.machines.machine import Machine
from app.machines.parsing import parse_machine
from tests.support.checking import assert_clean
from tests.support.engine_process import (
    RunningServer,
    read_on,
    running_server,
    settings_for,
    store_workflow,
    sync,
    workflow,
)
from tests.support.machines import FRAUD
from tests.support.tenant import CALLER

pytestmark = pytest.mark.server

LONGEST = 60
APPROVED = {"transition": "start_processing", "context": '{"approval_code": "x"}'}
THING = {"machine": "fraud_detection", "entity_table": "transactions"}
Status = grpc.StatusCode


@pytest.fixture
async def server(database_url: str) -> AsyncIterator[RunningServer]:
    async with running_server(settings_for(database_url)) as running:
        yield running
    await assert_clean(database_url)


@pytest.fixture
async def machine(server: RunningServer) -> Machine:
    return await define(server, FRAUD)


async def define(server: RunningServer, document: dict[str, Any]) -> Machine:
    return (await server.process.machines.definitions.create(CALLER, parse_machine(document))).machine


async def started(server: RunningServer, key: str = "1", **fields: Any) -> pb.StartResponse:
    return await server.machines.Start(pb.StartRequest(**THING, entity_id=key, **fields))


async def moved(server: RunningServer, id: str, **fields: Any) -> pb.TransitionResponse:
    return await server.machines.Transition(pb.TransitionRequest(id=id, **fields))


async def refusal(call: Any) -> tuple[grpc.StatusCode, str, dict[str, str], list[str]]:
    """Status, reason, metadata, and what blocks a transition."""
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await call
    info, failure, violations = ErrorInfo(), PreconditionFailure(), []
    for detail in rpc_status.from_call(raised.value).details:
        if detail.Is(ErrorInfo.DESCRIPTOR):
            detail.Unpack(info)
        elif detail.Unpack(failure):
            violations = [violation.description for violation in failure.violations]
    return raised.value.code(), info.reason, dict(info.metadata), violations


async def test_an_entity_is_started_moved_and_read(server: RunningServer, machine: Machine) -> None:
    first = await started(server, data='{"amount": 5000}', notes="n", idempotency_key="k")
    assert (first.machine_id, first.entity_table, first.entity_id) == (str(machine.id), "transactions", "1")
    event = first.event
    assert (event.sequence, event.type, event.to_state, event.notes) == (1, "entity_started", "initial_state", "n")
    assert await started(server, idempotency_key="k") == first
    second = await moved(server, first.id, **APPROVED, data='{"seen": true}', expected_sequence=1, idempotency_key="m")
    assert (second.event.from_state, second.event.to_state) == ("initial_state", "processing")
    assert (second.event.actor, orjson.loads(second.event.data)) == (CALLER.principal, {"seen": True})
    last = await moved(server, first.id, to_state="completed")
    assert await moved(server, first.id, **APPROVED, idempotency_key="m") == second
    by_id = (await server.machines.GetEntity(pb.GetEntityRequest(id=first.id))).entity
    by_name = (await server.machines.GetEntity(pb.GetEntityRequest(**THING, entity_id="1"))).entity
    assert by_id == by_name
    assert (by_id.state, by_id.is_final, by_id.sequence) == ("completed", True, 3)
    assert orjson.loads(by_id.data) == {"amount": 5000, "seen": True}
    assert by_id.completed_at == by_id.updated_at == last.event.occurred_at
    assert not by_id.HasField("due_at")


async def test_each_refusal_has_its_status(server: RunningServer, machine: Machine) -> None:
    one = (await started(server)).id
    found = await refusal(started(server))
    assert found == (Status.ALREADY_EXISTS, "entity_exists", {"entity": one}, [])
    code, reason, told, blocked = await refusal(moved(server, one, transition="start_processing"))
    assert (code, reason, told) == (Status.FAILED_PRECONDITION, "conditions_not_met", {"state": "initial_state"})
    assert blocked == ["field_required: approval_code"]
    code, reason, _, there_are = await refusal(moved(server, one, to_state="completed"))
    assert (code, reason) == (Status.FAILED_PRECONDITION, "transition_not_possible")
    assert there_are == ["start_processing", "cancel"]
    found = await refusal(moved(server, one, **APPROVED, expected_sequence=7))
    assert found == (Status.ABORTED, "sequence_mismatch", {"sequence": "1"}, [])
    await moved(server, one, transition="cancel")
    assert (await refusal(moved(server, one, **APPROVED)))[:2] == (Status.FAILED_PRECONDITION, "entity_is_final")
    missing = str(uuid4())
    assert await refusal(moved(server, missing, **APPROVED)) == (
        Status.NOT_FOUND,
        "entity_not_found",
        {"entity": missing},
        [],
    )
    for name in ("missing", "-1", "9" * 30):
        named = {"machine": name, "entity_table": "t", "entity_id": "1"}
        for call in (
            server.machines.Start(pb.StartRequest(**named)),
            server.machines.GetEntity(pb.GetEntityRequest(**named)),
            server.machines.ListEntities(pb.ListEntitiesRequest(machine=name)),
        ):
            assert (await refusal(call))[:2] == (Status.NOT_FOUND, "machine_not_found"), name


async def test_what_is_malformed_is_refused_by_name(server: RunningServer, machine: Machine) -> None:
    one, rpc = (await started(server)).id, server.machines
    for call in (
        moved(server, "x", to_state="processing"),
        moved(server, one),
        moved(server, one, to_state="processing", context="[]"),
        moved(server, one, to_state="processing", data="{"),
        moved(server, one, to_state="processing", notes="x" * 10_001),
        started(server, key=""),
        started(server, key="2", data="1"),
        rpc.Start(pb.StartRequest(entity_table="t", entity_id="1")),
        rpc.GetEntity(pb.GetEntityRequest(id="x")),
        rpc.GetEntity(pb.GetEntityRequest()),
        rpc.ListEntities(pb.ListEntitiesRequest(page_size=201)),
        rpc.ListEntities(pb.ListEntitiesRequest(page_token="x")),
        rpc.ListTransitions(pb.ListTransitionsRequest(id=one, context="x")),
        rpc.WatchEntity(pb.WatchEntityRequest(id=one, after_sequence=-1)).read(),
        rpc.WatchEntity(pb.WatchEntityRequest(id=one, after_sequence=2)).read(),
    ):
        assert (await refusal(call))[:2] == (Status.INVALID_ARGUMENT, "invalid")
    large = moved(server, one, to_state="processing", data='{"x": "%s"}' % ("x" * 65_536))
    assert (await refusal(large))[:2] == (Status.RESOURCE_EXHAUSTED, "too_large")


async def test_possible_transitions_say_what_blocks_them(server: RunningServer, machine: Machine) -> None:
    one = (await started(server)).id
    asked = pb.ListTransitionsRequest(id=one)
    blocked, cancel = (await server.machines.ListTransitions(asked)).transitions
    assert (blocked.name, blocked.to, blocked.allowed) == ("start_processing", "processing", False)
    assert list(blocked.blocked_by) == ["field_required: approval_code"]
    assert (cancel.name, cancel.allowed) == ("cancel", True)
    asked.context = APPROVED["context"]
    assert (await server.machines.ListTransitions(asked)).transitions[0].allowed


async def test_lists_are_pages_that_fit_into_a_message(database_url: str) -> None:
    async with running_server(
        settings_for(database_url, grpc_max_message_bytes=100_000, max_output_bytes=30_000)
    ) as server:
        await define(server, FRAUD)
        ids = [(await started(server, str(key), data='{"x": "%s"}' % ("x" * 30_000))).id for key in range(7)]
        await moved(server, ids[0], transition="cancel")
        for wanted, expected in (
            ({}, ids[::-1]),
            ({"page_size": 2}, ids[::-1]),
            ({"is_final": True}, ids[:1]),
            ({"is_final": False, "machine": "fraud_detection"}, ids[:0:-1]),
            ({"state": "initial_state", "entity_table": "transactions", "entity_id": "3"}, ids[3:4]),
            ({"entity_table": "other"}, []),
        ):
            request, found = pb.ListEntitiesRequest(**wanted), list[str]()
            while True:
                page = await server.machines.ListEntities(request)
                found += [entity.id for entity in page.entities]
                if not page.next_page_token:
                    break
                request.page_token = page.next_page_token
            assert found == expected, wanted


async def test_a_watcher_gets_the_history_then_what_is_new_until_the_end(server: RunningServer, machine: Machine):
    one = (await started(server)).id
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(asyncio.timeout(LONGEST))
        calls = [server.machines.WatchEntity(pb.WatchEntityRequest(id=one)) for _ in range(5)]
        firsts = [await call.read() for call in calls]
        second = (await moved(server, one, **APPROVED)).event
        assert [await call.read() for call in calls] == [second] * 5
        last = (await moved(server, one, to_state="completed")).event
        rests = [await read_on(call) for call in calls]
    assert rests == [[last]] * 5
    late = [update async for update in server.machines.WatchEntity(pb.WatchEntityRequest(id=one))]
    assert late == [firsts[0], second, last]
    behind = pb.WatchEntityRequest(id=one, after_sequence=3)
    assert [update async for update in server.machines.WatchEntity(behind)] == []
    assert server.process.machines.watching.readers == 0


async def test_the_events_after_a_final_state_is_entered_come_too(server: RunningServer, database_url: str) -> None:
    document = {
        "name": "ends",
        "key": "ends",
        "states": [{"name": "a", "initial": True}, {"name": "b", "final": True, "on_enter": {"workflow": "w"}}],
        "transitions": [{"from": "a", "to": "b", "name": "go"}],
    }
    await store_workflow(database_url, workflow("w", [sync("t", 1)]))
    await define(server, document)
    one = (await server.machines.Start(pb.StartRequest(machine="ends", entity_table="t", entity_id="1"))).id
    call = server.machines.WatchEntity(pb.WatchEntityRequest(id=one))
    await call.read()
    await moved(server, one, transition="go")
    async with asyncio.timeout(LONGEST):
        assert [update.type for update in await read_on(call)] == ["transitioned", "workflow_started"]


async def test_the_feed_has_what_watchers_get(server: RunningServer, machine: Machine) -> None:
    one = (await started(server)).id
    await moved(server, one, transition="cancel")
    watched = [update async for update in server.machines.WatchEntity(pb.WatchEntityRequest(id=one))]
    page = await server.stub.ListEvents(workflow_pb2.ListEventsRequest(machine_id="fraud_detection"))
    assert [event.entity for event in page.events] == watched
    assert [(event.position, event.type) for event in page.events] == [(1, "entity_started"), (2, "transitioned")]
    assert not page.events[0].HasField("update")
    wanted = workflow_pb2.ListEventsRequest(entity_id=one, types=["transitioned"])
    assert [event.entity for event in (await server.stub.ListEvents(wanted)).events] == watched[1:]
    missing = workflow_pb2.ListEventsRequest(machine_id="missing")
    assert (await refusal(server.stub.ListEvents(missing)))[0] is Status.NOT_FOUND


async def test_health_knows_both_services(server: RunningServer) -> None:
    stub = health_pb2_grpc.HealthStub(server.channel)
    for service in ("workflow.WorkflowService", "workflow.MachineService"):
        answer = await stub.Check(health_pb2.HealthCheckRequest(service=service))
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
