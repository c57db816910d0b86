"""The follower and its watchers, on a feed in memory whose reads a test can count and hold."""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from uuid import UUID

import pytest

from app.domain.errors import PositionExpired, Unavailable
from app.domain.events import Event
from app.engine.ports import StoreUnreachable
from app.engine.watching import held_batches
from app.engine.watching.updates import Update
from app.feed import follower as module
from app.feed.entries import Entry, FeedBatch, FeedEvent, Source
from app.feed.follower import FeedFollower
from app.feed.ports import FeedHead
from app.feed.reading import FeedReading
from app.feed.service import FeedService
from app.feed.watcher import FeedWatcher
from tests.support.histories import note
from tests.support.tenant import CALLER, TENANT_ID

ID = UUID(int=7)
OF_TENANT = Source(TENANT_ID, 1, 1)
NEVER = 3_600.0


class FakePlan:
    def task_name(self, task_id: int | None) -> None:
        return None


class FakePlans:
    async def get(self, *_: int) -> FakePlan:
        return FakePlan()


class FakeFeed:
    """One execution whose events are committed one by one: their numbers are their positions.

    reads: how often events were read.
    gate: reads of entries wait for it.
    """

    def __init__(self) -> None:
        self.stored = 0
        self.numbered = 0
        self.removed = 0
        self.is_numbered_by_another = False
        self.is_unreachable = False
        self.reads = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def number(self) -> int | None:
        if self.is_unreachable:
            raise StoreUnreachable("no database")
        if self.is_numbered_by_another:
            return None
        self.numbered = self.stored
        return self.numbered

    async def head(self) -> FeedHead:
        return FeedHead(self.numbered, self.removed)

    async def entries(self, after: int) -> Sequence[Entry]:
        await self.gate.wait()
        numbers = range(max(after, self.removed) + 1, self.numbered + 1)
        return [Entry(number, ID, number, 1, OF_TENANT) for number in numbers][:100]

    async def events(self, tenant_id: int, entries: Sequence[Entry]) -> Sequence[Sequence[Event]]:
        self.reads += 1
        return [[note(entry.first)] for entry in entries]


class House:
    def __init__(self) -> None:
        self.feed = FakeFeed()
        self.now = 0.0
        self.defects: list[Exception] = []
        reading = FeedReading(self.feed, FakePlans())
        self.follower = FeedFollower(self.feed, reading, NEVER, lambda: self.now)
        self.follower.start(self.defects.append)
        self.service = FeedService(self.feed, reading, self.follower)

    def grow(self, events: int = 1) -> None:
        self.feed.stored += events
        self.service.wake()

    async def read(self, batches: AsyncGenerator[FeedBatch], through: int) -> list[int]:
        found: list[int] = []
        async with asyncio.timeout(20):
            async for batch in batches:
                found += [event.position for event in batch.events]
                if batch.last >= through:
                    return found
        raise AssertionError("the stream has ended")


@pytest.fixture
async def house():
    house = House()
    yield house
    await house.follower.stop()
    assert house.defects == []


def batch(after: int, through: int, data: str | None = None) -> FeedBatch:
    def event(position: int) -> FeedEvent:
        return FeedEvent(position, Update(ID, 1, note(position)._replace(data=data), None))

    return FeedBatch(after, through, [event(position) for position in range(after + 1, through + 1)])


def positions(found: FeedBatch | None) -> list[int]:
    return [] if found is None else [event.position for event in found.events]


async def test_without_readers_nothing_gets_a_position(house: House) -> None:
    house.grow(3)
    for _ in range(20):
        await asyncio.sleep(0)
    assert house.feed.numbered == 0


async def test_one_who_comes_back_soon_needs_no_read(house: House) -> None:
    async with aclosing(await house.service.watch(CALLER, 0)) as batches:
        house.grow(3)
        assert await house.read(batches, 3) == [1, 2, 3]
        house.grow(2)
        assert await house.read(batches, 5) == [4, 5]
    house.now += module.KEPT_SECONDS - 1
    reads = house.feed.reads
    async with aclosing(await house.service.watch(CALLER, 3)) as batches:
        assert await house.read(batches, 5) == [4, 5]
    assert house.feed.reads == reads


async def test_a_tenant_without_readers_is_forgotten_after_a_while(house: House) -> None:
    async with aclosing(await house.service.watch(CALLER, 0)) as batches:
        house.grow()
        await house.read(batches, 1)
    house.now += module.KEPT_SECONDS
    house.grow()
    while house.follower._tenants:
        await asyncio.sleep(0)
    house.grow()
    async with aclosing(await house.service.watch(CALLER, 1)) as batches:
        assert await house.read(batches, 3) == [2, 3]


