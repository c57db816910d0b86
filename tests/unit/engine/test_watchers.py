"""Following a history: in order, without a gap, from any number, through everything that may happen to a watcher."""

import asyncio
from itertools import pairwise
from typing import Any, cast
from uuid import UUID, uuid4

import pytest

from app.domain.errors import Unavailable
from app.engine.ports import HistoryPage, StoreUnreachable
from app.engine.watching import follower, held_batches
from app.engine.watching.batch import Batch
from app.engine.watching.updates import Update
from app.engine.watching.watcher import Watcher
from app.engine.watching.watchers import Hub, follow
from tests.support.histories import note
from tests.support.virtual_time import in_virtual_time
from tests.support.watching import END, EXECUTION, HOUR, Book, Reader, numbers


@pytest.fixture
def hub() -> Hub:
    return Hub()


@pytest.fixture
def book() -> Book:
    return Book()


async def test_a_watcher_from_the_beginning_sees_everything_live(hub: Hub, book: Book) -> None:
    reader = Reader(hub, book)
    for until in (1, 3, 4, END):
        hub.publish(EXECUTION, book.write(until))
        await reader.has(until)
    await reader.task
    assert reader.numbers == numbers(END)
    assert book.reads == 1, "what the hub hands on is not read again"


@pytest.mark.parametrize("after", [0, 1, 7, END - 1])
async def test_a_late_watcher_replays_then_follows(hub: Hub, book: Book, after: int) -> None:
    book.write(10)
    reader = Reader(hub, book, after)
    if after < 10:
        await reader.has(10)
    hub.publish(EXECUTION, book.write(12))
    hub.publish(EXECUTION, book.write(END))
    await reader.task
    assert reader.numbers == numbers(END, after)


@pytest.mark.parametrize("after", [0, 5, END - 1])
async def test_an_ended_history_is_replayed_and_closed(hub: Hub, book: Book, after: int) -> None:
    book.write(END)
    reader = Reader(hub, book, after)
    await reader.task
    assert reader.numbers == numbers(END, after)


@pytest.mark.parametrize("after", [END, END + 1, 2**40])
async def test_after_the_end_there_is_nothing(hub: Hub, book: Book, after: int) -> None:
    book.write(END)
    reader = Reader(hub, book, after)
    await reader.task
    assert reader.numbers == []


async def test_a_number_that_is_not_reached_yet_is_waited_for(hub: Hub, book: Book) -> None:
    hub.publish(EXECUTION, book.write(2))
    reader = Reader(hub, book, after=5)
    await asyncio.sleep(0)
    hub.publish(EXECUTION, book.write(4))
    hub.publish(EXECUTION, book.write(8))
    await reader.has(8)
    assert reader.numbers == [6, 7, 8]
    hub.publish(EXECUTION, book.write(END))
    await reader.task
    assert reader.numbers == numbers(END, 5)


async def test_a_long_history_is_read_by_pages(hub: Hub, book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follower, "PAGE", 10)
    book.write(END)
    reader = Reader(hub, book)
    await reader.task
    assert reader.numbers == numbers(END)
    assert book.reads == 4


async def test_events_that_come_while_the_history_is_read_come_once(hub: Hub, book: Book) -> None:
    book.write(3)
    reader = Reader(hub, book)
    hub.publish(EXECUTION, book.write(5))
    await reader.has(5)
    hub.publish(EXECUTION, book.write(END))
    await reader.task
    assert reader.numbers == numbers(END)


async def test_a_wake_up_makes_a_watcher_read(hub: Hub, book: Book) -> None:
    reader = Reader(hub, book)
    book.write(4)
    hub.wake(EXECUTION)
    await reader.has(4)
    book.write(END)
    hub.wake(EXECUTION)
    await reader.task
    assert reader.numbers == numbers(END)


async def test_a_wake_up_while_the_history_is_read_makes_a_watcher_read_again(hub: Hub, book: Book) -> None:
    book.write(2)
    watcher = hub.add(EXECUTION)

    async def read_slowly(after: int, limit: int) -> HistoryPage:
        page = await book.read_history(after, limit)
        if after == 0:
            book.write(END)
            hub.wake(EXECUTION)
        return page

    batches = [batch async for batch in follow(hub, watcher, read_slowly, EXECUTION, 0, HOUR)]
    assert [(batch.first, batch.last) for batch in batches] == [(1, 2), (3, END)]


async def test_lost_wake_ups_are_made_up_for_by_polling(hub: Hub, book: Book) -> None:
    reader = Reader(hub, book, poll_seconds=0.001)
    book.write(4)
    await reader.has(4)
    book.write(END)
    await reader.task
    assert reader.numbers == numbers(END)


