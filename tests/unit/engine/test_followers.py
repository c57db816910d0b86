"""One follower reads for all watchers of an execution: how often, and what may happen while it reads."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from app.domain.errors import NotFound, Unavailable
from app.engine.ports import StoreUnreachable
from app.engine.watching import follower, held_batches
from app.engine.watching.watchers import Hub
from tests.support.virtual_time import in_virtual_time
from tests.support.watching import END, EXECUTION, Book, Reader, all_wait, numbers

WATCHERS = 50


@pytest.fixture
def hub() -> Hub:
    return Hub()


@pytest.fixture
def book() -> Book:
    return Book()


@pytest.fixture
async def no_read_is_left() -> AsyncIterator[None]:
    yield
    await asyncio.sleep(0)
    assert "follower" not in {task.get_name() for task in asyncio.all_tasks()}


pytestmark = pytest.mark.usefixtures("no_read_is_left")


async def waiting(hub: Hub, book: Book, count: int, after: int = 0) -> list[Reader]:
    """Readers that have read what there is."""
    readers = [Reader(hub, book, after) for _ in range(count)]
    await all_wait(*readers)
    return readers


async def finish(hub: Hub, book: Book, *readers: Reader) -> None:
    """The execution ends elsewhere, and each reader has seen everything in order."""
    book.write(END)
    hub.wake(EXECUTION)
    await asyncio.gather(*(reader.task for reader in readers))
    assert all(reader.numbers == numbers(END) for reader in readers)
    assert hub.watchers == 0


# How often the history is read


async def test_what_happens_elsewhere_is_read_once_for_all_watchers(hub: Hub, book: Book) -> None:
    readers = await waiting(hub, book, WATCHERS)
    assert book.reads == WATCHERS, "each begins with a read of its own"
    for number in (*range(1, 13), END):
        book.write(number)
        hub.wake(EXECUTION)
        await asyncio.gather(*(reader.has(number) for reader in readers))
    await asyncio.gather(*(reader.task for reader in readers))
    assert book.reads == WATCHERS + 13
    assert all(reader.numbers == numbers(END) for reader in readers)
    assert all(one is other for one, other in zip(readers[0].batches, readers[-1].batches, strict=True))


@in_virtual_time
async def test_lost_wake_ups_are_made_up_for_by_one_poll_for_all() -> None:
    hub, book = Hub(), Book()
    readers = [Reader(hub, book, poll_seconds=1.0) for _ in range(WATCHERS)]
    await all_wait(*readers)
    for number in (1, 2, END):
        book.write(number)
        await asyncio.sleep(1.0)
    await asyncio.gather(*(reader.task for reader in readers))
    assert book.reads == WATCHERS + 3


@in_virtual_time
async def test_what_grows_here_is_not_polled() -> None:
    hub, book = Hub(), Book()
    reader = Reader(hub, book, poll_seconds=1.0)
    for number in range(1, END + 1):
        hub.publish(EXECUTION, book.write(number))
        await asyncio.sleep(0.9)
    await reader.task
    assert book.reads == 1


@in_virtual_time
async def test_watchers_that_come_all_the_time_do_not_put_off_the_poll() -> None:
    hub, book = Hub(), Book()
    book.write(3)
    readers = [Reader(hub, book, poll_seconds=1.0)]
    for _ in range(9):
        await asyncio.sleep(0.3)
        readers.append(Reader(hub, book, poll_seconds=1.0))
    await all_wait(*readers)
    assert book.reads == len(readers) + 1, "after one second; the next poll is due at three"
    book.write(END)
    await asyncio.gather(*(reader.task for reader in readers))
    assert asyncio.get_running_loop().time() == 3


async def test_what_one_watcher_reads_the_others_need_not(hub: Hub, book: Book) -> None:
    book.write(3)
    readers = await waiting(hub, book, 3)
    book.write(6)
    late = (await waiting(hub, book, 1))[0]
    await asyncio.gather(*(reader.has(6) for reader in readers))
    await all_wait(*readers, late)
    assert book.reads == 4
    hub.wake(EXECUTION)
    await all_wait(*readers, late)
    await finish(hub, book, *readers, late)


async def test_watchers_that_are_busy_are_not_read_for(hub: Hub, book: Book) -> None:
    readers = await waiting(hub, book, 2)
    for reader in readers:
        reader.paused.clear()
    book.write(1)
    hub.wake(EXECUTION)
    await asyncio.gather(*(reader.has(1) for reader in readers))
    for number in range(2, 12):
        book.write(number)
        hub.wake(EXECUTION)
        await asyncio.sleep(0)
    assert book.reads == 3
    for reader in readers:
        reader.paused.set()
    await asyncio.gather(*(reader.has(11) for reader in readers))
    assert book.reads == 4, "what has come meanwhile is read at once"
    await finish(hub, book, *readers)


async def test_many_new_events_are_read_by_pages_for_all(hub: Hub, book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follower, "PAGE", 10)
    readers = await waiting(hub, book, 3)
    await finish(hub, book, *readers)
    assert book.reads == 3 + END // 10


@pytest.mark.parametrize("after", [5, 2**40])
async def test_watchers_that_come_back_share_what_follows(hub: Hub, book: Book, after: int) -> None:
    """Nothing was offered yet: what they have themselves says from where to read."""
    book.write(5)
    readers = await waiting(hub, book, WATCHERS, after)
    book.write(8)
    hub.wake(EXECUTION)
    if after == 5:
        await asyncio.gather(*(reader.has(8) for reader in readers))
        await all_wait(*readers)
    assert book.reads <= WATCHERS + 1
    book.write(END)
    hub.wake(EXECUTION)
    await asyncio.gather(*(reader.task for reader in readers))
    assert all(reader.numbers == numbers(END, after) for reader in readers)


async def test_a_watcher_beyond_the_end_does_not_hold_up_another(hub: Hub, book: Book) -> None:
    book.write(5)
    beyond = (await waiting(hub, book, 1, after=2**40))[0]
    reader = (await waiting(hub, book, 1, after=5))[0]
    book.write(7)
    hub.wake(EXECUTION)
    await reader.has(7)
    book.write(END)
    hub.wake(EXECUTION)
    await asyncio.gather(reader.task, beyond.task)
    assert (reader.numbers, beyond.numbers) == (numbers(END, 5), [])


# What happens during a read


async def test_a_watcher_that_joins_during_a_read(hub: Hub, book: Book) -> None:
    readers = await waiting(hub, book, 2)
    gate = book.hold()
    book.write(3)
    hub.wake(EXECUTION)
    await gate.reached()
    book.write(5)
    joined = (await waiting(hub, book, 1))[0]
    assert joined.numbers == numbers(5)
    gate.open()
    await asyncio.gather(*(reader.has(5) for reader in readers))
    await finish(hub, book, *readers, joined)


async def test_a_watcher_whose_own_read_is_older_than_what_is_offered_meanwhile(hub: Hub, book: Book) -> None:
    book.write(2)
    readers = await waiting(hub, book, 2)
    gate = book.hold()
    joined = Reader(hub, book)
    await gate.reached()
    book.write(5)
    hub.wake(EXECUTION)
    await asyncio.gather(*(reader.has(5) for reader in readers))
    gate.open()
    await joined.has(5)
    await finish(hub, book, *readers, joined)


async def test_a_wake_up_during_a_read_causes_another(hub: Hub, book: Book) -> None:
    readers = await waiting(hub, book, 3)
    gate = book.hold()
    hub.wake(EXECUTION)
    await gate.reached()
    book.write(4)
    hub.wake(EXECUTION)
    hub.wake(EXECUTION)
    gate.open()
    await asyncio.gather(*(reader.has(4) for reader in readers))
    await all_wait(*readers)
    assert book.reads == 3 + 2
    await finish(hub, book, *readers)


async def test_events_that_are_published_during_a_read_come_once(hub: Hub, book: Book) -> None:
    """The execution comes to an engine in this process while its history is read."""
    readers = await waiting(hub, book, 2)
    before, during = book.write(2), book.write(4)
    gate = book.hold()
    hub.wake(EXECUTION)
    await gate.reached()
    hub.publish(EXECUTION, during)
    later = book.write(6)
    gate.open()
    hub.publish(EXECUTION, later)
    await asyncio.gather(*(reader.has(6) for reader in readers))
    assert before[-1].sequence == 2
    await finish(hub, book, *readers)


async def test_what_was_read_before_it_is_published_comes_once(hub: Hub, book: Book) -> None:
    """An event is stored a moment before its engine knows that it is."""
    readers = await waiting(hub, book, 2)
    readers[1].paused.clear()
    book.write(1)
    hub.wake(EXECUTION)
    await asyncio.gather(*(reader.has(1) for reader in readers))
    stored = book.write(4)
    hub.wake(EXECUTION)
    await readers[0].has(4)
    reads = book.reads
    hub.publish(EXECUTION, stored[1:])
    hub.publish(EXECUTION, [*stored[2:], *book.write(6)])
    readers[1].paused.set()
    await asyncio.gather(*(reader.has(6) for reader in readers))
    assert book.reads == reads
    await finish(hub, book, *readers)


async def test_who_joins_between_a_read_and_the_publishing_of_the_same_reads_too(hub: Hub, book: Book) -> None:
    """The engine does not know yet that events 4 and 5 are stored, but another watcher has read them."""
    first = (await waiting(hub, book, 1))[0]
    book.write(3)
    hub.wake(EXECUTION)
    await first.has(3)
    stored = book.write(5)
    hub.wake(EXECUTION)
    await first.has(5)
    assert hub.add(EXECUTION, 5).must_read is False
    assert hub.add(EXECUTION, 3).must_read is True
    hub.publish(EXECUTION, stored)
    first.task.cancel()
    await asyncio.gather(first.task, return_exceptions=True)


async def test_a_slow_watcher_that_overflows_reads_by_itself(
    hub: Hub, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held_batches, "HELD_EVENTS", 5)
    quick, slow = await waiting(hub, book, 2)
    slow.paused.clear()
    for number in range(1, 21):
        book.write(number)
        hub.wake(EXECUTION)
        await quick.has(number)
    assert book.reads == 2 + 20
    assert slow.numbers == [1]
    slow.paused.set()
    await slow.has(20)
    await finish(hub, book, quick, slow)


async def test_the_end_of_a_slow_watcher_does_not_end_the_reads(hub: Hub, book: Book) -> None:
    quick, slow = await waiting(hub, book, 2)
    gate = book.hold()
    hub.wake(EXECUTION)
    await gate.reached()
    slow.task.cancel()
    await asyncio.gather(slow.task, return_exceptions=True)
    book.write(3)
    hub.wake(EXECUTION)
    gate.open()
    await quick.has(3)
    await finish(hub, book, quick)


async def test_who_leaves_during_its_own_read_hurts_nobody(hub: Hub, book: Book) -> None:
    book.write(2)
    readers = await waiting(hub, book, 2)
    gate = book.hold()
    leaving = Reader(hub, book)
    await gate.reached()
    book.write(4)
    leaving.task.cancel()
    await asyncio.gather(leaving.task, return_exceptions=True)
    hub.wake(EXECUTION)
    await asyncio.gather(*(reader.has(4) for reader in readers))
    await finish(hub, book, *readers)


async def test_a_read_ends_with_the_last_watcher(hub: Hub, book: Book) -> None:
    readers = await waiting(hub, book, 2)
    gate = book.hold()
    hub.wake(EXECUTION)
    await gate.reached()
    for reader in readers:
        reader.task.cancel()
    await asyncio.gather(*(reader.task for reader in readers), return_exceptions=True)
    assert hub.watchers == 0
    hub.wake(EXECUTION)
    assert book.reads == 3


async def test_closing_during_a_read_ends_all_waits(hub: Hub, book: Book) -> None:
    """They do not wait for an answer of the database, nor ask it again."""
    readers = await waiting(hub, book, WATCHERS)
    reads = book.reads
    gate = book.hold()
    hub.wake(EXECUTION)
    await gate.reached()
    hub.close()
    ends = await asyncio.gather(*(reader.task for reader in readers), return_exceptions=True)
    assert {type(end) for end in ends} == {Unavailable}
    assert book.reads == reads + 1
    assert hub.watchers == 0


async def test_closing_ends_those_who_only_wait_for_a_change(hub: Hub) -> None:
    only_waiting = hub.add(EXECUTION)
    wait = asyncio.create_task(only_waiting.wait())
    await asyncio.sleep(0)
    hub.close()
    await wait
    hub.remove(EXECUTION, only_waiting)


async def test_who_only_waits_is_woken_by_what_is_read_for_others(hub: Hub, book: Book) -> None:
    only_waiting = hub.add(EXECUTION)
    readers = await waiting(hub, book, 2)
    wait = asyncio.create_task(only_waiting.wait())
    await asyncio.sleep(0)
    book.write(1)
    hub.wake(EXECUTION)
    await wait
    hub.remove(EXECUTION, only_waiting)
    await finish(hub, book, *readers)


async def test_who_only_waits_is_woken_while_all_others_are_busy(hub: Hub, book: Book) -> None:
    only_waiting = hub.add(EXECUTION)
    busy = (await waiting(hub, book, 1))[0]
    busy.paused.clear()
    hub.publish(EXECUTION, book.write(1))
    await busy.has(1)
    only_waiting.take(1)
    wait = asyncio.create_task(only_waiting.wait())
    await asyncio.sleep(0)
    hub.wake(EXECUTION)
    await wait
    hub.remove(EXECUTION, only_waiting)
    busy.paused.set()
    await finish(hub, book, busy)


# What a read may find


async def test_a_removed_history_ends_all_watchers(hub: Hub, book: Book) -> None:
    book.write(3)
    readers = await waiting(hub, book, 5)
    book.removed, book.events = True, []
    hub.wake(EXECUTION)
    ends = await asyncio.gather(*(reader.task for reader in readers), return_exceptions=True)
    assert {type(end) for end in ends} == {NotFound}
    assert hub.watchers == 0


async def test_a_database_that_does_not_answer_ends_all_watchers(hub: Hub, book: Book) -> None:
    book.write(3)
    readers = await waiting(hub, book, 5)
    book.failing = True
    hub.wake(EXECUTION)
    ends = await asyncio.gather(*(reader.task for reader in readers), return_exceptions=True)
    assert {type(end) for end in ends} == {StoreUnreachable}
    assert len({id(end) for end in ends}) == 5, "each has an error of its own"


async def test_a_busy_watcher_survives_a_moment_without_database(hub: Hub, book: Book) -> None:
    quick, busy = await waiting(hub, book, 2)
    busy.paused.clear()
    book.write(1)
    hub.wake(EXECUTION)
    await busy.has(1)
    await quick.has(1)
    await all_wait(quick)
    book.failing = True
    hub.wake(EXECUTION)
    await asyncio.gather(quick.task, return_exceptions=True)
    book.failing = False
    busy.paused.set()
    await finish(hub, book, busy)


async def test_executions_do_not_mix(hub: Hub, book: Book) -> None:
    readers = await waiting(hub, book, 2)
    other = uuid4()
    watcher_of_other = hub.add(other)
    hub.wake(other)
    hub.publish(other, Book().write(3))
    await asyncio.sleep(0)
    assert book.reads == 2
    hub.remove(other, watcher_of_other)
    await finish(hub, book, *readers)