async def test_what_is_kept_is_bounded(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT_EVENTS", 2)
    async with aclosing(await house.service.watch(CALLER, 0)) as batches:
        for number in range(1, 5):
            house.grow()
            await house.read(batches, number)
        readers = house.follower._tenants[TENANT_ID]
        assert [positions(one) for one in readers.kept(2)] == [[3], [4]]
        assert readers.kept(1) == ()


async def test_a_reader_who_comes_during_a_read_misses_nothing(house: House) -> None:
    async with aclosing(await house.service.watch(CALLER, 0)) as first:
        house.grow(2)
        await house.read(first, 2)
        house.feed.gate.clear()
        house.grow()
        async with aclosing(await house.service.watch(CALLER, 0)) as second:
            reading = asyncio.create_task(house.read(second, 4))
            for _ in range(20):
                await asyncio.sleep(0)
            house.feed.gate.set()
            house.grow()
            assert await reading == [1, 2, 3, 4]


async def test_a_reader_who_is_slow_misses_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held_batches, "HELD_EVENTS", 3)
    async with (
        aclosing(await house.service.watch(CALLER, 0)) as slow,
        aclosing(await house.service.watch(CALLER, 0)) as quick,
    ):
        house.grow()
        assert await house.read(slow, 1) == [1]
        for number in range(2, 11):
            house.grow()
            await house.read(quick, number)
        assert await house.read(slow, 10) == list(range(2, 11))


async def test_positions_that_another_reader_gives_are_awaited(house: House) -> None:
    house.feed.is_numbered_by_another = True
    house.feed.stored = 2
    opening = asyncio.create_task(house.service.watch(CALLER, None))
    await asyncio.sleep(0)
    assert not opening.done()
    house.feed.is_numbered_by_another = False
    async with aclosing(await opening) as batches:
        house.grow()
        assert await house.read(batches, 3) == [3]


async def test_the_follower_goes_on_after_an_outage(house: House) -> None:
    async with aclosing(await house.service.watch(CALLER, 0)) as batches:
        house.grow()
        await house.read(batches, 1)
        house.feed.is_unreachable = True
        house.grow()
        for _ in range(20):
            await asyncio.sleep(0)
        house.feed.is_unreachable = False
        house.service.wake()
        assert await house.read(batches, 2) == [2]


async def test_readers_learn_that_what_they_need_was_removed(house: House) -> None:
    async with aclosing(await house.service.watch(CALLER, 0)) as batches:
        house.grow()
        await house.read(batches, 1)
        house.feed.stored = house.feed.numbered = 9
        house.feed.removed = 5
        house.service.wake()
        with pytest.raises(PositionExpired, match="read on from 5"):
            await house.read(batches, 9)


async def test_a_page_that_waits_in_vain_is_empty(house: House) -> None:
    page = await house.service.page(CALLER, 0, 10, wait_seconds=0.01)
    assert (page.events, page.next_position) == ((), 0)


async def test_readers_after_the_end_are_told_so(house: House) -> None:
    house.service.close()
    with pytest.raises(Unavailable, match="stopping"):
        await house.read(await house.service.watch(CALLER, 0), 1)


def test_a_watcher_gives_what_follows() -> None:
    watcher = FeedWatcher([batch(0, 2)])
    watcher.offer(batch(2, 5))
    assert positions(watcher.take(0)) == [1, 2]
    assert positions(watcher.take(3)) == [4, 5]
    assert watcher.take(5) is None
    assert not watcher.must_read


def test_a_watcher_says_when_something_is_missing() -> None:
    watcher = FeedWatcher()
    watcher.offer(batch(4, 6))
    assert watcher.take(2) is None
    assert watcher.must_read
    assert positions(watcher.take(4)) == [5, 6]
    watcher.offer(batch(6, 7))
    watcher.offer(batch(8, 9))
    assert watcher.take(6) is None
    assert watcher.must_read


@pytest.mark.parametrize(
    "offered",
    [
        [batch(number, number + 1, "x" * (held_batches.HELD_BYTES // 2)) for number in range(3)],
        [batch(number * 600, (number + 1) * 600) for number in range(2)],
    ],
    ids=["bytes", "events"],
)
def test_a_watcher_holds_no_more_than_it_may(offered: Iterable[FeedBatch]) -> None:
    watcher = FeedWatcher()
    for one in offered:
        watcher.offer(one)
    assert watcher.take(0) is None
    assert watcher.must_read
