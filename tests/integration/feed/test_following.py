"""Readers of the feed: each sees all events of its tenant once, in order."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

import asyncpg
import pytest

from app.adapters.database_url import driver_dsn
from app.domain.errors import Invalid, PositionExpired, Unavailable
from app.domain.events import EventType
from app.feed.entries import FeedBatch, FeedFilter
from tests.integration.feed.conftest import Feed
from tests.support.tenant import CALLER

pytestmark = pytest.mark.server


def refuse(error: Exception) -> None:
    raise error


async def take(batches: AsyncGenerator[FeedBatch], count: int) -> list[tuple[int, int]]:
    """So many events at least: their positions, and their numbers."""
    found: list[tuple[int, int]] = []
    async with asyncio.timeout(20):
        while len(found) < count:
            batch = await anext(batches)
            found += [(event.position, event.update.event.sequence) for event in batch.events]
    return found


async def test_a_reader_replays_and_then_follows(feed: Feed) -> None:
    feed.follower.start(refuse)
    execution_id = await feed.open(await feed.workflow())
    await feed.store.number()
    async with aclosing(await feed.service.watch(CALLER, 0)) as batches:
        assert await take(batches, 2) == [(1, 1), (2, 2)]
        await feed.grow(execution_id, 3)
        feed.service.wake()
        assert await take(batches, 1) == [(3, 3)]
        await feed.grow(execution_id, 4, 5)
        feed.service.wake()
        assert await take(batches, 2) == [(4, 4), (5, 5)]


async def test_a_reader_from_now_on_gets_nothing_older(feed: Feed) -> None:
    feed.follower.start(refuse)
    execution_id = await feed.open(await feed.workflow())
    async with aclosing(await feed.service.watch(CALLER, None)) as batches:
        await feed.grow(execution_id, 3)
        feed.service.wake()
        assert await take(batches, 1) == [(3, 3)]


async def test_readers_of_one_tenant_share_what_is_read(feed: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    feed.follower.start(refuse)
    execution_id = await feed.open(await feed.workflow())
    await feed.store.number()
    readers = [await feed.service.watch(CALLER, 2) for _ in range(50)]
    tasks = [asyncio.create_task(take(reader, 10)) for reader in readers]
    reads = 0
    read = feed.store.events

    async def counting(*arguments):
        nonlocal reads
        reads += 1
        return await read(*arguments)

    monkeypatch.setattr(feed.store, "events", counting)
    for number in range(3, 13):
        await feed.grow(execution_id, number)
        feed.service.wake()
    expected = [(number, number) for number in range(3, 13)]
    assert all(found == expected for found in await asyncio.gather(*tasks))
    for reader in readers:
        await reader.aclose()
    assert reads <= 10 + len(readers)


async def test_no_reader_sees_events_of_another_tenant(feed: Feed, database_url: str) -> None:
    main = await asyncpg.connect(driver_dsn(database_url))
    other = await main.fetchval("INSERT INTO tenants (key, name) VALUES ('b', 'b') RETURNING id")
    await main.close()
    feed.follower.start(refuse)
    foreign = await feed.workflow("foreign", other)
    own = await feed.workflow()
    await feed.enqueue(foreign, other)
    mine = await feed.enqueue(own)
    page = await feed.service.page(CALLER, None, 10)
    assert [(event.position, event.update.execution_id) for event in page.events] == [(2, mine)]
    assert page.next_position == 2
    page = await feed.service.page(replace(CALLER, tenant_id=other), None, 10)
    assert [event.position for event in page.events] == [1]
    assert page.next_position == 2
    entries = await feed.store.entries(0)
    assert [len(events) for events in await feed.store.events(CALLER.tenant_id, entries)] == [0, 1]


async def test_a_page_has_what_is_wanted_and_says_where_to_read_on(feed: Feed) -> None:
    first, second = await feed.workflow(), await feed.workflow("other")
    await feed.enqueue(first)
    execution_id = await feed.open(second)
    await feed.enqueue(first)
    of_second = FeedFilter(workflow_id=second.id)
    page = await feed.service.page(CALLER, 0, 1, of_second)
    assert [event.position for event in page.events] == [2]
    page = await feed.service.page(CALLER, page.next_position, 10, of_second)
    assert ([event.position for event in page.events], page.next_position) == ([3], 4)
    started = FeedFilter(types=frozenset({EventType.EXECUTION_STARTED}), execution_id=execution_id)
    assert [event.position for event in (await feed.service.page(CALLER, 0, 10, started)).events] == [3]


async def test_a_page_waits_for_events(feed: Feed) -> None:
    feed.follower.start(refuse)
    workflow = await feed.workflow()
    waiting = asyncio.create_task(feed.service.page(CALLER, 0, 10, wait_seconds=20))
    await asyncio.sleep(0)
    await feed.enqueue(workflow)
    while not waiting.done():
        feed.service.wake()
        await asyncio.sleep(0.01)
    assert [event.position for event in (await waiting).events] == [1]


async def test_positions_that_do_not_exist_are_refused(feed: Feed) -> None:
    await feed.enqueue(await feed.workflow())
    await feed.store.number()
    for position in (-1, 2, 2**62):
        with pytest.raises(Invalid, match="from 0 to 1 now"):
            await feed.service.watch(CALLER, position)


async def test_a_position_whose_followers_were_removed_is_expired(feed: Feed) -> None:
    workflow = await feed.workflow()
    for _ in range(3):
        await feed.enqueue(workflow)
    await feed.store.number()
    await feed.engine_pool.execute("DELETE FROM feed WHERE last <= 2")
    with pytest.raises(PositionExpired, match="read on from 2"):
        await feed.reading.read(CALLER.tenant_id, 0)
    await feed.engine_pool.execute("UPDATE feed_head SET removed = 2")
    with pytest.raises(PositionExpired, match="read on from 2") as refused:
        await feed.service.page(CALLER, 1, 10)
    assert (refused.value.code, refused.value.oldest) == ("position_expired", 2)
    assert [event.position for event in (await feed.service.page(CALLER, None, 10)).events] == [3]


async def test_all_readers_end_when_the_process_stops(feed: Feed) -> None:
    feed.follower.start(refuse)
    batches = await feed.service.watch(CALLER, 0)
    waiting = asyncio.create_task(take(batches, 1))
    await asyncio.sleep(0)
    feed.service.close()
    with pytest.raises(Unavailable, match="read on from position 0"):
        await waiting
    with pytest.raises(Unavailable):
        await take(await feed.service.watch(CALLER, 0), 1)
