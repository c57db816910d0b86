"""Every control in every state of an execution: the answer, what becomes of the execution, and the same over both APIs.

Each control is called twice. A command is taken up once, except for signals, of which every call is one of its own.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import grpc
import pytest

from app.api.grpc.errors import CODES
from app.api.rest.errors import STATUSES
from app.domain.errors import Conflict, Invalid, NotFound, ServiceError, TooLarge, Unavailable, WrongState
from app.engine.controls import ExecutionControls
from app.engine.repetitions import Repetition
from app.tasks.signal import SignalHandler
from tests.support.memory_house import House, Process, short
from tests.support.requests import payload_of
from tests.support.stories import sync
from tests.support.tenant import CALLER

REASON = "because"
CONTROLS: Mapping[str, Callable[[ExecutionControls, UUID], Awaitable[Any]]] = {
    "cancel": lambda controls, execution: controls.cancel(CALLER, execution, REASON),
    "pause": lambda controls, execution: controls.pause(CALLER, execution, REASON),
    "resume": lambda controls, execution: controls.resume(CALLER, execution, REASON),
    "signal": lambda controls, execution: controls.signal(CALLER, execution, "go", payload_of({"n": 1})),
    "skip": lambda controls, execution: controls.skip(CALLER, execution, "a", REASON),
    "retry": lambda controls, execution: controls.retry(CALLER, execution),
    "rerun": lambda controls, execution: controls.rerun(CALLER, execution, "a", "again"),
}


WAITS = sync("c", type="signal", config={"name": "go"})
"""Its turn never comes here, but signals are refused where no task waits for them."""


@dataclass(frozen=True)
class Becomes:
    """The call is accepted; `word` comes into the history, `status` is the execution's when that is done."""

    word: str
    status: str


@dataclass(frozen=True)
class Stays:
    """The call is harmless: nothing comes into the history, whose status stays `status`."""

    status: str


@dataclass(frozen=True)
class Repeated:
    """A new execution is started, and the second call answers it; this one stays as it is."""


@dataclass(frozen=True)
class Refused:
    error: type[ServiceError]
    sentence: str


Expected = Becomes | Stays | Repeated | Refused


def everywhere(expected: Expected) -> dict[str, Expected]:
    return dict.fromkeys(CONTROLS, expected)


def ended(status: str, **others: Expected) -> dict[str, Expected]:
    def refused(what: str) -> Refused:
        return Refused(WrongState, f"is {status} and cannot {what}")

    return {
        "cancel": refused("be cancelled"),
        "pause": refused("be paused"),
        "resume": refused("be resumed"),
        "signal": refused("receive signals"),
        "skip": refused("skip a task"),
        "retry": Repeated(),
        "rerun": Repeated(),
        **others,
    }


def open_as(status: str) -> dict[str, Expected]:
    return dict.fromkeys(("retry", "rerun"), Refused(WrongState, f"has not ended: it is {status} and cannot be re"))


TABLE: Mapping[str, Mapping[str, Expected]] = {
    "unknown": everywhere(Refused(NotFound, "does not exist")),
    "unclaimed": open_as("pending")
    | {
        "cancel": Becomes("cancel_requested", "cancelled"),
        "pause": Becomes("paused", "paused"),
        "resume": Becomes("started", "running"),
        "signal": Becomes("signal_received", "running"),
        "skip": Becomes("a skipped", "running"),
    },
    "running": open_as("running")
    | {
        "cancel": Becomes("cancel_requested", "cancelled"),
        "pause": Becomes("paused", "paused"),
        "resume": Stays("running"),
        "signal": Becomes("signal_received", "running"),
        "skip": Becomes("a skipped", "running"),
    },
    "parked": open_as("running")
    | {
        "cancel": Becomes("cancel_requested", "cancelled"),
        "pause": Becomes("paused", "paused"),
        "resume": Stays("running"),
        "signal": Becomes("a completed", "running"),
        "skip": Becomes("a skipped", "running"),
    },
    "paused": open_as("paused")
    | {
        "cancel": Becomes("cancel_requested", "cancelled"),
        "pause": Stays("paused"),
        "resume": Becomes("resumed", "running"),
        "signal": Becomes("signal_received", "paused"),
        "skip": Becomes("a skipped", "paused"),
    },
    "stopping": open_as("running")
    | {
        "cancel": Stays("running"),
        "pause": Stays("running"),
        "resume": Stays("running"),
        "signal": Becomes("signal_received", "running"),
        "skip": Stays("running"),
    },
    "completed": ended("completed", retry=Refused(WrongState, "is completed; rerun it from a task instead")),
    "failed": ended("failed"),
    "cancelled": ended("cancelled", cancel=Stays("cancelled")),
}


@pytest.fixture
def house() -> House:
    """Everything that only waits is parked at once."""
    return House(handlers={"signal": SignalHandler()}, park_after_seconds=0)


async def unknown(house: House, process: Process) -> UUID:
    return uuid4()


async def running(house: House, process: Process) -> UUID:
    execution_id = await process.start(await house.define(sync("a", type="staged"), sync("b", type="staged"), WAITS))
    await process.until(execution_id, "a started")
    await house.stage.entered("a")
    return execution_id


async def parked(house: House, process: Process) -> UUID:
    wait = sync("a", type="signal", config={"name": "go"})
    execution_id = await process.start(await house.define(wait, sync("b", type="staged")))
    await process.until(execution_id, "a started")
    await process.idle()
    return execution_id


