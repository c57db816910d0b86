"""Announcements to other processes: merged, never about oneself, and without harm when they cannot be sent."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest

from app.background.backoff import Backoff
from app.background.defects import Defects
from app.engine.watching.announcer import IDS_PER_NOTICE, Announcer
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


@pytest.fixture
def wire() -> Wire:
    return Wire()


def without_pauses(wire: Wire) -> Announcer:
    return Announcer(wire, pause_seconds=0, backoff=Backoff(0.0, 0.0))


@pytest.fixture
async def announcer(wire: Wire) -> AsyncIterator[Announcer]:
    defects, announcer = Defects(), without_pauses(wire)
    announcer.start(defects.report)
    yield announcer
    await announcer.stop()
    defects.raise_first()


def heard_by(announcer: Announcer) -> list[UUID]:
    heard: list[UUID] = []
    announcer.listen(heard.append)
    return heard


async def test_others_hear_of_each_execution_once(wire: Wire, announcer: Announcer) -> None:
    own, others = heard_by(announcer), heard_by(Announcer(wire))
    first, second = sorted([uuid4(), uuid4()])
    for execution_id in (first, second, first):
        announcer.grew(execution_id)
    await wire.has(1)
    await asyncio.sleep(0)
    assert (own, others) == ([], [first, second])


async def test_many_go_in_several_notices_that_fit(wire: Wire, announcer: Announcer) -> None:
    heard = heard_by(Announcer(wire))
    ids = {uuid4() for _ in range(IDS_PER_NOTICE + 1)}
    for execution_id in ids:
        announcer.grew(execution_id)
    await wire.has(2)
    await asyncio.sleep(0)
    assert set(heard) == ids
    assert max(map(len, wire.sent)) < 8_000


async def test_a_notice_that_cannot_be_sent_is_lost_and_the_next_is_not(wire: Wire, announcer: Announcer) -> None:
    heard = heard_by(Announcer(wire))
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


async def test_a_defect_ends_the_loop_and_is_reported(wire: Wire) -> None:
    reported: asyncio.Queue[Exception] = asyncio.Queue()
    announcer = without_pauses(wire)
    wire.faults.fail("announce", RuntimeError("a defect"))
    announcer.start(reported.put_nowait)
    announcer.grew(uuid4())
    assert str(await reported.get()) == "a defect"
    await announcer.stop()
    assert wire.sent == []


async def test_it_stops_and_stops_again(wire: Wire) -> None:
    defects, announcer = Defects(), without_pauses(wire)
    await announcer.stop()
    announcer.start(defects.report)
    await announcer.stop()
    await announcer.stop()
