"""Origins of executions: known from the events that were published before, read only where these are missing."""

from collections.abc import Sequence
from uuid import UUID, uuid4

import pytest

from app.domain.events import Event, EventType
from app.engine.watching.updates import Update
from app.feed.entries import Entry, FeedEvent, Source
from app.feed.ports import FeedHead
from app.kafka import origins as module
from app.kafka.origins import Origins
from app.kafka.outgoing import Origin, OutgoingEvent
from tests.support.histories import completed, event, note

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
CREATED = event(1, EventType.EXECUTION_CREATED, data=f'{{"via":"kafka","traceparent":"{TRACE}"}}')
FOUND = Origin("kafka", traceparent=TRACE)
ID = uuid4()


class Store:
    """Has the first event of every execution; notes which were read."""

    def __init__(self) -> None:
        self.read: list[UUID] = []

    async def events(self, tenant_id: int, entries: Sequence[Entry]) -> Sequence[Sequence[Event]]:
        self.read += [entry.stream_id for entry in entries]
        return [[CREATED] for _ in entries]

    async def number(self) -> int | None:
        raise NotImplementedError

    async def head(self) -> FeedHead:
        raise NotImplementedError

    async def entries(self, after: int) -> Sequence[Entry]:
        raise NotImplementedError


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def origins(store: Store) -> Origins:
    return Origins(store)


async def of(origins: Origins, *found: Event, execution_id: UUID = ID, removed: bool = False) -> Origin | None:
    events = [OutgoingEvent(FeedEvent(n, Update(execution_id, 1, one, None)), "default") for n, one in enumerate(found)]
    entry = Entry(1, execution_id, found[0].sequence, len(found), None if removed else Source(1, 1, 1))
    return (await origins.of(events, [entry])).get(execution_id)


async def test_the_first_event_says_it_for_all_that_follow(origins: Origins, store: Store) -> None:
    assert [await of(origins, one) for one in (CREATED, note(2), completed(3))] == [FOUND] * 3
    assert store.read == []


async def test_it_is_read_once_after_a_restart(origins: Origins, store: Store) -> None:
    assert [await of(origins, note(number)) for number in (2, 3, 4)] == [FOUND] * 3
    assert store.read == [ID]


async def test_what_has_ended_is_not_kept(origins: Origins, store: Store) -> None:
    await of(origins, CREATED, completed(2))
    assert await of(origins, completed(2)) == FOUND, "the batch may have to be published again"
    assert store.read == [ID]


async def test_a_bounded_number_is_kept(origins: Origins, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_KEPT", 2)
    first, second, third = (uuid4() for _ in range(3))
    for execution_id in (first, second, third):
        await of(origins, CREATED, execution_id=execution_id)
    for execution_id in (third, second, first):
        assert await of(origins, note(2), execution_id=execution_id) == FOUND
    assert store.read == [first]


async def test_a_removed_execution_has_none(origins: Origins, store: Store) -> None:
    assert await of(origins, note(2), removed=True) is None
    assert store.read == []
