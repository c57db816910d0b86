"""The recorder: batches, order, and what it makes of a database that does not answer or refuses."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import pytest

from app.background.backoff import Backoff
from app.domain.definitions import WorkflowDraft
from app.engine.ports import Step
from app.engine.running import recorder as recorder_module
from app.engine.running.recorder import Recorder, WritePermit
from tests.support.acts import ANYONE
from tests.support.histories import NOON, note, opening_step
from tests.support.memory.database import MemoryDatabase
from tests.support.memory.definitions import MemoryDefinitionStore
from tests.support.memory.faults import Faults
from tests.support.memory.recording import MemoryRecording

ENGINE = 7


class Recording(MemoryRecording):
    """Remembers the sizes of the batches that it was sent."""

    def __init__(self, database: MemoryDatabase) -> None:
        super().__init__(database)
        self.batches: list[int] = []

    async def record(self, engine_id: int, steps: Sequence[Step]) -> set[UUID]:
        self.batches.append(len(steps))
        return await super().record(engine_id, steps)


@dataclass
class Bench:
    """A recorder with executions to write to; `acknowledged` are its answers as they came."""

    database: MemoryDatabase
    recording: Recording
    recorder: Recorder
    ids: list[UUID]
    permits: dict[UUID, WritePermit] = field(default_factory=dict)
    acknowledged: list[tuple[int, int, bool]] = field(default_factory=list)
    defects: list[Exception] = field(default_factory=list)

    @property
    def faults(self) -> Faults:
        return self.database.faults

    def start(self, engine_id: int = ENGINE) -> None:
        self.recorder.start(engine_id, self.defects.append)

    def submit(self, who: int, *numbers: int, text: str = "…") -> None:
        execution_id = self.ids[who]
        step = Step(execution_id, [note(number, text) for number in numbers])
        permit = self.permits.setdefault(execution_id, WritePermit())
        self.recorder.submit(permit, step, lambda stored: self.acknowledged.append((who, numbers[-1], stored)))

    def stored(self, who: int) -> list[int]:
        return [event.sequence for event in self.database.histories[self.ids[who]]]


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    database = MemoryDatabase(MemoryDefinitionStore(lambda: NOON), lambda: NOON)
    workflow = (await database.definitions.create(ANYONE, WorkflowDraft(name="w"))).workflow
    database.leases[ENGINE] = NOON
    recording = Recording(database)
    ids = [uuid4() for _ in range(5)]
    await recording.record(ENGINE, [opening_step(execution_id, workflow) for execution_id in ids])
    recording.batches.clear()
    recorder = Recorder(recording, max_batch=4, max_waiting=3, max_batch_bytes=1_000, backoff=Backoff(0.0, 0.0))
    bench = Bench(database, recording, recorder, ids)
    bench.start()
    yield bench
    await recorder.stop()


async def test_a_single_step_is_written_at_once(bench: Bench) -> None:
    bench.submit(0, 3)
    await bench.recorder.drain()
    assert bench.acknowledged == [(0, 3, True)]
    assert bench.stored(0) == [1, 2, 3]


async def test_what_gathers_during_a_write_goes_into_the_next(bench: Bench) -> None:
    gate = bench.faults.hold_before("record")
    bench.submit(0, 3)
    await gate.reached()
    for who, number in ((1, 3), (0, 4), (2, 3)):
        bench.submit(who, number)
    gate.open()
    await bench.recorder.drain()
    assert bench.recording.batches == [1, 3]
    assert bench.acknowledged == [(0, 3, True), (1, 3, True), (0, 4, True), (2, 3, True)]
    assert bench.stored(0) == [1, 2, 3, 4]


async def test_batches_are_bounded_and_in_order(bench: Bench) -> None:
    for number in range(3, 13):
        bench.submit(0, number)
    await bench.recorder.drain()
    assert bench.recording.batches == [4, 4, 2]
    assert bench.stored(0) == list(range(1, 13))
    assert [number for _, number, _ in bench.acknowledged] == list(range(3, 13))


async def test_a_batch_is_bounded_by_what_it_carries(bench: Bench) -> None:
    for number in range(3, 8):
        bench.submit(0, number, text="x" * (2_000 if number == 6 else 400))
    await bench.recorder.drain()
    assert bench.recording.batches == [3, 1, 1]
    assert bench.stored(0) == list(range(1, 8))


async def test_steps_submitted_while_acknowledging_are_written_next(bench: Bench) -> None:
    step = Step(bench.ids[0], [note(3)])
    bench.recorder.submit(WritePermit(), step, lambda stored: bench.submit(0, 4))
    await bench.recorder.drain()
    assert bench.stored(0) == [1, 2, 3, 4]


@pytest.fixture
def _acknowledged_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder_module, "ACKNOWLEDGED_AT_ONCE", 1)


@pytest.mark.usefixtures("_acknowledged_one_by_one")
async def test_the_next_write_begins_while_the_rest_is_being_acknowledged(bench: Bench) -> None:
    first, second = bench.faults.hold_before("record"), bench.faults.hold_before("record")
    step = Step(bench.ids[0], [note(3)])
    bench.recorder.submit(WritePermit(), step, lambda stored: bench.submit(0, 4))
    for who in range(1, 4):
        bench.submit(who, 3)
    await first.reached()
    first.open()
    await second.reached()
    assert len(bench.acknowledged) < 3
    second.open()
    await bench.recorder.drain()
    assert bench.recording.batches == [4, 1]
    assert bench.acknowledged == [(1, 3, True), (2, 3, True), (3, 3, True), (0, 4, True)]


@pytest.mark.usefixtures("_acknowledged_one_by_one")
async def test_nothing_is_written_behind_a_step_that_was_not_stored_and_is_not_acknowledged_yet(bench: Bench) -> None:
    bench.database.executions[bench.ids[1]].owner_id = None
    for who, number in ((0, 3), (1, 3), (2, 3), (1, 4)):
        bench.submit(who, number)
    while not bench.acknowledged:
        await asyncio.sleep(0)
    assert bench.acknowledged == [(0, 3, True)]
    bench.submit(1, 5)
    await bench.recorder.drain()
    assert bench.stored(1) == [1, 2]
    assert bench.recording.batches == [4]
    assert bench.acknowledged[1:] == [(1, 3, False), (2, 3, True), (1, 4, False), (1, 5, False)]


@pytest.mark.usefixtures("_acknowledged_one_by_one")
async def test_what_is_known_is_acknowledged_as_it_is_when_the_recorder_stops(bench: Bench) -> None:
    bench.recorder = Recorder(bench.recording, max_batch=100)
    bench.start()
    for number in range(3, 63):
        bench.submit(0, number)
    while not bench.acknowledged:
        await asyncio.sleep(0)
    await bench.recorder.stop()
    assert bench.recording.batches == [60]
    assert bench.acknowledged == [(0, number, True) for number in range(3, 63)]


@pytest.mark.parametrize(("steps_when_busy", "batches"), [(1, [1, 3]), (2, [1, 1])], ids=["busy", "idle"])
async def test_a_busy_recorder_lets_what_is_ready_bring_its_steps(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, steps_when_busy: int, batches: list[int]
) -> None:
    monkeypatch.setattr(recorder_module, "STEPS_WHEN_BUSY", steps_when_busy)
    loop, second = asyncio.get_running_loop(), Step(bench.ids[0], [note(4)])

    def follow(_: bool) -> None:
        bench.recorder.submit(WritePermit(), second, lambda stored: None)
        loop.call_soon(bench.submit, 1, 3)
        loop.call_soon(loop.call_soon, bench.submit, 2, 3)

    bench.recorder.submit(WritePermit(), Step(bench.ids[0], [note(3)]), follow)
    while len(bench.acknowledged) < 2:
        await asyncio.sleep(0)
    assert bench.recording.batches[:2] == batches


async def test_a_acknowledging_that_fails_holds_up_nobody(bench: Bench) -> None:
    def fail(stored: bool) -> None:
        raise RuntimeError("a defect")

    bench.recorder.submit(WritePermit(), Step(bench.ids[0], [note(3)]), fail)
    bench.submit(1, 3)
    await bench.recorder.drain()
    assert bench.acknowledged == [(1, 3, True)]


async def test_a_step_that_was_not_stored_loses_its_execution(bench: Bench) -> None:
    bench.database.executions[bench.ids[0]].owner_id = 99
    gate = bench.faults.hold_before("record")
    bench.submit(0, 3)
    bench.submit(1, 3)
    await gate.reached()
    bench.submit(0, 4)
    bench.submit(1, 4)
    gate.open()
    await bench.recorder.drain()
    assert bench.acknowledged == [(0, 3, False), (1, 3, True), (0, 4, False), (1, 4, True)]
    assert bench.permits[bench.ids[0]].revoked
    assert bench.recording.batches == [2, 1], "later steps of a lost execution are not even sent"


async def test_a_permit_that_is_revoked_while_a_step_is_written_is_not_acknowledged_as_stored(bench: Bench) -> None:
    gate = bench.faults.hold_after("record")
    bench.submit(0, 3)
    await gate.reached()
    bench.permits[bench.ids[0]].revoked = True
    gate.open()
    await bench.recorder.drain()
    assert bench.acknowledged == [(0, 3, False)]


# A database that does not answer


async def test_a_lost_acknowledgement_is_not_written_twice(bench: Bench) -> None:
    bench.faults.lose_answer("record")
    bench.submit(0, 3)
    bench.submit(1, 3)
    await bench.recorder.drain()
    assert bench.recording.batches == [2]
    assert bench.acknowledged == [(0, 3, True), (1, 3, True)]
    assert bench.stored(0) == [1, 2, 3]


async def test_what_was_not_written_is_sent_again(bench: Bench) -> None:
    bench.faults.fail("record")
    bench.faults.fail("stored")
    bench.faults.fail("record")
    bench.submit(0, 3)
    await bench.recorder.drain()
    assert bench.recording.batches == [1, 1, 1]
    assert bench.acknowledged == [(0, 3, True)]
    assert bench.stored(0) == [1, 2, 3]


async def test_a_step_without_events_is_sent_until_it_is_answered(bench: Bench) -> None:
    bench.faults.lose_answer("record")
    step = Step(bench.ids[0], [], done_commands=[1])
    bench.recorder.submit(WritePermit(), step, lambda stored: bench.acknowledged.append((0, 0, stored)))
    await bench.recorder.drain()
    assert bench.acknowledged == [(0, 0, True)]


async def test_an_outage_of_any_length_is_waited_out(bench: Bench) -> None:
    """Longer than the interpreter's stack is deep: a write must not nest in the one before."""
    for _ in range(1_500):
        bench.faults.fail("record")
    bench.submit(0, 3)
    bench.submit(1, 3)
    await bench.recorder.drain()
    assert bench.acknowledged == [(0, 3, True), (1, 3, True)]


