"""Following one entity: one read for all, no gap, no repeat, and an end."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace
from uuid import uuid4

import pytest

from app.domain.errors import Invalid, NotFound, Unavailable
from app.machines import follower as module
from app.machines.watching import EntityWatching, Updates
from tests.support.entity_books import ENTITY, EntityBook
from tests.support.tenant import CALLER

NEVER = 3_600.0
LONGEST = 20
READERS = 1_000


async def take(updates: Updates, count: int) -> list[int]:
    found: list[int] = []
    async with asyncio.timeout(LONGEST):
        while len(found) < count:
            found += [update.event.sequence for update in await anext(updates)]
    return found


async def rest(updates: Updates) -> list[int]:
    async with asyncio.timeout(LONGEST):
        return [update.event.sequence async for batch in updates for update in batch]


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


class House:
    def __init__(self, events: int = 1, poll_seconds: float = NEVER) -> None:
        self.book = EntityBook(events)
        self.watching = EntityWatching(self.book, poll_seconds)

    async def watch(self, after: int = 0) -> Updates:
        return await self.watching.watch(CALLER, ENTITY, after)

    def grow(self, count: int = 1, *, is_final: bool = False) -> None:
        self.book.write(count)
        self.book.is_final = is_final
        self.watching.wake(str(ENTITY))


async def test_a_history_is_replayed_then_followed_to_its_final_state() -> None:
    house = House(3)
    async with aclosing(await house.watch(1)) as updates:
        assert await take(updates, 2) == [2, 3]
        house.grow()
        assert await take(updates, 1) == [4]
        house.grow(2, is_final=True)
        assert await rest(updates) == [5, 6]
    assert house.watching.readers == 0
    assert await rest(await house.watch(6)) == []


async def test_a_thousand_readers_cost_one_read_and_get_the_same_objects() -> None:
    house = House(3)
    readers = [await house.watch() for _ in range(READERS)]
    house.book.reads = 0
    found = await asyncio.gather(*(anext(reader) for reader in readers))
    assert house.book.reads == 1
    assert len({id(batch[0]) for batch in found}) == 1
    waiting = [asyncio.create_task(take(reader, 1)) for reader in readers]
    await settled()
    house.grow()
    assert await asyncio.gather(*waiting) == [[4]] * READERS
    assert house.book.reads == 2
    assert len({id(batch[0].json) for batch in found}) == 1
    for reader in readers:
        await reader.aclose()
    assert house.watching.readers == 0


async def test_one_who_comes_late_or_falls_behind_reads_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT_EVENTS", 2)
    house = House(1)
    async with aclosing(await house.watch()) as fast, aclosing(await house.watch()) as slow:
        assert await take(fast, 1) == [1]
        assert await take(slow, 1) == [1]
        for number in range(2, 7):
            house.grow()
            assert await take(fast, 1) == [number]
        async with aclosing(await house.watch()) as late:
            assert await take(late, 6) == [1, 2, 3, 4, 5, 6]
        assert await take(slow, 5) == [2, 3, 4, 5, 6]
        house.grow(is_final=True)
        assert await rest(slow) == await rest(fast) == [7]


async def test_large_events_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT_BYTES", 1_000)
    house = House(0)
    house.book.write(3, notes="x" * 2_000)
    async with aclosing(await house.watch()) as first, aclosing(await house.watch()) as second:
        assert await take(first, 3) == await take(second, 3) == [1, 2, 3]
        house.grow(is_final=True)
        assert await rest(first) == await rest(second) == [4]


async def test_what_is_stored_during_a_read_is_not_lost() -> None:
    house = House(1)
    async with aclosing(await house.watch(1)) as updates:
        gate = house.book.hold()
        taking = asyncio.create_task(take(updates, 1))
        await gate.reached()
        house.grow()
        gate.open()
        assert await taking == [2]


async def test_a_long_history_comes_in_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAGE", 3)
    house = House(10)
    house.book.is_final = True
    async with aclosing(await house.watch()) as first, aclosing(await house.watch(4)) as second:
        assert (await rest(first), await rest(second)) == (list(range(1, 11)), list(range(5, 11)))


async def test_without_wake_ups_it_is_read_at_an_interval() -> None:
    house = House(1, poll_seconds=0.001)
    async with aclosing(await house.watch(1)) as updates:
        taking = asyncio.create_task(take(updates, 1))
        await settled()
        house.book.write()
        assert await taking == [2]


async def test_all_who_wait_meet_the_error_and_can_come_back() -> None:
    house = House(1)
    readers = [await house.watch(1) for _ in range(3)]
    house.book.is_failing = True
    found = await asyncio.gather(*(anext(reader) for reader in readers), return_exceptions=True)
    assert [type(error).__mro__[1] for error in found] == [Unavailable] * 3
    house.book.is_failing = False
    async with aclosing(await house.watch(1)) as updates:
        house.grow(is_final=True)
        assert await rest(updates) == [2]


async def test_a_stop_of_the_process_ends_all_also_those_to_come() -> None:
    house = House(1)
    waiting = [asyncio.create_task(take(await house.watch(1), 1)) for _ in range(3)]
    await settled()
    house.watching.close()
    found: Sequence[BaseException | list[int]] = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(error, Unavailable) and "after 1" in error.message for error in found)
    with pytest.raises(Unavailable):
        await take(await house.watch(1), 1)
    assert house.watching.readers == 0


async def test_one_who_leaves_ends_nothing_for_the_others() -> None:
    house = House(1)
    leaving, staying = [asyncio.create_task(take(await house.watch(1), 1)) for _ in range(2)]
    await settled()
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    house.grow()
    assert await staying == [2]


async def test_what_cannot_be_followed() -> None:
    house = House(2)
    for after in (-1, 3):
        with pytest.raises(Invalid):
            await house.watch(after)
    with pytest.raises(NotFound):
        await house.watching.watch(CALLER, uuid4(), 0)
    foreign = replace(CALLER, tenant_id=CALLER.tenant_id + 1)
    for asked in (house.watching.watch(foreign, ENTITY, 0), house.watching.page(foreign, ENTITY, 0, 10)):
        with pytest.raises(NotFound):
            await asked


async def test_a_page_says_whether_the_history_has_ended() -> None:
    house = House(3)
    assert not (await house.watching.page(CALLER, ENTITY, 0, 10)).ended
    house.book.is_final = True
    pages = [await house.watching.page(CALLER, ENTITY, after, 2) for after in (0, 1, 3)]
    assert [([update.event.sequence for update in page.updates], page.ended) for page in pages] == [
        ([1, 2], False),
        ([2, 3], True),
        ([], True),
    ]
