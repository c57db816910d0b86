"""Positions: of every event that is committed, without a gap, and none before what a reader has seen already."""

from dataclasses import replace

import asyncpg
import pytest

from app.adapters.database import steps_together
from app.adapters.database_url import driver_dsn
from app.domain.executions import Parent
from app.engine.identifiers import new_execution_id
from app.engine.ports import ChildOpening, FamilyChange, Parking, Step
from app.feed.entries import Source
from tests.integration.feed.conftest import NEVER, Feed
from tests.support.histories import note, opening, opening_step
from tests.support.tenant import TENANT_ID

pytestmark = pytest.mark.server


async def test_one_commit_stores_one_row_without_a_position(feed: Feed) -> None:
    workflow = await feed.workflow()
    first, second = await feed.open(workflow), await feed.enqueue(workflow)
    await feed.record(Step(first, [note(3), note(4)]), Step(first, [note(5)]))
    assert await feed.rows() == [(None, 2), (None, 1), (None, 3)]
    assert await feed.store.number() == 6
    assert await feed.rows() == [(2, 2), (3, 1), (6, 3)]
    source = Source(TENANT_ID, workflow.id, workflow.revision)
    found = [(e.position, e.last, e.stream_id, e.first, e.source) for e in await feed.store.entries(0)]
    assert found == [
        (1, 2, first, 1, source),
        (3, 3, second, 1, source),
        (4, 5, first, 3, source),
        (6, 6, first, 5, source),
    ]


async def test_steps_that_are_judged_one_by_one_are_in_the_feed_if_they_are_stored(
    feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    workflow = await feed.workflow()
    mine, foreign = await feed.open(workflow), await feed.enqueue(workflow)
    monkeypatch.setattr(steps_together, "batch_of", lambda steps: None)
    steps = [Step(mine, [note(3)]), Step(foreign, [note(2)]), Step(mine, [note(4), note(5)])]
    assert await feed.record(*steps) == {mine}
    assert await feed.store.number() == 6
    assert [(e.position, e.first, e.events) for e in await feed.store.entries(3)] == [(4, 3, 3)]


async def test_a_step_that_only_parks_is_not_in_the_feed(feed: Feed) -> None:
    workflow = await feed.workflow()
    execution_id = await feed.open(workflow)
    await feed.record(Step(execution_id, (), parking=Parking(NEVER)))
    opened = opening_step(execution_id, workflow)
    assert not await feed.record(replace(opened, parking=Parking(NEVER)))
    assert await feed.rows() == [(None, 2)]


async def test_a_row_that_commits_late_gets_the_next_position(feed: Feed, database_url: str) -> None:
    """The row that was begun first is not visible yet, when a reader numbers the second."""
    workflow = await feed.workflow()
    execution_id = await feed.open(workflow)
    slow = await asyncpg.connect(driver_dsn(database_url))
    transaction = slow.transaction()
    await transaction.start()
    body = execution_id.bytes + (3).to_bytes(4, "big") + (1).to_bytes(4, "big")
    await slow.execute("INSERT INTO feed (events, body) VALUES (1, $1)", body)
    other = await feed.open(workflow)
    assert await feed.store.number() == 4
    assert [e.stream_id for e in await feed.store.entries(0)] == [execution_id, other]
    await transaction.commit()
    await slow.close()
    assert await feed.store.number() == 5
    assert [(e.position, e.stream_id) for e in await feed.store.entries(4)] == [(5, execution_id)]


async def test_only_one_reader_numbers_at_a_time(feed: Feed, database_url: str) -> None:
    await feed.open(await feed.workflow())
    other = await asyncpg.connect(driver_dsn(database_url))
    async with other.transaction():
        await other.execute("SELECT last FROM feed_head FOR UPDATE")
        assert await feed.store.number() is None
        assert await feed.rows() == [(None, 2)]
    await other.close()
    assert await feed.store.number() == 2
    assert await feed.store.number() == 2


@pytest.mark.parametrize("together", [True, False])
async def test_many_steps_in_one_commit_are_several_rows(
    feed: Feed, monkeypatch: pytest.MonkeyPatch, together: bool
) -> None:
    monkeypatch.setattr("app.adapters.database.feed_rows.ENTRIES_OF_ROW", 2)
    if not together:
        monkeypatch.setattr(steps_together, "batch_of", lambda steps: None)
    workflow = await feed.workflow()
    opened = [await feed.open(workflow) for _ in range(3)]
    await feed.record(*(Step(execution_id, [note(3)]) for execution_id in opened))
    assert [events for _, events in await feed.rows()] == [2, 2, 2, 2, 1]
    await feed.store.number()
    assert {e.stream_id for e in await feed.store.entries(6)} == set(opened)


async def test_many_births_in_one_commit_are_several_rows(feed: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.adapters.database.feed_rows.ENTRIES_OF_ROW", 2)
    workflow = await feed.workflow()
    parent = await feed.open(workflow)
    links = [Parent(parent, 7, element, parent, 1) for element in range(3)]
    born = [ChildOpening(new_execution_id(), opening(workflow), link) for link in links]
    assert await feed.record(Step(parent, [note(3)], family=FamilyChange(openings=born))) == {parent}
    assert sorted(events for _, events in await feed.rows()) == [1, 1, 2, 2]
    await feed.store.number()
    assert {e.stream_id for e in await feed.store.entries(2)} == {parent, *(child.id for child in born)}


async def test_an_execution_that_was_removed_leaves_its_positions(feed: Feed) -> None:
    workflow = await feed.workflow()
    gone, kept = await feed.open(workflow), await feed.open(workflow)
    await feed.engine_pool.execute("DELETE FROM execution_events WHERE execution_id = $1", gone)
    await feed.engine_pool.execute("DELETE FROM executions WHERE id = $1", gone)
    await feed.store.number()
    batch = await feed.reading.read(TENANT_ID, 0)
    assert batch is not None
    assert (batch.after, batch.last) == (0, 4)
    assert [(e.position, e.update.execution_id) for e in batch.events] == [(3, kept), (4, kept)]
