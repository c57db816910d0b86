"""Who may open a socket, from where, what each caller may follow over it, and for how long."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

import asyncpg
import pytest
from websockets.exceptions import InvalidStatus

from app.adapters.database_url import driver_dsn
from app.config import Settings
from app.domain.permissions import SCOPES_OF, Role, Scope
from tests.support.callers import Keys, bearer
from tests.support.live_service import LiveService, live_service
from tests.support.sockets import LONGEST, Said, Socket, deaf_socket, socket
from tests.support.tenant import needs_default

pytestmark = needs_default("makes its own tenants and keys")

TASKS = [{"name": "wait", "execution_type": "sync", "sequence": 1, "type": "signal", "config": {"name": "go"}}]
NOTHING: Mapping[str, str] = {}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"cors_origins": "https://example.com", "ws_max_connections": 4})


@pytest.fixture
async def live(settings: Settings) -> AsyncIterator[LiveService]:
    async with live_service(settings) as live:
        yield live


async def started(live: LiveService, workflow: str, key: str) -> str:
    headers = bearer(key)
    if (await live.client.get(f"/workflows/{workflow}", headers=headers)).status_code == 404:
        draft = {"name": workflow, "key": workflow, "tasks": TASKS}
        assert (await live.client.post("/workflows", json=draft, headers=headers)).status_code == 201
    return str((await live.client.post(f"/workflows/{workflow}/executions", json={}, headers=headers)).json()["id"])


async def refused(live: LiveService, headers: Mapping[str, str], path: str = "/ws", **options: Any) -> tuple[int, str]:
    """The status of a handshake, and the code of its problem."""
    with pytest.raises(InvalidStatus) as raised:
        async with socket(live.port, path, headers, **options):
            pass
    response = raised.value.response
    assert response.headers["content-type"] == "application/problem+json"
    return response.status_code, (response.body or b"").decode().partition('"code":"')[2].partition('"')[0]


async def test_the_first_message_says_who_calls(live: LiveService, keys: Keys) -> None:
    key = await keys.of_role(Role.VIEWER)
    async with socket(live.port, headers=NOTHING) as client:
        await client.say("auth", token=key)
        await client.follow("executions")
        assert await client.refusal("auth", token=key) == "already_authenticated"
        assert (await client.ask("ping"))["type"] == "pong"
    async with socket(live.port, headers=bearer(key)) as client:
        await client.follow("executions")
    async with socket(live.port, headers={"x-api-key": key}) as client:
        await client.follow("executions")


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"action": "subscribe", "channel": "executions"}, "credentials_missing"),
        ({"action": "ping"}, "credentials_missing"),
        ({"action": "auth", "token": "wfk_wrong"}, "credentials_invalid"),
        ({"action": "auth", "token": "ä"}, "credentials_invalid"),
        ({"action": "auth", "token": "revoked"}, "credentials_expired"),
    ],
)
async def test_nothing_is_sent_to_those_who_do_not_say_it(live: LiveService, keys: Keys, said: Said, code: str) -> None:
    if said.get("token") == "revoked":
        said = {**said, "token": await keys.of_role(Role.ADMIN)}
        await keys.revoke(said["token"])
    async with socket(live.port, headers=NOTHING) as client:
        await client.say(**said)
        assert await client.closed() == (4401, [error(code)])


def error(code: str) -> Any:
    """Equals an error with this code."""

    class Error:
        def __eq__(self, heard: object) -> bool:
            return isinstance(heard, dict) and heard["type"] == "error" and heard["data"]["code"] == code

        __hash__ = None  # type: ignore[assignment]

        def __repr__(self) -> str:
            return f"error {code}"

    return Error()


async def test_who_says_nothing_is_sent_away(live: LiveService, monkeypatch: pytest.MonkeyPatch) -> None:
    sockets: Any = live.services.sockets
    limits = replace(sockets._parts.limits, auth_seconds=0.05)
    monkeypatch.setattr(sockets, "_parts", replace(sockets._parts, limits=limits))
    async with socket(live.port, headers=NOTHING) as client:
        assert await client.closed() == (4401, [error("credentials_missing")])


async def test_handshakes_are_refused_like_requests(
    live: LiveService, keys: Keys, caplog: pytest.LogCaptureFixture
) -> None:
    key = bearer(await keys.of_role(Role.VIEWER))
    assert await refused(live, bearer("wfk_wrong")) == (401, "credentials_invalid")
    assert await refused(live, key, "/ws?token=x") == (400, "unknown_parameter")
    assert await refused(live, key, "/other") == (404, "not_found")
    assert await refused(live, key, origin="https://evil.example") == (403, "foreign_origin")
    assert await refused(live, key, origin="null") == (403, "foreign_origin")
    assert await refused(live, {**key, "Sec-Fetch-Site": "cross-site"}) == (403, "foreign_origin")
    with pytest.raises(AssertionError, match="421"):
        async with deaf_socket(live.port, {**key, "Host": "evil.example"}):
            pass
    assert [record.name for record in caplog.records if record.name.startswith("uvicorn")] == []
    for allowed in ("https://example.com", f"http://127.0.0.1:{live.port}"):
        async with socket(live.port, headers=key, origin=allowed) as client:
            assert (await client.ask("ping"))["type"] == "pong"


async def test_there_are_so_many_sockets_and_no_more(live: LiveService, keys: Keys) -> None:
    key = bearer(await keys.of_role(Role.VIEWER))
    opened = [socket(live.port, headers=key) for _ in range(4)]
    clients = [await one.__aenter__() for one in opened]
    for client in clients:
        await client.ask("ping")
    async with socket(live.port, headers=key) as one_more:
        assert await one_more.closed() == (1013, [])
    await clients[0].connection.close()
    async with asyncio.timeout(LONGEST):
        while len(live.services.sockets._open) > 3:  # type: ignore[attr-defined]
            await asyncio.sleep(0.01)
    async with socket(live.port, headers=key) as client:
        assert (await client.ask("ping"))["type"] == "pong"
    for one in opened:
        await one.__aexit__(None, None, None)


async def test_no_event_of_another_tenant(live: LiveService, keys: Keys, database_url: str) -> None:
    connection = await asyncpg.connect(driver_dsn(database_url))
    other = await connection.fetchval("INSERT INTO tenants (key, name) VALUES ('b', 'b') RETURNING id")
    await connection.close()
    own, foreign = await keys.of_role(Role.ADMIN), await keys.of_role(Role.ADMIN, tenant_id=other)
    async with socket(live.port, headers=bearer(own)) as client, socket(live.port, headers=bearer(foreign)) as stranger:
        for one in (client, stranger):
            for channel in ("executions", "workflows"):
                await one.follow(channel, mode="all")
        mine = await started(live, "same", own)
        heard = await client.take(2)
        assert [said["type"] for said in heard] == ["workflow_update", "execution_update"]
        workflow_id, task_id = await ids_of(live, own)
        for channel, code in (
            (f"execution:{mine}", "execution_not_found"),
            ("workflow:same", "workflow_not_found"),
            (f"workflow:{workflow_id}", "workflow_not_found"),
            (f"task:{task_id}", "task_not_found"),
        ):
            assert await stranger.refusal("subscribe", channel, after=0) == code
        theirs = await started(live, "same", foreign)
        told = await stranger.take(2)
        assert told[1]["data"]["execution_id"] == theirs
        await stranger.say("unsubscribe", "executions")
        await stranger.say("subscribe", "executions", after=0, mode="all")
        *_, replayed = await stranger.take(3)
        assert replayed["data"]["execution_id"] == theirs
        assert (await client.ask("ping"))["type"] == "pong"


async def ids_of(live: LiveService, key: str) -> tuple[int, int]:
    document = (await live.client.get("/workflows/same", headers=bearer(key))).json()
    return document["id"], document["tasks"][0]["id"]


@pytest.mark.parametrize(
    ("missing", "channels"),
    [
        (Scope.EXECUTIONS_READ, ("executions", "tasks", "workflow:same", "execution:{execution}", "task:{task}")),
        (Scope.DEFINITIONS_READ, ("workflows", "workflow:same")),
    ],
)
async def test_each_channel_needs_its_scopes(
    live: LiveService, keys: Keys, missing: Scope, channels: tuple[str, ...]
) -> None:
    admin = await keys.of_role(Role.ADMIN)
    names = {"execution": await started(live, "same", admin), "task": (await ids_of(live, admin))[1]}
    every = ("workflows", "executions", "tasks", "workflow:same", "execution:{execution}", "task:{task}")
    key = await keys.of_scopes(set(Scope) - {missing})
    async with socket(live.port, headers=bearer(key)) as client:
        for channel in every:
            heard = await client.ask("subscribe", channel.format(**names))
            assert heard["type"] == ("error" if channel in channels else "subscribed"), channel
            if channel in channels:
                assert heard["data"]["code"] == "permission_denied"
                assert missing.value in heard["data"]["message"]


async def test_a_limited_key_follows_what_is_its_own(live: LiveService, keys: Keys) -> None:
    admin = await keys.of_role(Role.ADMIN)
    own, foreign = await started(live, "reports-daily", admin), await started(live, "payroll", admin)
    key = await keys.of_scopes(SCOPES_OF[Role.OPERATOR], "reports-*")
    async with socket(live.port, headers=bearer(key)) as client:
        for channel in ("workflow:reports-daily", f"execution:{own}"):
            await client.follow(channel)
        for channel in ("workflow:payroll", "workflow:missing", f"execution:{foreign}", "executions", "tasks"):
            assert await client.refusal("subscribe", channel) == "permission_denied", channel
    async with socket(live.port, headers=bearer(key)) as client:
        for channel in ("workflows", "task:1"):
            assert await client.refusal("subscribe", channel) == "permission_denied", channel


@pytest.mark.parametrize("what", ["key", "tenant"])
async def test_a_socket_ends_when_its_caller_is_no_longer_valid(
    live: LiveService, keys: Keys, database_url: str, what: str
) -> None:
    connection = await asyncpg.connect(driver_dsn(database_url))
    tenant_id = await connection.fetchval("INSERT INTO tenants (key, name) VALUES ('b', 'b') RETURNING id")
    key = await keys.of_role(Role.ADMIN, tenant_id=tenant_id)
    async with socket(live.port, headers=NOTHING) as client, socket(live.port, headers=bearer(key)) as silent:
        await client.say("auth", token=key)
        await client.follow("executions")
        if what == "key":
            await connection.execute("UPDATE api_keys SET revoked_at = now() WHERE id = $1", keys.made[key].id)
        else:
            await connection.execute("UPDATE tenants SET suspended_at = now() WHERE id = $1", tenant_id)
        await connection.close()
        for one in (client, silent):
            assert await one.closed() == (4401, [error("credentials_expired")])
    assert live.services.sockets._parts.broadcasts._held == {}  # type: ignore[attr-defined]


async def test_a_suspended_tenant_opens_no_socket(live: LiveService, keys: Keys) -> None:
    tenant_id = await keys.value("INSERT INTO tenants (key, name, suspended_at) VALUES ('b', 'b', now()) RETURNING id")
    key = await keys.of_role(Role.ADMIN, tenant_id=tenant_id)
    assert await refused(live, bearer(key)) == (403, "tenant_suspended")
    async with socket(live.port, headers=NOTHING) as client:
        await client.say("auth", token=key)
        assert await client.closed() == (1008, [error("tenant_suspended")])


async def test_handshakes_count(settings: Settings, keys: Keys) -> None:
    limited = settings.model_copy(update={"trusted_proxies": "127.0.0.0/8", "rate_limit_anonymous": 3})
    key = await keys.of_role(Role.ADMIN, rate_limit=2)
    async with live_service(limited) as live:
        for _ in range(2):
            async with socket(live.port, headers=bearer(key)) as client:
                assert (await client.ask("ping"))["type"] == "pong"
        assert await refused(live, bearer(key)) == (429, "rate_limited")
        elsewhere = {"X-Forwarded-For": "203.0.113.7"}
        for _ in range(3):
            async with socket(live.port, headers=elsewhere) as unknown:
                assert isinstance(unknown, Socket)
        assert await refused(live, elsewhere) == (429, "rate_limited")