async def paused(house: House, process: Process) -> UUID:
    execution_id = await running(house, process)
    await process.controls.pause(CALLER, execution_id, REASON)
    await process.until(execution_id, "paused")
    return execution_id


async def stopping(house: House, process: Process) -> UUID:
    house.stage.cleaning = asyncio.Event()
    execution_id = await running(house, process)
    await process.controls.cancel(CALLER, execution_id, REASON)
    await process.until(execution_id, "cancel_requested")
    return execution_id


async def completed(house: House, process: Process) -> UUID:
    execution_id = await process.start(await house.define(sync("a")))
    await process.until(execution_id)
    return execution_id


async def failed(house: House, process: Process) -> UUID:
    execution_id = await running(house, process)
    house.stage.performances[-1].fail()
    await process.until(execution_id)
    return execution_id


async def cancelled(house: House, process: Process) -> UUID:
    execution_id = await running(house, process)
    await process.controls.cancel(CALLER, execution_id, REASON)
    await process.until(execution_id)
    return execution_id


async def unclaimed(house: House, process: Process) -> UUID:
    """There is no engine yet."""
    return await process.start(await house.define(sync("a", type="staged"), sync("b", type="staged"), WAITS))


STATES = (unknown, unclaimed, running, parked, paused, stopping, completed, failed, cancelled)


async def ask(control: str, process: Process, execution_id: UUID) -> Any:
    try:
        return await CONTROLS[control](process.controls, execution_id)
    except ServiceError as error:
        return error


async def settled(process: Process, execution_id: UUID) -> None:
    """Until every command for the execution has been taken up."""
    while any(command.execution_id == execution_id for command in process.house.database.commands.values()):
        await asyncio.sleep(0)


async def words(process: Process, execution_id: UUID) -> list[str]:
    """The history in short; nothing where there is none."""
    try:
        page = await process.executions.updates(CALLER, execution_id, 0, 1_000)
    except ServiceError:
        return []
    return [short(update.event, update.task_name) for update in page.updates]


@pytest.mark.parametrize("control", CONTROLS)
@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
async def test_every_control_in_every_state(
    house: House, state: Callable[[House, Process], Awaitable[UUID]], control: str
) -> None:
    expected = TABLE[state.__name__][control]
    async with AsyncExitStack() as stack:
        without_engine = state is unclaimed
        process = house.build() if without_engine else await stack.enter_async_context(house.process())
        execution_id = await state(house, process)
        before, count = await words(process, execution_id), len(house.database.executions)

        answers = [await ask(control, process, execution_id) for _ in range(2)]

        if without_engine:
            await stack.enter_async_context(house.process())
        await judge(process, expected, execution_id, before, answers)
        assert len(house.database.executions) == count + isinstance(expected, Repeated)
        if house.stage.cleaning is not None:
            house.stage.cleaning.set()


async def judge(
    process: Process, expected: Expected, execution_id: UUID, before: list[str], answers: list[Any]
) -> None:
    match expected:
        case Refused(error, sentence):
            assert [type(answer) for answer in answers] == [error, error]
            assert all(sentence in answer.message for answer in answers)
            assert await words(process, execution_id) == before
        case Repeated():
            assert [type(answer) for answer in answers] == [Repetition, Repetition]
            assert [answer.already_started for answer in answers] == [False, True]
            assert {answer.execution.origin_id for answer in answers} == {execution_id}
            assert answers[0].execution.id == answers[1].execution.id
            assert await words(process, execution_id) == before
        case Stays(status):
            await settled(process, execution_id)
            assert [answer.id for answer in answers] == [execution_id] * 2
            assert await words(process, execution_id) == before
            assert (await process.executions.get(CALLER, execution_id)).status == status
        case Becomes(word, status):
            await settled(process, execution_id)
            while word not in (await words(process, execution_id))[len(before) :]:
                await asyncio.sleep(0)
            while (await process.executions.get(CALLER, execution_id)).status != status:
                await asyncio.sleep(0)
            assert [answer.id for answer in answers] == [execution_id] * 2
            assert (await words(process, execution_id)).count(word) == (2 if word == "signal_received" else 1)


HTTP_OF = {NotFound: 404, Invalid: 422, WrongState: 409, Conflict: 409, TooLarge: 413, Unavailable: 503}
GRPC_OF = {
    NotFound: grpc.StatusCode.NOT_FOUND,
    Invalid: grpc.StatusCode.INVALID_ARGUMENT,
    WrongState: grpc.StatusCode.FAILED_PRECONDITION,
    Conflict: grpc.StatusCode.ALREADY_EXISTS,
    TooLarge: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Unavailable: grpc.StatusCode.UNAVAILABLE,
}


@pytest.mark.parametrize("error", HTTP_OF)
def test_both_apis_answer_an_error_with_the_codes_that_belong_together(error: type[ServiceError]) -> None:
    assert (STATUSES[error], CODES[error]) == (HTTP_OF[error], GRPC_OF[error])


def test_the_table_is_whole() -> None:
    assert list(TABLE) == [state.__name__ for state in STATES]
    assert all(row.keys() == CONTROLS.keys() for row in TABLE.values())
    refusals = {cell.error for row in TABLE.values() for cell in row.values() if isinstance(cell, Refused)}
    assert refusals <= HTTP_OF.keys()
