"""Entities of other tenants do not exist, over any transport; and each call needs its scope."""

from collections.abc import AsyncIterator, Awaitable
from typing import Any

import asyncpg
import grpc
import pytest

from app.adapters.database_url import driver_dsn
from app.api.grpc.generated import machine_pb2 as pb
from app.api.grpc.generated import workflow_pb2
from app.config import Settings
from app.domain.callers import DEFAULT_TENANT_ID, EVERYONE, Caller
from app.domain.permissions import SCOPES_OF, Role, Scope
from app.machines.parsing import parse_machine
from tests.support.callers import Keys, bearer, metadata
from tests.support.engine_process import RunningServer
from tests.support.event_source import ACCEPT
from tests.support.live_service import LiveService, live_service
from tests.support.machines import FRAUD
from tests.support.sockets import socket
from tests.support.tenant import needs_default

pytestmark = needs_default("makes its own tenants and keys")

SECONDS = 60
READING = {"GetEntity", "by name", "ListTransitions", "WatchEntity", "of a machine"}
ADMIN = Caller(DEFAULT_TENANT_ID, "default", "key:test", SCOPES_OF[Role.ADMIN], Role.ADMIN)


@pytest.fixture
async def live(settings: Settings) -> AsyncIterator[LiveService]:
    async with live_service(settings) as live:
        yield live


@pytest.fixture
async def entity_id(server: RunningServer, keys: Keys) -> str:
    """One of the default tenant."""
    await server.process.machines.definitions.create(ADMIN, parse_machine(FRAUD))
    start = pb.StartRequest(machine="fraud_detection", entity_table="t", entity_id="1")
    key = await keys.of_role(Role.OPERATOR)
    return (await server.machines.Start(start, metadata=metadata(key))).id


async def foreign_key(keys: Keys, database_url: str) -> str:
    connection = await asyncpg.connect(driver_dsn(database_url))
    other = await connection.fetchval("INSERT INTO tenants (key, name) VALUES ('b', 'b') RETURNING id")
    await connection.close()
    return await keys.of_role(Role.ADMIN, tenant_id=other)


def calls(server: RunningServer, entity_id: str, key: str) -> dict[str, Awaitable[Any]]:
    rpc, sent = server.machines, {"metadata": metadata(key), "timeout": SECONDS}
    named = pb.GetEntityRequest(machine="fraud_detection", entity_table="t", entity_id="1")
    return {
        "Transition": rpc.Transition(pb.TransitionRequest(id=entity_id, transition="cancel"), **sent),
        "GetEntity": rpc.GetEntity(pb.GetEntityRequest(id=entity_id), **sent),
        "by name": rpc.GetEntity(named, **sent),
        "ListTransitions": rpc.ListTransitions(pb.ListTransitionsRequest(id=entity_id), **sent),
        "WatchEntity": rpc.WatchEntity(pb.WatchEntityRequest(id=entity_id), **sent).read(),
        "of a machine": rpc.ListEntities(pb.ListEntitiesRequest(machine="fraud_detection"), **sent),
    }


async def code(call: Awaitable[Any]) -> grpc.StatusCode:
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return error.code()
    return grpc.StatusCode.OK


async def test_another_tenant_finds_nothing_over_grpc(
    server: RunningServer, keys: Keys, database_url: str, entity_id: str
) -> None:
    foreign = await foreign_key(keys, database_url)
    for name, call in calls(server, entity_id, foreign).items():
        assert await code(call) is grpc.StatusCode.NOT_FOUND, name
    sent: Any = {"metadata": metadata(foreign)}
    assert not (await server.machines.ListEntities(pb.ListEntitiesRequest(), **sent)).entities
    for wanted in ({}, {"entity_id": entity_id}):
        page = await server.stub.ListEvents(workflow_pb2.ListEventsRequest(**wanted), **sent)
        assert (list(page.events), page.next_position) == ([], 1)
    own = await keys.of_role(Role.VIEWER)
    found = await server.machines.GetEntity(pb.GetEntityRequest(id=entity_id), metadata=metadata(own))
    assert (found.entity.state, found.entity.sequence) == ("initial_state", 1)


