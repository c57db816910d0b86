"""Events of entities in the feed, beside those of executions: in the order of commits, for those who may read them."""

from contextlib import aclosing
from dataclasses import replace
from uuid import UUID

import orjson
import pytest

from app.domain.errors import PermissionDenied
from app.domain.permissions import Scope
from app.feed.documents import feed_event_json
from app.feed.entries import FeedFilter, stream_of
from app.feed.requests import parse_types, readable
from app.machines.entity import EntityEventType
from app.machines.updates import EntityUpdate
from tests.integration.feed.conftest import Feed
from tests.support.checking import findings_in
from tests.support.machines import FRAUD, MachineHouse, machine_house
from tests.support.tenant import CALLER, TENANT_ID

pytestmark = pytest.mark.server

APPROVED = {"transition": "start_processing", "context": {"approval_code": "x"}}


@pytest.fixture
async def house(database_url: str):
    async with machine_house(database_url) as house:
        yield house


async def story(feed: Feed, house: MachineHouse) -> tuple[UUID, UUID]:
    """Five commits, by turns: an entity starts, an execution opens, the entity moves, the execution grows, it ends."""
    workflow, machine = await feed.workflow(), await house.define(FRAUD)
    entity = (await house.start(machine, data={"amount": 1})).entity
    execution_id = await feed.open(workflow)
    await house.move(entity.id, **APPROVED)
    await feed.grow(execution_id, 3, 4)
    await house.move(entity.id, to="completed", notes="done")
    return entity.id, execution_id


async def test_both_kinds_are_in_the_order_of_their_commits(feed: Feed, house: MachineHouse, database_url: str) -> None:
    entity_id, execution_id = await story(feed, house)
    page = await feed.service.page(CALLER, 0, 100)
    assert [(found.position, stream_of(found.update), found.update.event.sequence) for found in page.events] == [
        (1, entity_id, 1),
        (2, execution_id, 1),
        (3, execution_id, 2),
        (4, entity_id, 2),
        (5, execution_id, 3),
        (6, execution_id, 4),
        (7, entity_id, 3),
    ]
    document = orjson.loads(feed_event_json(page.events[3]))
    assert document == {
        "position": 4,
        "entity_id": str(entity_id),
        "machine_id": page.events[0].update.machine_id,
        "sequence": 2,
        "type": "transitioned",
        "occurred_at": document["occurred_at"],
        "transition": "start_processing",
        "from_state": "initial_state",
        "to_state": "processing",
        "actor": CALLER.principal,
        "on_behalf_of": None,
        "notes": None,
        "context": {"approval_code": "x"},
        "data": None,
        "execution_id": None,
        "message": "Transition 'start_processing' from 'initial_state' to 'processing'",
    }
    assert [finding for finding in await findings_in(database_url) if finding.rule == "feed"] == []


async def test_filters_tell_them_apart(feed: Feed, house: MachineHouse) -> None:
    entity_id, execution_id = await story(feed, house)
    first = (await feed.service.page(CALLER, 0, 1)).events[0].update
    assert isinstance(first, EntityUpdate)
    types = parse_types(["transitioned", "execution_created"], "types")
    for wanted, positions in (
        (FeedFilter(entity_id=entity_id), [1, 4, 7]),
        (FeedFilter(machine_id=first.machine_id), [1, 4, 7]),
        (FeedFilter(machine_id=first.machine_id + 1), []),
        (FeedFilter(execution_id=execution_id), [2, 3, 5, 6]),
        (FeedFilter(workflow_id=-1), []),
        (FeedFilter(entities=False), [2, 3, 5, 6]),
        (FeedFilter(types=types), [2, 4, 7]),
        (FeedFilter(types=frozenset({EntityEventType.TRANSITIONED}), entity_id=entity_id), [4, 7]),
        (FeedFilter(execution_id=execution_id, entity_id=entity_id), []),
    ):
        page = await feed.service.page(CALLER, 0, 100, wanted)
        assert ([found.position for found in page.events], page.next_position) == (positions, 7), wanted


async def test_who_may_not_read_machines_does_not_get_them() -> None:
    caller = replace(CALLER, scopes=CALLER.scopes - {Scope.MACHINES_READ})
    assert readable(CALLER, FeedFilter()) == FeedFilter()
    assert readable(caller, FeedFilter(workflow_id=7)) == FeedFilter(workflow_id=7, entities=False)
    for wanted in (FeedFilter(machine_id=1), FeedFilter(entity_id=UUID(int=1))):
        with pytest.raises(PermissionDenied):
            readable(caller, wanted)


async def test_other_tenants_see_holes(feed: Feed, house: MachineHouse) -> None:
    await story(feed, house)
    page = await feed.service.page(replace(CALLER, tenant_id=TENANT_ID + 7), 0, 100)
    assert (page.events, page.next_position) == ([], 7)


async def test_who_follows_gets_entities_when_they_move(feed: Feed, house: MachineHouse) -> None:
    feed.follower.start(lambda error: None)
    machine = await house.define(FRAUD)
    async with aclosing(await feed.service.watch(CALLER, 0)) as batches:
        entity = (await house.start(machine)).entity
        feed.service.wake()
        batch = await anext(batches)
        while not batch.events:
            batch = await anext(batches)
        assert [(found.position, stream_of(found.update)) for found in batch.events] == [(1, entity.id)]
        assert batch.size == len(batch.events[0].update.json)


async def test_the_check_finds_what_is_missing(feed: Feed, house: MachineHouse, database_url: str) -> None:
    entity_id, _ = await story(feed, house)
    body = entity_id.bytes + (9).to_bytes(4, "big") + (1).to_bytes(4, "big")
    await feed.main.execute("INSERT INTO feed (events, body) VALUES (1, $1)", body)
    found = [f.sentence for f in await findings_in(database_url) if f.rule == "feed" and f.execution_id == entity_id]
    assert any("from event 9 on" in sentence for sentence in found)
    assert "the feed ends with 9, the history with 3" in found