async def test_an_outage_holds_up_nobody_who_is_lost(bench: Bench) -> None:
    """When the lease ends during an outage, all callers must get an answer before the database does."""
    bench.faults.outage = True
    gate = bench.faults.hold_before("stored")
    bench.submit(0, 3)
    await gate.reached()
    bench.permits[bench.ids[0]].revoked = True
    gate.open()
    await bench.recorder.drain()
    assert bench.acknowledged == [(0, 3, False)]


async def test_an_outage_in_the_middle_of_a_batch_keeps_the_order(bench: Bench) -> None:
    bench.faults.outage = True
    gate = bench.faults.hold_before("stored")
    bench.submit(0, 3)
    await gate.reached()
    bench.submit(0, 4)
    bench.submit(1, 3)
    bench.faults.outage = False
    gate.open()
    await bench.recorder.drain()
    assert bench.acknowledged == [(0, 3, True), (0, 4, True), (1, 3, True)]


# A database that refuses


async def test_a_refused_step_holds_up_nobody_else(bench: Bench) -> None:
    gate = bench.faults.hold_before("record")
    bench.submit(0, 3)
    await gate.reached()
    for who, number in ((1, 3), (2, 2), (3, 3), (1, 4)):
        bench.submit(who, number)
    gate.open()
    await bench.recorder.drain()
    assert bench.acknowledged == [(0, 3, True), (1, 3, True), (2, 2, False), (3, 3, True), (1, 4, True)]
    assert bench.stored(1) == [1, 2, 3, 4]
    assert bench.stored(2) == [1, 2]