async def test_another_tenant_finds_nothing_over_http_and_sockets(
    live: LiveService, keys: Keys, database_url: str, entity_id: str
) -> None:
    foreign = bearer(await foreign_key(keys, database_url))
    for path in (f"/entities/{entity_id}/events", f"/entities/{entity_id}/events/stream"):
        for accepted in ({}, ACCEPT):
            answer = await live.client.get(path, headers={**foreign, **accepted})
            assert (answer.status_code, answer.json()["code"]) == (404, "entity_not_found")
    page = (await live.client.get("/events", params={"entity_id": entity_id}, headers=foreign)).json()
    assert page["items"] == []
    async with socket(live.port, headers=foreign) as client:
        assert await client.refusal("subscribe", f"entity:{entity_id}", after=0) == "entity_not_found"


async def test_each_call_needs_its_scope(live: LiveService, server: RunningServer, keys: Keys, entity_id: str) -> None:
    writer, reader = await keys.of_scopes({Scope.MACHINES_TRANSITION}), await keys.of_scopes({Scope.MACHINES_READ})
    for key, refused in ((writer, READING), (reader, {"Transition"})):
        found = {name for name, call in calls(server, entity_id, key).items() if await denied(call)}
        assert found == refused
    of_executions = await keys.of_scopes({Scope.EXECUTIONS_READ})
    assert (await live.client.get(f"/entities/{entity_id}/events", headers=bearer(of_executions))).status_code == 403
    async with socket(live.port, headers=bearer(of_executions)) as client:
        assert await client.refusal("subscribe", f"entity:{entity_id}") == "permission_denied"
    page = (await live.client.get("/events", headers=bearer(of_executions))).json()
    assert page["items"] == []
    asked = await live.client.get("/events", params={"entity_id": entity_id}, headers=bearer(of_executions))
    assert asked.status_code == 403
    listed = workflow_pb2.ListEventsRequest(entity_id=entity_id)
    assert await denied(server.stub.ListEvents(listed, metadata=metadata(of_executions)))


async def denied(call: Awaitable[Any]) -> bool:
    return await code(call) is grpc.StatusCode.PERMISSION_DENIED


async def test_only_who_may_acts_for_somebody_else(server: RunningServer, keys: Keys, entity_id: str) -> None:
    request = pb.TransitionRequest(id=entity_id, transition="cancel", executed_by="alice")
    operator, admin = await keys.of_role(Role.OPERATOR), await keys.of_role(Role.ADMIN)
    assert await denied(server.machines.Transition(request, metadata=metadata(operator)))
    event = (await server.machines.Transition(request, metadata=metadata(admin))).event
    assert (event.on_behalf_of, event.actor.startswith("key:")) == ("alice", True)
    assert event.actor != EVERYONE


async def test_a_role_that_is_missing_is_no_permission(server: RunningServer, keys: Keys) -> None:
    document = {
        "name": "guarded",
        "key": "guarded",
        "states": [{"name": "a", "initial": True}, {"name": "b", "final": True}],
        "transitions": [{"from": "a", "to": "b", "name": "go", "conditions": {"role": "processor"}}],
    }
    await server.process.machines.definitions.create(ADMIN, parse_machine(document))
    sent: Any = {"metadata": metadata(await keys.of_role(Role.OPERATOR))}
    start = pb.StartRequest(machine="guarded", entity_table="t", entity_id="1")
    one = (await server.machines.Start(start, **sent)).id
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await server.machines.Transition(pb.TransitionRequest(id=one, transition="go"), **sent)
    assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED
    possible = await server.machines.ListTransitions(pb.ListTransitionsRequest(id=one), **sent)
    assert [(t.allowed, list(t.blocked_by)) for t in possible.transitions] == [(False, ["role: processor"])]


async def test_a_key_that_is_limited_to_workflows_reaches_no_entity(
    server: RunningServer, keys: Keys, entity_id: str
) -> None:
    limited = await keys.of_scopes(SCOPES_OF[Role.OPERATOR], "reports-*")
    assert all([await denied(call) for call in calls(server, entity_id, limited).values()])
