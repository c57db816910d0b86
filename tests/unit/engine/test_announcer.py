"""Hints to other processes: merged, never about oneself, and without harm when they cannot be sent."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest

from app.engine.watching import announcer as announcer_module
from app.engine.watching.announcer import IDS_PER_HINT, Announcer
from tests.support.memory.faults import Faults
from tests.support.memory.signals import MemorySignals


class Wire(MemorySignals):
    """Keeps what was sent."""

    def __init__(self) -> None:
        self.faults = Faults()
        super().__init__(self.faults)
        self.sent: list[str] = []

    async def announce(self, channel: str, payload: str) -> None:
        await super().announce(channel, payload)
        self.sent.append(payload)

    async def has(self, count: int) -> None:
        while len(self.sent) < count:
            await asyncio.sleep(0)


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(announcer_module, "PAUSE_SECONDS", 0)


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
async def announcer(wire: Wire) -> AsyncIterator[Announcer]:
    announcer = Announcer(wire)
    announcer.start()
    yield announcer
    await announcer.stop()


def hints(announcer: Announcer) -> list[UUID]:
    heard: list[UUID] = []
    announcer.listen(heard.append)
    return heard


async def test_others_hear_of_each_execution_once(wire: Wire, announcer: Announcer) -> None:
    own, others = hints(announcer), hints(Announcer(wire))
    first, second = sorted([uuid4(), uuid4()])
    for execution_id in (first, second, first):
        announcer.grew(execution_id)
    await wire.has(1)
    await asyncio.sleep(0)
    assert (own, others) == ([], [first, second])


async def test_many_go_in_several_hints_that_fit(wire: Wire, announcer: Announcer) -> None:
    heard = hints(Announcer(wire))
    ids = {uuid4() for _ in range(IDS_PER_HINT + 1)}
    for execution_id in ids:
        announcer.grew(execution_id)
    await wire.has(2)
    await asyncio.sleep(0)
    assert set(heard) == ids
    assert max(map(len, wire.sent)) < 8_000


async def test_a_hint_that_cannot_be_sent_is_lost_and_the_next_is_not(wire: Wire, announcer: Announcer) -> None:
    heard = hints(Announcer(wire))
    wire.faults.fail("announce")
    gate = wire.faults.hold_before("announce")
    announcer.grew(uuid4())
    while len(wire.faults._before["announce"]) > 1:
        await asyncio.sleep(0)
    announcer.grew(later := uuid4())
    await gate.reached()
    gate.open()
    await wire.has(1)
    await asyncio.sleep(0)
    assert heard == [later]


async def test_it_stops_and_stops_again(wire: Wire) -> None:
    announcer = Announcer(wire)
    await announcer.stop()
    announcer.start()
    await announcer.stop()
    await announcer.stop()
