"""Fifty callers want the same entity at once, over four processes and three protocols: one of them gets each state."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc
import httpx
import pytest
from google.rpc.error_details_pb2 import ErrorInfo
from grpc_status import rpc_status

from app.api.grpc.generated import machine_pb2 as pb
from app.api.grpc.generated.machine_pb2_grpc import MachineServiceStub
from tests.support.clients import rest_client
from tests.support.databases import ask
from tests.support.engine_process import store_workflow, sync, workflow
from tests.support.grpc_server_process import GrpcServerProcess
from tests.support.rest_server_process import RestServerProcess

RIVALS = 50
WON = "won"
PATIENCE_SECONDS = 300.0
MACHINE: dict[str, Any] = {
    "name": "claim",
    "key": "claim",
    "states": [
        {"name": "open", "initial": True},
        {"name": "taken", "on_enter": {"workflow": "tell"}},
        {"name": "approved"},
        {"name": "rejected"},
        {"name": "closed", "final": True, "on_enter": {"workflow": "tell"}},
    ],
    "transitions": [
        {"from": "open", "to": "taken", "name": "take"},
        {"from": "taken", "to": "approved", "name": "approve"},
        {"from": "taken", "to": "rejected", "name": "reject"},
        {"from": "approved", "to": "closed", "name": "close"},
        {"from": "rejected", "to": "closed", "name": "close"},
    ],
}


@dataclass(frozen=True, slots=True)
class Wish:
    """What a rival asks for. expected: the number of the last event that it knows of."""

    entity: str
    transition: str
    key: str | None = None
    expected: int | None = None


Rival = Callable[[Wish], Awaitable[str]]
"""Asks, and says what came of it: `won`, or the code of the refusal."""


@dataclass(frozen=True, slots=True)
class OverHttp:
    client: httpx.AsyncClient

    async def ask(self, wish: Wish) -> str:
        body = {"transition": wish.transition, "expected_sequence": wish.expected, "idempotency_key": wish.key}
        answer = await self.client.post(f"/entities/{wish.entity}/transitions", json=body)
        if answer.status_code == 200:
            return WON
        document = answer.json()
        assert answer.status_code == (412 if document["code"] == "sequence_mismatch" else 409), document
        return str(document["code"])

    async def call_function(self, wish: Wish) -> str:
        """In the words of PostgREST, which have no expected number."""
        body = {"instance_id": wish.entity, "transition_name": wish.transition, "idempotency_key": wish.key}
        answer = await self.client.post("/pg/rpc/execute_transition", json=body)
        if answer.status_code == 200:
            assert answer.json() is True
            return WON
        assert answer.status_code == 409, answer.text
        return str(answer.json()["code"])


@dataclass(frozen=True, slots=True)
class OverGrpc:
    stub: Any

    async def ask(self, wish: Wish) -> str:
        request = pb.TransitionRequest(
            id=wish.entity,
            transition=wish.transition,
            idempotency_key=wish.key or "",
            expected_sequence=wish.expected,
        )
        try:
            await self.stub.Transition(request, timeout=PATIENCE_SECONDS)
        except grpc.aio.AioRpcError as error:
            return _reason(error)
        return WON


def _reason(error: grpc.aio.AioRpcError) -> str:
    status, info = rpc_status.from_call(error), ErrorInfo()  # type: ignore[arg-type]
    assert status is not None, error
    assert status.details[0].Unpack(info)
    wanted = "ABORTED" if info.reason == "sequence_mismatch" else "FAILED_PRECONDITION"
    assert error.code().name == wanted, error
    return info.reason


@dataclass(frozen=True, slots=True)
class Rivals:
    """plain: those over /api/v1 and gRPC. functions: those of the dialect. rest: a client of one of the processes."""

    plain: Sequence[Rival]
    functions: Sequence[Rival]
    rest: httpx.AsyncClient

    async def all_ask(self, wishes: Callable[[int], Wish]) -> tuple[Counter[str], Counter[str]]:
        """What came of it for the plain ones, and for those of the dialect."""
        rivals = [*self.plain, *self.functions]
        found = await asyncio.gather(*(rival(wishes(number)) for number, rival in enumerate(rivals)))
        return Counter(found[: len(self.plain)]), Counter(found[len(self.plain) :])

    async def entity(self, entity_id: str) -> dict[str, Any]:
        return dict((await self.rest.get(f"/entities/{entity_id}")).json())


@pytest.fixture
async def rivals(database_url: str, redis_url: str) -> AsyncIterator[Rivals]:
    quiet = {"LOG_LEVEL": "warning"}
    servers = [GrpcServerProcess(database_url, **quiet) for _ in range(2)]
    fronts = [RestServerProcess(database_url, redis_url, **quiet) for _ in range(2)]
    try:
        await asyncio.gather(*(process.start() for process in (*servers, *fronts)))
        async with _rivals(servers, fronts) as rivals:
            yield rivals
    finally:
        for process in (*servers, *fronts):
            await process.close()


@asynccontextmanager
async def _rivals(servers: Sequence[GrpcServerProcess], fronts: Sequence[RestServerProcess]) -> AsyncIterator[Rivals]:
    limits = httpx.Limits(max_connections=None)
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(rest_client(base_url=url, timeout=PATIENCE_SECONDS, limits=limits))
            for front in fronts
            for url in (front.url, front.url.removesuffix("/api/v1"))
        ]
        own, others = clients[::2], clients[1::2]
        stubs = [OverGrpc(MachineServiceStub(server.channel)) for server in servers]  # type: ignore[no-untyped-call]
        ways = [*(OverHttp(client).ask for client in own), *(stub.ask for stub in stubs)]
        functions = [OverHttp(client).call_function for client in others]
        plain = [ways[number % len(ways)] for number in range(RIVALS - 10)]
        yield Rivals(plain, [functions[number % len(functions)] for number in range(10)], own[0])


@pytest.fixture
async def thing(rivals: Rivals, database_url: str) -> Mapping[str, Any]:
    """What an entity can be started with."""
    await store_workflow(database_url, workflow("tell", (sync("a", 1),)))
    assert (await rivals.rest.post("/machines", json=MACHINE)).status_code == 201
    return {"machine": "claim", "entity_table": "t", "entity_id": "1"}


async def test_one_of_fifty_gets_each_state(rivals: Rivals, thing: Mapping[str, Any], database_url: str) -> None:
    one = (await rivals.rest.post("/entities", json=thing)).json()["id"]

    plain, functions = await rivals.all_ask(lambda number: Wish(one, "take", key=f"take {number}"))
    assert plain + functions == {WON: 1, "transition_not_possible": RIVALS - 1}
    held = await rivals.entity(one)
    assert (held["state"], held["sequence"]) == ("taken", 3)

    def decision(number: int) -> Wish:
        return Wish(one, ("approve", "reject")[number // 2 % 2], expected=held["sequence"])

    plain, functions = await rivals.all_ask(decision)
    assert plain[WON] + functions[WON] == 1
    assert plain.keys() <= {WON, "sequence_mismatch"}
    assert functions.keys() <= {WON, "transition_not_possible"}
    decided = await rivals.entity(one)
    assert decided["state"] in {"approved", "rejected"}

    plain, functions = await rivals.all_ask(lambda _: Wish(one, "close"))
    assert plain + functions == {WON: 1, "entity_is_final": RIVALS - 1}

    history = (await rivals.rest.get(f"/entities/{one}/events")).json()["items"]
    assert [event["sequence"] for event in history] == list(range(1, len(history) + 1))
    moves = [event for event in history if event["type"] == "transitioned"]
    assert [event["to_state"] for event in moves] == ["taken", decided["state"], "closed"]
    started = [event["execution_id"] for event in history if event["type"] == "workflow_started"]
    assert len(started) == 2
    assert await ask(database_url, "SELECT count(*) FROM executions") == 2


async def test_one_of_fifty_starts_a_thing_and_one_key_moves_it_once(
    rivals: Rivals, thing: Mapping[str, Any], database_url: str
) -> None:
    answers = await asyncio.gather(*(rivals.rest.post("/entities", json=thing) for _ in range(RIVALS)))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: RIVALS - 1}
    [one] = [answer.json()["id"] for answer in answers if answer.status_code == 201]
    refused = [answer.json() for answer in answers if answer.status_code == 409]
    assert {(answer["code"], one in answer["detail"]) for answer in refused} == {("entity_exists", True)}
    plain, functions = await rivals.all_ask(lambda _: Wish(one, "take", key="the same"))
    assert plain + functions == {WON: RIVALS}
    assert (await rivals.entity(one))["sequence"] == 3
    assert await ask(database_url, "SELECT count(*) FROM executions") == 1