async def test_a_gap_is_read_from_the_history(hub: Hub, book: Book) -> None:
    reader = Reader(hub, book)
    hub.publish(EXECUTION, book.write(3))
    await reader.has(3)
    book.write(6)
    hub.publish(EXECUTION, book.write(8))
    await reader.has(8)
    hub.publish(EXECUTION, book.write(END))
    await reader.task
    assert reader.numbers == numbers(END)


async def test_a_gap_behind_what_is_held_is_read_too(hub: Hub, book: Book) -> None:
    """The execution went to another engine and came back while the watcher was slow."""
    reader = Reader(hub, book)
    hub.publish(EXECUTION, book.write(1))
    await reader.has(1)
    reader.paused.clear()
    hub.publish(EXECUTION, book.write(2))
    await reader.has(2)
    hub.publish(EXECUTION, book.write(4))
    book.write(7)
    hub.publish(EXECUTION, book.write(9))
    reader.paused.set()
    await reader.has(9)
    hub.publish(EXECUTION, book.write(END))
    await reader.task
    assert reader.numbers == numbers(END)


async def test_a_slow_watcher_loses_nothing(hub: Hub, book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held_batches, "HELD_EVENTS", 5)
    quick, slow = Reader(hub, book), Reader(hub, book)
    hub.publish(EXECUTION, book.write(1))
    await slow.has(1)
    slow.paused.clear()
    for until in range(2, END + 1):
        hub.publish(EXECUTION, book.write(until))
        await quick.has(until)
    assert slow.numbers == [1, 2] or slow.numbers == [1]
    slow.paused.set()
    await asyncio.gather(quick.task, slow.task)
    assert slow.numbers == quick.numbers == numbers(END)


async def test_a_step_larger_than_a_watcher_holds(hub: Hub, book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held_batches, "HELD_EVENTS", 5)
    reader = Reader(hub, book)
    hub.publish(EXECUTION, book.write(20))
    await reader.has(20)
    hub.publish(EXECUTION, book.write(END))
    await reader.task
    assert reader.numbers == numbers(END)


async def test_many_watchers_see_the_same(hub: Hub, book: Book) -> None:
    readers = [Reader(hub, book, after) for after in (0, 0, 2, 5)]
    for until in (4, 5, END):
        hub.publish(EXECUTION, book.write(until))
    await asyncio.gather(*(reader.task for reader in readers))
    assert [reader.numbers for reader in readers] == [numbers(END, after) for after in (0, 0, 2, 5)]


async def test_a_closing_hub_tells_how_to_go_on(hub: Hub, book: Book) -> None:
    reader = Reader(hub, book)
    hub.publish(EXECUTION, book.write(6))
    await reader.has(6)
    hub.close()
    with pytest.raises(Unavailable, match="watch it again after 6"):
        await reader.task


async def test_a_closing_hub_hands_on_what_there_is(hub: Hub, book: Book) -> None:
    book.write(3)
    reader = Reader(hub, book)
    hub.close()
    with pytest.raises(Unavailable):
        await reader.task
    assert reader.numbers == [1, 2, 3]
    book.write(END)
    last = Reader(hub, book, after=3)
    await last.task
    assert last.numbers == numbers(END, 3)


async def test_a_history_that_cannot_be_read_ends_the_stream(hub: Hub, book: Book) -> None:
    book.failing = True
    with pytest.raises(StoreUnreachable):
        await Reader(hub, book).task


def test_the_hub_keeps_only_who_watches(hub: Hub) -> None:
    first, second = hub.add(EXECUTION), hub.add(EXECUTION)
    other = hub.add(uuid4())
    hub.remove(EXECUTION, first)
    assert hub.watchers == 2
    hub.remove(EXECUTION, second)
    hub.publish(EXECUTION, [note(1)])
    hub.wake(EXECUTION)
    assert hub.watchers == 1
    assert other.must_read


def test_growth_is_announced_whether_somebody_watches_or_not() -> None:
    announced: list[UUID] = []
    hub = Hub(announced.append)
    hub.publish(EXECUTION, [note(1)])
    assert announced == [EXECUTION]


@pytest.mark.parametrize(("first", "number", "holds"), [(1, 1, True), (2, 1, False), (2, 2, True), (None, 1, False)])
def test_a_watcher_knows_from_where_it_holds(first: int | None, number: int, holds: bool) -> None:
    watcher = Watcher()
    if first is not None:
        watcher.offer(Batch([note(first), note(first + 1)]))
    assert watcher.holds_from(number) is holds


