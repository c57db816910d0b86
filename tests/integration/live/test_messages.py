"""What a client may say over a socket, and what it is told when it is wrong."""

from typing import Any

import orjson
import pytest

from tests.support.sockets import Socket

from .conftest import House

MISSING = "0197a3c4-5d2e-7c1a-9f3b-2a6f0c9d8e71"


async def test_a_ping_is_answered(house: House) -> None:
    for path in ("/ws", "/api/v1/ws", "/ws/"):
        async with house.socket(path=path) as client:
            assert await client.ask("ping") == {"type": "pong", "channel": None, "data": {}}


WRONG = (
    (b"{}", "not_text", "text frames"),
    ("", "not_json", "line 1"),
    ("{", "not_json", "line 1"),
    ('{"action": "ping", "action": "ping"}', "invalid", "action"),
    ('{"action": "ping", "x": NaN}', "invalid", "finite"),
    ("[]", "not_an_object", "object"),
    ("1", "not_an_object", "object"),
    ("{}", "unknown_action", "is missing"),
    ('{"action": 1}', "unknown_action", "1 is unknown"),
    ('{"action": ["ping"]}', "unknown_action", "unknown"),
    ('{"action": "Ping"}', "unknown_action", "auth, subscribe, unsubscribe or ping"),
    ('{"action": "ping", "id": 1}', "unknown_field", "'id'"),
    ('{"action": "unsubscribe", "channel": "tasks", "after": 1}', "unknown_field", "'after'"),
    ('{"action": "subscribe"}', "invalid", "channel"),
    ('{"action": "subscribe", "channel": null}', "invalid", "channel"),
    ('{"action": "subscribe", "channel": 5}', "invalid", "channel"),
    ('{"action": "subscribe", "channel": ""}', "invalid", "channel"),
    ('{"action": "subscribe", "channel": "%s"}' % ("x" * 201), "invalid", "200"),
    ('{"action": "subscribe", "channel": "tasks", "after": "1"}', "invalid", "after"),
    ('{"action": "subscribe", "channel": "tasks", "after": 1.0}', "invalid", "after"),
    ('{"action": "subscribe", "channel": "tasks", "after": true}', "invalid", "after"),
    ('{"action": "subscribe", "channel": "tasks", "after": -1}', "invalid", "after"),
    ('{"action": "subscribe", "channel": "tasks", "after": 9223372036854775808}', "invalid", "after"),
    ('{"action": "subscribe", "channel": "tasks", "after": 100000}', "invalid", "is not a position"),
    ('{"action": "subscribe", "channel": "tasks", "mode": "some"}', "invalid", "newest or all"),
    ('{"action": "subscribe", "channel": "tasks", "mode": []}', "invalid", "newest or all"),
    ('{"action": "subscribe", "channel": "jobs"}', "unknown_channel", "workflows, executions"),
    ('{"action": "subscribe", "channel": "tasks:1"}', "unknown_channel", "takes no id"),
    ('{"action": "subscribe", "channel": "task"}', "unknown_channel", "task:ID"),
    ('{"action": "subscribe", "channel": "task:"}', "unknown_channel", "task:ID"),
    ('{"action": "subscribe", "channel": "task:x"}', "task_not_found", "'x'"),
    ('{"action": "subscribe", "channel": "task:99999999999999999999"}', "task_not_found", "does not exist"),
    ('{"action": "subscribe", "channel": "workflow:missing"}', "workflow_not_found", "'missing'"),
    ('{"action": "subscribe", "channel": "workflow:-1"}', "workflow_not_found", "'-1'"),
    ('{"action": "subscribe", "channel": "execution:1"}', "invalid", "UUID"),
    (f'{{"action": "subscribe", "channel": "execution:{MISSING}"}}', "execution_not_found", MISSING),
    ('{"action": "subscribe", "channel": "agents"}', "channel_not_available", "yet"),
    ('{"action": "subscribe", "channel": "agents"}', "channel_not_available", "yet"),
    ('{"action": "subscribe", "channel": "entity:1"}', "invalid", "UUID"),
    (f'{{"action": "subscribe", "channel": "entity:{MISSING}"}}', "entity_not_found", MISSING),
    ('{"action": "subscribe", "channel": "agent:1"}', "channel_not_available", "yet"),
    ('{"action": "unsubscribe", "channel": "tasks"}', "not_subscribed", "tasks"),
    ('{"action": "auth"}', "invalid", "token"),
    ('{"action": "auth", "token": 1}', "invalid", "token"),
)


async def test_a_wrong_message_is_refused_and_the_socket_lives(house: House) -> None:
    for sent, code, words in WRONG:
        async with house.socket() as client:
            await client.send(sent)
            heard = await client.hear()
            assert (heard["type"], heard["data"]["code"]) == ("error", code), (sent, heard)
            assert words in heard["data"]["message"], (sent, heard)
            assert heard["channel"] == named(sent), (sent, heard)
            assert (await client.ask("ping"))["type"] == "pong", sent


def named(sent: str | bytes) -> str | None:
    """The channel that an error names: that of the message, if it has one that can be read."""
    try:
        fields: Any = orjson.loads(sent)
    except orjson.JSONDecodeError:
        return None
    channel = fields.get("channel") if isinstance(fields, dict) else None
    return channel if isinstance(channel, str) and 0 < len(channel) <= 200 else None


async def test_too_many_messages_are_an_error_first_and_then_the_end(house: House) -> None:
    async with house.socket() as client:
        for _ in range(30):
            await client.say("ping")
        code, heard = await client.closed()
    *pongs, error = heard
    assert code == 1008
    assert [said["type"] for said in pongs] == ["pong"] * len(pongs)
    assert len(pongs) >= 10
    assert error["data"]["code"] == "too_many_messages"


async def test_a_message_has_4096_bytes_at_most(house: House) -> None:
    async with house.socket() as client:
        await client.send('{"action": "ping"}'.ljust(4_096))
        assert (await client.hear())["type"] == "pong"
        await client.send('{"action": "ping"}'.ljust(4_097))
        assert await client.closed() == (1009, [])


async def test_a_message_is_measured_in_bytes(house: House) -> None:
    async with house.socket() as client:
        await client.send('{"action": "' + 2_100 * "ä" + '"}')
        assert await client.closed() == (1009, [])


async def test_a_socket_follows_a_hundred_channels(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.api.live.limits.MessageRate.spend", lambda _: True)
    async with house.socket() as client:
        ids = [await house.start("waits") for _ in range(99)]
        for channel in ("tasks", *(f"execution:{execution_id}" for execution_id in ids)):
            await client.say("subscribe", channel)
        await until(client, "subscribed", 100)
        await client.say("subscribe", "executions")
        (refused,) = await until(client, "error", 1)
        assert (refused["channel"], refused["data"]["code"]) == ("executions", "too_many_channels")
        await client.say("subscribe", "tasks")
        await client.say("unsubscribe", f"execution:{ids[0]}")
        await client.say("subscribe", "executions")
        assert [said["channel"] for said in await until(client, "subscribed", 2)] == ["tasks", "executions"]


async def until(client: Socket, type: str, count: int) -> list[dict[str, Any]]:
    found = list[dict[str, Any]]()
    while len(found) < count:
        heard = await client.hear()
        if heard["type"] == type:
            found.append(heard)
    return found
