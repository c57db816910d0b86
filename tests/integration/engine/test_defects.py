"""Each background loop of a process: a defect of it reaches the process, a database that is away does not end it."""

import asyncio
from typing import Any

import pytest

from app.adapters.database.leases import PostgresOwnership
from app.adapters.database.retention import PostgresRetention
from app.adapters.database.schedules import PostgresScheduleStore
from app.adapters.database.signals import PostgresSignals
from app.background.defects import Defects
from app.engine.ports import StoreUnreachable
from app.engine.running.recorder import Recorder
from app.wiring.grpc_process import EngineProcess, open_engine_process
from app.wiring.rest_process import open_rest_process
from tests.support.engine_process import settings_for, store_workflow, sync, workflow
from tests.support.requests import start_of
from tests.support.tenant import CALLER

FAST = {"engine_lease_seconds": 60.0, "engine_renew_seconds": 0.05, "engine_poll_seconds": 0.02}

WHERE = {
    "lease": (PostgresOwnership, "renew"),
    "claims": (PostgresOwnership, "claim"),
    "commands": (PostgresOwnership, "commands"),
    "recorder": (Recorder, "_next_batch"),
    "announcer": (PostgresSignals, "announce"),
    "schedules": (PostgresScheduleStore, "claim"),
    "retention": (PostgresRetention, "shortest_days"),
    "signals": (PostgresSignals, "_until_broken"),
}
"""What to break for each loop of a gRPC process."""

PASSING = {name: place for name, place in WHERE.items() if name not in ("recorder", "signals", "retention")}
"""The loops that soon call the database again. For the others: the tests of the recorder, of `PostgresSignals`, and of
the sweeps.
"""


class Spoiled:
    """A method that fails `times` times when it is called, and does what it did before otherwise."""

    def __init__(self, patch: pytest.MonkeyPatch, place: tuple[type, str], error: Exception, times: int) -> None:
        owner, name = place
        method = getattr(owner, name)
        self.left = times
        self.worked = asyncio.Event()

        def spoil() -> None:
            if self.left:
                self.left -= 1
                raise error

        async def spoiled(*arguments: Any) -> Any:
            spoil()
            answer = await method(*arguments)
            self.worked.set()
            return answer

        def spoiled_at_once(*arguments: Any) -> Any:
            spoil()
            return method(*arguments)

        patch.setattr(owner, name, spoiled if asyncio.iscoroutinefunction(method) else spoiled_at_once)


async def run_one(process: EngineProcess) -> None:
    """An execution uses every loop but that of the schedules and the retention."""
    started = await process.executions.start(CALLER, start_of("w"))
    await process.executions.wait(CALLER, started.execution.id, 300)


def first_of(defects: Defects) -> "asyncio.Future[None]":
    """Done when there is a defect."""
    reported: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    defects.on_first(lambda: reported.done() or reported.set_result(None))
    return reported


@pytest.fixture
async def database(database_url: str) -> str:
    await store_workflow(database_url, workflow("w", [sync("a", 1)]))
    return database_url


@pytest.mark.parametrize("loop", WHERE)
async def test_a_defect_of_a_loop_is_reported_to_the_process(
    database: str, loop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    defect = ZeroDivisionError(f"a defect of {loop}")
    Spoiled(monkeypatch, WHERE[loop], defect, times=1)
    async with open_engine_process(settings_for(database, **FAST)) as process:
        reported = first_of(process.defects)
        running = asyncio.create_task(run_one(process))
        await reported
        running.cancel()
    with pytest.raises(ZeroDivisionError) as caught:
        process.defects.raise_first()
    assert caught.value is defect


@pytest.mark.parametrize("loop", PASSING)
async def test_a_database_that_is_away_for_a_while_ends_no_loop(
    database: str, loop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoiled = Spoiled(monkeypatch, PASSING[loop], StoreUnreachable("away"), times=2)
    async with open_engine_process(settings_for(database, **FAST)) as process:
        while not spoiled.worked.is_set() or spoiled.left:
            await run_one(process)
    process.defects.raise_first()


async def test_a_defect_of_the_signals_is_reported_to_a_rest_process(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Spoiled(monkeypatch, WHERE["signals"], ZeroDivisionError("a defect"), times=1)
    defects = Defects()
    async with open_rest_process(settings_for(database), defects):
        await first_of(defects)
    with pytest.raises(ZeroDivisionError):
        defects.raise_first()
