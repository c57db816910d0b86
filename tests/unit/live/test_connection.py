"""How long a socket lasts, by the credential of its caller."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from app.api.live.connection import NOT_AUTHENTICATED, Connection, Event
from app.api.live.limits import SocketLimits
from app.domain.callers import Caller
from app.domain.permissions import Scope
from app.identity.known_callers import KnownCallers
from app.identity.long_calls import GRACE_SECONDS, LongCalls
from tests.support.memory.identity import MemoryKeyStore, MemoryTenantStore
from tests.support.virtual_time import in_virtual_time

START = datetime(2026, 1, 1, tzinfo=UTC)
VALID_SECONDS = 300.0


def now() -> datetime:
    return START + timedelta(seconds=asyncio.get_running_loop().time())


@dataclass
class Admission:
    """Takes every token, and says that this is the caller."""

    caller: Caller

    async def admit(self, *_: object) -> Caller:
        return self.caller


@dataclass
class Identity:
    admission: Admission
    long_calls: LongCalls


@dataclass
class Parts:
    """What a connection needs that follows nothing."""

    identity: Identity
    limits: SocketLimits = field(default_factory=SocketLimits)


class Client:
    """What a client says is taken from `said`; `heard` is what it hears."""

    def __init__(self) -> None:
        self.said = asyncio.Queue[Event]()
        self.heard: list[Event] = []

    async def send(self, event: Event) -> None:
        self.heard.append(event)

    def say(self, **message: Any) -> None:
        self.said.put_nowait({"type": "websocket.receive", "text": orjson.dumps(message).decode()})

    def errors(self) -> list[Mapping[str, Any]]:
        return [orjson.loads(event["text"]) for event in self.heard if event["type"] == "websocket.send"]


async def end_of(caller: Caller, *, in_header: bool) -> tuple[float, Client]:
    """When the socket of this caller is closed, and what its client has heard."""
    tenants = MemoryTenantStore(now)
    long_calls = LongCalls(MemoryKeyStore(tenants, now), KnownCallers(lambda: 0.0), now)
    parts: Any = Parts(Identity(Admission(caller), long_calls))
    client = Client()
    if not in_header:
        client.say(action="auth", token="a.b.c")
    sender: Any = object
    await Connection(parts, sender, client.said.get, client.send).run(caller if in_header else None)
    return asyncio.get_running_loop().time(), client


@pytest.mark.parametrize("in_header", [True, False])
def test_a_socket_ends_a_minute_after_its_token_has_expired(in_header: bool) -> None:
    @in_virtual_time
    async def test() -> None:
        scopes = frozenset({Scope.EXECUTIONS_READ})
        ada = Caller(1, "default", "token:ada", scopes, expires_at=START + timedelta(seconds=VALID_SECONDS))
        ended, client = await end_of(ada, in_header=in_header)
        assert ended == pytest.approx(VALID_SECONDS + GRACE_SECONDS)
        assert [error["data"]["code"] for error in client.errors()] == ["credentials_expired"]
        assert client.heard[-1]["type"] == "websocket.close"
        assert client.heard[-1]["code"] == NOT_AUTHENTICATED

    test()
