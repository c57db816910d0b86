"""Who may read the events of all executions, over both protocols, and for how long."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import grpc
import httpx
import pytest

from app.adapters.database_url import driver_dsn
from app.api.grpc.generated import workflow_pb2 as pb
from app.config import Settings
from app.domain.permissions import SCOPES_OF, Role
from tests.support.callers import Keys, bearer, metadata
from tests.support.engine_process import RunningServer
from tests.support.event_source import ACCEPT, EventSource, Sent
from tests.support.live_service import LiveService, live_service
from tests.support.tenant import needs_default

pytestmark = needs_default("makes its own tenants and keys")

TASKS = [{"name": "wait", "execution_type": "sync", "type": "signal", "config": {"name": "go"}}]
LONGEST = 60


@pytest.fixture
async def live(settings: Settings) -> AsyncIterator[LiveService]:
    async with live_service(settings) as live:
        yield live


async def started(client: httpx.AsyncClient, key: str, headers: dict[str, str]) -> str:
    if (await client.get(f"/workflows/{key}", headers=headers)).status_code == 404:
        draft = {"name": key, "key": key, "tasks": TASKS}
        assert (await client.post("/workflows", json=draft, headers=headers)).status_code == 201
    return (await client.post(f"/workflows/{key}/executions", json={}, headers=headers)).json()["id"]


async def take(events: AsyncIterator[Sent], count: int) -> list[Sent]:
    async with asyncio.timeout(LONGEST):
        return [await anext(events) for _ in range(count)]


async def test_no_event_of_another_tenant_on_any_transport(
    live: LiveService, server: RunningServer, keys: Keys, database_url: str
) -> None:
    connection = await asyncpg.connect(driver_dsn(database_url))
    other = await connection.fetchval("INSERT INTO tenants (key, name) VALUES ('b', 'b') RETURNING id")
    await connection.close()
    tenants = {
        key: await keys.of_role(Role.ADMIN, **options)
        for key, options in (("own", {}), ("foreign", {"tenant_id": other}))
    }
    ids = {name: [] for name in tenants}
    for _ in range(3):
        for name, key in tenants.items():
            ids[name].append(await started(live.client, "same", dict(bearer(key))))
    for name, key in tenants.items():
        own = set(ids[name])
        page = (await live.client.get("/events?limit=1000", headers=bearer(key))).json()
        assert {item["execution_id"] for item in page["items"]} == own
        async with EventSource(live.client, "/events?after=0", bearer(key)).connected() as events:
            streamed = await take(events, len(page["items"]))
        assert {event.data["execution_id"] for event in streamed} == own
        sent: Any = {"metadata": metadata(key)}
        listed = await server.stub.ListEvents(pb.ListEventsRequest(limit=1_000), **sent)
        assert {event.update.execution_id for event in listed.events} == own
        watched = server.stub.WatchEvents(pb.WatchEventsRequest(after_position=0), **sent)
        found = set[str]()
        while found != own:
            found |= {event.update.execution_id for event in (await watched.read()).events}
            assert found <= own
        watched.cancel()


async def test_a_limited_key_must_name_one_of_its_workflows(
    live: LiveService, server: RunningServer, keys: Keys
) -> None:
    editor = dict(bearer(await keys.of_role(Role.EDITOR)))
    ids = {key: await started(live.client, key, editor) for key in ("reports-daily", "payroll")}
    key = await keys.of_scopes(SCOPES_OF[Role.OPERATOR], "reports-*")
    for query, status in (
        ("", 403),
        ("?workflow_id=payroll", 403),
        ("?workflow_id=missing", 403),
        ("?workflow_id=reports-daily&workflow_id=payroll", 403),
        ("?workflow_id=reports-daily", 200),
    ):
        for headers in ({}, ACCEPT):
            path = f"/events{query}"
            async with live.client.stream("GET", path, headers={**bearer(key), **headers}) as response:
                assert response.status_code == status, (path, headers)
    page = (await live.client.get("/events?workflow_id=reports-daily", headers=bearer(key))).json()
    assert {item["execution_id"] for item in page["items"]} == {ids["reports-daily"]}
    for execution, status in ((ids["reports-daily"], 200), (ids["payroll"], 403)):
        path = f"/executions/{execution}/events/stream"
        async with live.client.stream("GET", path, headers=bearer(key)) as response:
            assert response.status_code == status
    for workflow, expected in (
        ("", grpc.StatusCode.PERMISSION_DENIED),
        ("payroll", grpc.StatusCode.PERMISSION_DENIED),
        ("reports-daily", grpc.StatusCode.OK),
    ):
        watched = server.stub.WatchEvents(pb.WatchEventsRequest(workflow_id=workflow), metadata=metadata(key))
        listed = server.stub.ListEvents(pb.ListEventsRequest(workflow_id=workflow), metadata=metadata(key))
        assert (await first_code(watched.read()), await first_code(listed)) == (expected, expected)
        watched.cancel()


async def first_code(answer: Any) -> grpc.StatusCode:
    try:
        await answer
    except grpc.aio.AioRpcError as error:
        return error.code()
    return grpc.StatusCode.OK


@pytest.mark.parametrize("what", ["key", "tenant"])
async def test_streams_end_when_their_caller_is_no_longer_valid(
    live: LiveService, server: RunningServer, keys: Keys, database_url: str, what: str
) -> None:
    connection = await asyncpg.connect(driver_dsn(database_url))
    tenant_id = await connection.fetchval("INSERT INTO tenants (key, name) VALUES ('b', 'b') RETURNING id")
    key = await keys.of_role(Role.ADMIN, tenant_id=tenant_id)
    execution = await started(live.client, "waits", dict(bearer(key)))
    paths = ("/events?after=0", f"/executions/{execution}/events")
    sources = [EventSource(live.client, path, bearer(key)) for path in paths]
    reading = [asyncio.create_task(whole(source)) for source in sources]
    watched = server.stub.WatchEvents(pb.WatchEventsRequest(after_position=0), metadata=metadata(key))
    await watched.read()
    async with asyncio.timeout(LONGEST):
        while not all(source.last_id for source in sources):
            await asyncio.sleep(0.01)
    if what == "key":
        await connection.execute("UPDATE api_keys SET revoked_at = now() WHERE id = $1", keys.made[key].id)
    else:
        await connection.execute("UPDATE tenants SET suspended_at = now() WHERE id = $1", tenant_id)
    await connection.close()
    for last in [events[-1] for events in await asyncio.gather(*reading)]:
        assert (last.name, last.data["status"], last.data["code"]) == ("error", 401, "credentials_expired")
    async with asyncio.timeout(LONGEST):
        while (code := await first_code(watched.read())) is grpc.StatusCode.OK:
            pass
    assert code is grpc.StatusCode.UNAUTHENTICATED
    assert live.watchers() == 0


async def whole(source: EventSource) -> list[Sent]:
    async with asyncio.timeout(LONGEST), source.connected() as events:
        return [event async for event in events]