@in_virtual_time
async def test_looks_for_nothing_become_rarer_until_something_comes() -> None:
    hub, book, looks = Hub(), Book(), []
    book.write(2)
    read = book.read_history

    async def note_look(after: int, limit: int) -> HistoryPage:
        looks.append(asyncio.get_running_loop().time())
        if len(looks) in (8, 10):
            book.write(3 if len(looks) == 8 else END)
        return await read(after, limit)

    book.read_history = note_look  # type: ignore[method-assign]
    await Reader(hub, book, poll_seconds=1.0).task
    assert [later - look for look, later in pairwise(looks)] == [1, 2, 4, 8, 10, 10, 10, 1, 2]


# What watchers share


async def test_watchers_of_one_execution_share_what_one_of_them_made(hub: Hub, book: Book) -> None:
    readers = [Reader(hub, book) for _ in range(500)]
    hub.publish(EXECUTION, book.write(1))
    await asyncio.gather(*(reader.has(1) for reader in readers))
    made: list[Batch] = []

    def show(batch: Batch) -> list[Update]:
        made.append(batch)
        return [Update(EXECUTION, 1, event, None, batch.is_shared) for event in batch.events]

    for until in (3, 4, END):
        hub.publish(EXECUTION, book.write(until))
        await asyncio.gather(*(reader.has(until) for reader in readers))
    shown = [[batch.updates(show) for batch in reader.batches if batch.first > 1] for reader in readers]
    assert all(batch.is_shared for batch in made)
    assert [(batch.first, batch.last) for batch in made] == [(2, 3), (4, 4), (5, END)]
    assert all(own is first for updates in shown for own, first in zip(updates, shown[0], strict=True))


async def test_what_a_single_watcher_gets_is_not_shared(hub: Hub, book: Book) -> None:
    reader = Reader(hub, book)
    hub.publish(EXECUTION, book.write(2))
    await reader.has(2)
    hub.publish(EXECUTION, book.write(END))
    await reader.task
    assert [batch.is_shared for batch in reader.batches] == [False, False]


async def test_a_batch_of_which_a_watcher_knows_the_beginning_is_its_own(hub: Hub, book: Book) -> None:
    watcher, other = hub.add(EXECUTION), hub.add(EXECUTION)
    hub.publish(EXECUTION, book.write(5))
    rest, whole = cast(Batch, watcher.take(3)), cast(Batch, other.take(0))
    assert [event.sequence for event in rest.events] == [4, 5]
    assert [event.sequence for event in whole.events] == [1, 2, 3, 4, 5]
    assert (rest.is_shared, whole.is_shared) == (False, True)


# How watchers wait


@pytest.fixture
async def timers(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """When the loop was asked to call somebody in more than half an hour; what else runs in it waits for seconds."""
    loop, asked = asyncio.get_running_loop(), []
    call_at = loop.call_at

    def note_call(when: float, *rest: Any, **more: Any) -> asyncio.TimerHandle:
        if when > loop.time() + HOUR / 2:
            asked.append(when)
        return call_at(when, *rest, **more)

    monkeypatch.setattr(loop, "call_at", note_call)
    return asked


async def ended_early(watcher: Watcher, seconds: float) -> None:
    waiting = asyncio.create_task(watcher.wait_at_most(seconds))
    await asyncio.sleep(0)
    watcher.offer(Batch([note(1)]))
    await waiting
    watcher.take(1)


async def test_many_waits_need_one_timer(timers: list[float]) -> None:
    watcher = Watcher()
    for _ in range(10):
        await ended_early(watcher, HOUR)
    assert len(timers) == 1
    watcher.close()


@in_virtual_time
async def test_the_timer_of_an_earlier_wait_does_not_end_a_later_one() -> None:
    watcher = Watcher()
    watcher.must_read = False
    await ended_early(watcher, 1)
    await watcher.wait_at_most(5)
    assert asyncio.get_running_loop().time() == 5
    assert watcher.must_read


@in_virtual_time
async def test_a_short_wait_after_a_long_one_ends_in_time() -> None:
    watcher = Watcher()
    await ended_early(watcher, HOUR)
    watcher.must_read = False
    await watcher.wait_at_most(1)
    assert asyncio.get_running_loop().time() == 1
    assert watcher.must_read


@in_virtual_time
async def test_a_watcher_that_leaves_has_no_timer() -> None:
    hub = Hub()
    watcher = hub.add(EXECUTION)
    waiting = asyncio.create_task(watcher.wait_at_most(1))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    hub.remove(EXECUTION, watcher)
    watcher.must_read = False
    await asyncio.sleep(HOUR)
    assert not watcher.must_read


async def test_what_came_while_nobody_waited_ends_the_next_wait_at_once(timers: list[float]) -> None:
    watcher = Watcher()
    watcher.wake()
    await watcher.wait_at_most(HOUR)
    assert timers == []
