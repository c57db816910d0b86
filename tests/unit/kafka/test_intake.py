"""When records are finished, tried again or dead, and when no more are taken."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest

from app.domain.errors import StartsExceeded, Unavailable
from app.kafka.actions import NotYet
from app.kafka.dead_letters import CODE, DeadLetters
from app.kafka.intake import AGAIN_SECONDS, MAX_WAITING, TRIES, Intake
from app.kafka.parsing import Poison
from app.kafka.ports import KafkaUnreachable
from app.kafka.records import Received, Record
from app.kafka.room import LOOK_SECONDS, Room
from app.kafka.topics import Topics
from tests.support.virtual_time import in_virtual_time

TOPICS = Topics()
MANY = 4


def record(offset: int, partition: int = 0) -> Received:
    return Received(TOPICS.trigger, partition, offset, 0, None, f"{partition}/{offset}".encode(), {})


class Source:
    """Gives its records a few at a time, and keeps how far they are done."""

    def __init__(self, records: Sequence[Received]) -> None:
        self.left = list(records)
        self.through: dict[int, int] = {}

    async def take(self, seconds: float) -> Sequence[Received]:
        taken, self.left = self.left[:MANY], self.left[MANY:]
        if not taken:
            await asyncio.sleep(seconds)
        return taken

    def done(self, through: Mapping[tuple[str, int], int]) -> None:
        self.through |= {partition: offset for (_, partition), offset in through.items()}


@dataclass
class Actions:
    """By the value of a record: what happens to it, each time that it is tried, and then nothing."""

    failures: dict[str, list[Exception]] = field(default_factory=dict)
    tried: Counter[str] = field(default_factory=Counter)
    started: list[str] = field(default_factory=list)
    at: list[float] = field(default_factory=list)

    async def trigger(self, received: Received) -> None:
        name = (received.value or b"").decode()
        self.tried[name] += 1
        self.at.append(asyncio.get_running_loop().time())
        if failures := self.failures.get(name):
            raise failures.pop(0)
        self.started.append(name)

    async def signal(self, received: Received) -> None:
        raise AssertionError


@dataclass
class Letters:
    """Dead letters by their values; brokers are away for as many as `away` says."""

    codes: dict[str, str] = field(default_factory=dict)
    away: int = 0

    async def publish(self, records: Sequence[Record]) -> None:
        if self.away:
            self.away -= 1
            raise KafkaUnreachable("away")
        self.codes |= {(one.value or b"").decode(): one.headers[CODE].decode() for one in records}


class Database:
    """How many executions wait; None while it does not answer."""

    def __init__(self, waiting: int | None = 0) -> None:
        self.pending = waiting

    async def inputs(self, execution_ids: Any) -> Mapping[UUID, str]:
        return {}

    async def make_due(self, execution_ids: Any) -> int:
        return 0

    async def waiting(self, most: int) -> int:
        if self.pending is None:
            raise Unavailable("the database does not answer")
        return min(self.pending, most)


@dataclass
class World:
    """An intake with all that is around it, in memory."""

    source: Source
    actions: Actions = field(default_factory=Actions)
    letters: Letters = field(default_factory=Letters)
    database: Database = field(default_factory=Database)
    places: int = 10
    max_pending: int = 10
    defects: list[Exception] = field(default_factory=list)

    async def run(self, seconds: float) -> None:
        clock = asyncio.get_running_loop().time
        room = Room(lambda: self.places, self.database, self.max_pending, clock)
        letters = DeadLetters(TOPICS, self.letters)
        intake = Intake(TOPICS, self.source, self.actions, letters, self.database, room, lambda: None, clock)  # type: ignore[arg-type]
        intake.start(self.defects.append)
        await asyncio.sleep(seconds)
        await intake.stop()
        assert self.defects == []


def not_yet() -> NotYet:
    return NotYet(Poison("workflow_unknown", "there is none"))


@in_virtual_time
async def test_what_does_not_work_yet_holds_back_the_offset_and_nothing_else() -> None:
    world = World(Source([record(n) for n in range(10)]), Actions({"0/3": [not_yet() for _ in range(TRIES)]}))
    await world.run(AGAIN_SECONDS)
    assert (len(world.actions.started), world.source.through) == (9, {0: 2})


@in_virtual_time
async def test_it_is_tried_three_times_in_half_a_minute_and_is_a_dead_letter_then() -> None:
    world = World(Source([record(n) for n in range(10)]), Actions({"0/3": [not_yet() for _ in range(TRIES)]}))
    await world.run(3 * AGAIN_SECONDS)
    assert world.actions.tried["0/3"] == TRIES
    assert 30 <= world.actions.at[-1] - world.actions.at[0] < 31
    assert (world.letters.codes, world.source.through) == ({"0/3": "workflow_unknown"}, {0: 9})


@in_virtual_time
async def test_what_works_meanwhile_is_no_dead_letter() -> None:
    world = World(Source([record(0)]), Actions({"0/0": [not_yet()]}))
    await world.run(2 * AGAIN_SECONDS)
    assert (world.actions.started, world.letters.codes, world.source.through) == (["0/0"], {}, {0: 0})


@in_virtual_time
async def test_a_tenant_that_has_used_up_its_starts_gets_no_dead_letters_however_often() -> None:
    world = World(Source([record(0), record(1)]), Actions({"0/0": [StartsExceeded(5, 2) for _ in range(10)]}))
    await world.run(30)
    assert (world.actions.tried["0/0"], world.letters.codes, world.source.through) == (11, {}, {0: 1})


@in_virtual_time
async def test_while_the_database_is_away_nothing_is_taken_or_finished_and_nothing_is_a_dead_letter() -> None:
    world = World(Source([record(n) for n in range(10)]), database=Database(None))
    asyncio.get_running_loop().call_later(60, setattr, world.database, "pending", 0)
    await world.run(59)
    assert (len(world.source.left), world.source.through, world.letters.codes) == (10, {}, {})
    await world.run(60)
    assert (len(world.actions.started), world.source.through, world.letters.codes) == (10, {0: 9}, {})


@in_virtual_time
async def test_a_record_during_which_the_database_goes_away_is_done_again() -> None:
    away: list[Exception] = [Unavailable("the database does not answer") for _ in range(TRIES + 3)]
    world = World(Source([record(n) for n in range(3)]), Actions({"0/1": away}))
    await world.run(60)
    assert sorted(world.actions.started) == ["0/0", "0/1", "0/2"]
    assert (world.letters.codes, world.source.through) == ({}, {0: 2})


@in_virtual_time
async def test_a_dead_letter_that_the_brokers_did_not_take_is_published_later() -> None:
    world = World(
        Source([record(0)]), Actions({"0/0": [Poison("empty", "no value") for _ in range(4)]}), Letters(away=3)
    )
    await world.run(60)
    assert (world.letters.codes, world.source.through) == ({"0/0": "empty"}, {0: 0})


@in_virtual_time
async def test_a_defect_makes_a_dead_letter_and_does_not_end_the_process() -> None:
    world = World(Source([record(0), record(1)]), Actions({"0/0": [ZeroDivisionError()]}))
    await world.run(5)
    assert (world.letters.codes, world.source.through) == ({"0/0": "internal_error"}, {0: 1})


@in_virtual_time
async def test_while_too_many_wait_for_another_try_no_more_are_taken() -> None:
    """Each of a thousand unknown workflows has half a minute; what follows does not fill the memory."""
    records = [record(n) for n in range(MAX_WAITING + 500)]
    failures: dict[str, list[Exception]] = {f"0/{one.offset}": [not_yet(), not_yet()] for one in records}
    world = World(Source(records), Actions(failures))
    await world.run(AGAIN_SECONDS - 1)
    assert len(world.source.left) == 500
    await world.run(10 * AGAIN_SECONDS)
    assert len(world.source.left) == 0


@pytest.mark.parametrize("fill", [{"places": 0}, {"database": Database(11)}])
def test_no_more_is_taken_than_there_is_room_for(fill: Mapping[str, Any]) -> None:
    @in_virtual_time
    async def run() -> None:
        world = World(Source([record(n) for n in range(10)]), **fill)
        await world.run(60)
        assert len(world.source.left) == 10
        world.places, world.database.pending = 1, 0
        await world.run(5)
        assert world.source.left == []

    run()


@in_virtual_time
async def test_a_full_room_has_room_again_when_a_fifth_has_begun() -> None:
    database, loop = Database(11), asyncio.get_running_loop()
    room = Room(lambda: 1, database, 10, loop.time)
    found = []
    for waiting in (10, 11, 10, 9, 8, 9, 10, 11):
        database.pending = waiting
        found.append(await room.is_full())
        await asyncio.sleep(LOOK_SECONDS)
    assert found == [False, True, True, True, False, False, False, True]
