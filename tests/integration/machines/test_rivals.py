"""Many want the same of one entity, by two REST processes and over gRPC: one gets it, and the history has no gap."""

import asyncio
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID

import grpc
import pytest

from app.api.grpc.generated import machine_pb2 as pb
from app.background.defects import Defects
from app.config import Settings
from app.machines.deciding import TransitionRequest
from app.machines.machines import Machines
from app.machines.parsing import parse_machine
from app.machines.refusals import TransitionRefused
from app.wiring.rest_process import open_rest_process
from tests.support.engine_process import read_on, running_server
from tests.support.machines import FRAUD
from tests.support.tenant import CALLER
from tests.support.walls import urls_for

pytestmark = pytest.mark.server

RIVALS = 50
WON, LOST = "won", "transition_not_possible"


async def test_one_of_fifty_wins_over_two_rest_processes_and_grpc(database_url: str) -> None:
    settings = Settings(_env_file=None, **urls_for(database_url), database_pool_size=4)
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(running_server(settings))
        rest = [await stack.enter_async_context(open_rest_process(settings, Defects())) for _ in range(2)]
        await rest[0].machines.definitions.create(CALLER, parse_machine(FRAUD))
        start = pb.StartRequest(machine="fraud_detection", entity_table="t", entity_id="1")
        one = (await server.machines.Start(start)).id
        watched = server.machines.WatchEntity(pb.WatchEntityRequest(id=one))
        approved = {"transition": "start_processing"}
        over_grpc = pb.TransitionRequest(id=one, **approved, context='{"approval_code": "x"}')

        def ask(number: int) -> Awaitable[Any]:
            if number % 3 == 2:
                return server.machines.Transition(over_grpc)
            return _move(rest[number % 3].machines, one, **approved, context={"approval_code": "x"})

        answers = await asyncio.gather(*map(ask, range(RIVALS)), return_exceptions=True)
        assert sorted(map(_outcome, answers)) == sorted([WON] + [LOST] * (RIVALS - 1))
        await server.machines.Transition(pb.TransitionRequest(id=one, to_state="completed"))
        history = await asyncio.wait_for(read_on(watched), 60)
        assert [(event.sequence, event.to_state) for event in history] == [
            (1, "initial_state"),
            (2, "processing"),
            (3, "completed"),
        ]


async def _move(machines: Machines, id: str, **fields: Any) -> Any:
    request = TransitionRequest(machines.entities.actor(CALLER), **fields)
    return await machines.entities.transition(CALLER, UUID(id), request)


def _outcome(answer: object) -> str:
    if isinstance(answer, TransitionRefused):
        return answer.code
    if isinstance(answer, grpc.aio.AioRpcError):
        assert answer.code() is grpc.StatusCode.FAILED_PRECONDITION
        return LOST if "no transition 'start_processing' leaves" in (answer.details() or "") else str(answer.details())
    assert not isinstance(answer, BaseException), answer
    return WON