async def test_a_refusal_because_an_earlier_sending_stored_is_none(bench: Bench) -> None:
    """Its connection broke, the database was asked too early, and then it was written after all."""
    bench.faults.fail("record")
    gate = bench.faults.hold_after("stored")
    bench.submit(0, 3)
    await gate.reached()
    bench.database.histories[bench.ids[0]].append(note(3))
    gate.open()
    await bench.recorder.drain()
    assert bench.acknowledged == [(0, 3, True)]
    assert bench.stored(0) == [1, 2, 3]


async def test_an_outage_while_a_refusal_is_looked_into(bench: Bench) -> None:
    bench.faults.fail("record", ValueError("refused"))
    bench.faults.fail("stored")
    bench.submit(0, 3)
    await bench.recorder.drain()
    assert bench.acknowledged == [(0, 3, False)]


async def test_a_refusal_after_a_lost_acknowledgement_does_not_send_what_stored(bench: Bench) -> None:
    gate = bench.faults.hold_before("record")
    bench.submit(0, 3)
    bench.submit(1, 3)
    await gate.reached()
    bench.database.histories[bench.ids[0]].append(note(3))
    bench.faults.fail("record", ValueError("refused"))
    gate.open()
    await bench.recorder.drain()
    assert bench.acknowledged == [(0, 3, True), (1, 3, True)]


