"""What is old is removed from the feed, and the check knows what must be in it."""

from datetime import timedelta

import pytest

from app.adapters.database.checking import DatabaseCheck
from app.adapters.database.feed import PostgresFeedRetention
from app.checking.findings import Rule
from app.domain.errors import PositionExpired
from app.feed.retention import FeedRetention
from tests.integration.feed.conftest import Feed
from tests.support.tenant import CALLER

pytestmark = pytest.mark.server
DAY = 24.0


async def age(feed: Feed, rows: int) -> None:
    """The first rows are two days old."""
    ids = "SELECT id FROM feed ORDER BY id LIMIT $1"
    await feed.main.execute(f"UPDATE feed SET at = at - interval '2 days' WHERE id IN ({ids})", rows)


async def told(feed: Feed) -> list[str]:
    check = DatabaseCheck(feed.engine_pool, feed=True, stored_late=timedelta(0))
    return [finding.sentence async for finding in check.findings() if finding.rule is Rule.FEED]


async def test_only_what_is_old_is_removed(feed: Feed) -> None:
    workflow = await feed.workflow()
    for _ in range(5):
        await feed.enqueue(workflow)
    await feed.store.number()
    await age(feed, 3)
    retention = FeedRetention(PostgresFeedRetention(feed.engine_pool, DAY), at_once=2, sleep=feed.at_once)
    assert await retention.sweep() == 3
    assert await retention.sweep() == 0
    assert await feed.rows() == [(4, 1), (5, 1)]
    head = await feed.store.head()
    assert (head.removed, head.last) == (3, 5)
    with pytest.raises(PositionExpired, match="read on from 3"):
        await feed.service.page(CALLER, 2, 10)
    assert await told(feed) == []


async def test_what_nobody_has_read_takes_its_positions_with_it(feed: Feed) -> None:
    workflow = await feed.workflow()
    for _ in range(4):
        await feed.enqueue(workflow)
    await age(feed, 3)
    assert await FeedRetention(PostgresFeedRetention(feed.engine_pool, DAY)).sweep() == 3
    head = await feed.store.head()
    assert (head.removed, head.last) == (3, 3)
    assert [event.position for event in (await feed.service.page(CALLER, None, 10)).events] == [4]
    assert await told(feed) == []


async def test_the_check_finds_an_event_that_is_not_in_the_feed(feed: Feed) -> None:
    execution_id = await feed.enqueue(await feed.workflow())
    insert = (
        "INSERT INTO execution_events (execution_id, sequence, type, occurred_at, status, progress_percent, attempt)"
        " VALUES ($1, 2, 'execution_started', clock_timestamp(), 'running', 0, 0)"
    )
    await feed.engine_pool.execute(insert, execution_id)
    assert await told(feed) == ["the feed ends with 1, the history with 2"]
    await feed.main.execute("DELETE FROM feed")
    assert await told(feed) == ["no event is in the feed, 2 should be"]