async def test_a_writer_that_dies_of_a_defect_is_noticed(bench: Bench) -> None:
    bench.faults.fail("record", ValueError("refused"))
    bench.faults.fail("stored", ValueError("a defect"))
    bench.submit(0, 3)
    while not bench.defects:
        await asyncio.sleep(0)
    assert [str(error) for error in bench.defects] == ["a defect"]
    await bench.recorder.stop()
    assert bench.acknowledged == [(0, 3, False)]


async def test_a_writer_that_dies_lets_nothing_wait_for_it(bench: Bench) -> None:
    gate = bench.faults.hold_before("record")
    for number in range(3, 9):
        bench.submit(0, number)
    await gate.reached()
    bench.faults.fail("record", ValueError("refused"))
    bench.faults.fail("stored", ValueError("a defect"))
    waiting = [asyncio.create_task(wait()) for wait in (bench.recorder.wait_for_room, bench.recorder.drain)]
    await asyncio.sleep(0)
    gate.open()
    await asyncio.gather(*waiting)
    assert len(bench.defects) == 1


# Room, draining, stopping


async def test_new_work_waits_while_the_queue_is_long(bench: Bench) -> None:
    gate = bench.faults.hold_before("record")
    bench.submit(0, 3)
    await gate.reached()
    for number in (4, 5, 6):
        bench.submit(0, number)
    waiting = asyncio.create_task(bench.recorder.wait_for_room())
    await asyncio.sleep(0)
    assert not waiting.done()
    gate.open()
    await waiting
    assert bench.stored(0)[:3] == [1, 2, 3]


async def test_there_is_room_in_an_idle_recorder(bench: Bench) -> None:
    await bench.recorder.wait_for_room()
    await bench.recorder.drain()


async def test_drain_waits_for_the_write_that_is_on_its_way(bench: Bench) -> None:
    gate = bench.faults.hold_after("record")
    bench.submit(0, 3)
    await gate.reached()
    draining = asyncio.create_task(bench.recorder.drain())
    await asyncio.sleep(0)
    assert not draining.done()
    gate.open()
    await draining
    assert bench.acknowledged == [(0, 3, True)]


async def test_stop_answers_everybody_who_waits(bench: Bench) -> None:
    bench.faults.hold_before("record")
    for number in (3, 4, 5):
        bench.submit(0, number)
    bench.submit(1, 3)
    await asyncio.sleep(0)
    for who in (2, 3, 4):
        bench.submit(who, 3)
    room = asyncio.create_task(bench.recorder.wait_for_room())
    await asyncio.sleep(0)
    await bench.recorder.stop()
    await room
    assert bench.acknowledged == [(0, 3, False), (0, 4, False), (0, 5, False), (1, 3, False)] + [
        (who, 3, False) for who in (2, 3, 4)
    ]
    assert bench.permits[bench.ids[0]].revoked


async def test_a_new_lease_writes_under_its_own_id(bench: Bench) -> None:
    bench.database.leases[8] = NOON
    bench.start(8)
    bench.submit(0, 3)
    await bench.recorder.drain()
    assert bench.acknowledged == [(0, 3, False)], "the execution belongs to the lease before"
    assert bench.defects == []
