"""Reading samples in pieces: how many executions, events and revisions at most."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

import pytest

from app.domain.definitions import Workflow
from app.domain.events import EventType
from app.domain.states import ExecutionStatus
from app.insights import sampling
from app.insights.folding import StoredEvent, StoredExecution
from app.insights.sampling import Sampler
from tests.support.samples import workflow_of

NOW = datetime(2026, 3, 1, tzinfo=UTC)
WORKFLOW = workflow_of()


@dataclass
class Histories:
    """Histories in memory; `asked` notes for how many executions events were asked at once."""

    rows: list[StoredExecution]
    events_of: dict[int, int] = field(default_factory=dict)
    asked: list[int] = field(default_factory=list)

    async def now(self) -> datetime:
        return NOW

    async def workflows(self, *_: object) -> Sequence[Workflow]:
        return [WORKFLOW]

    async def revisions(self, tenant_id: int, workflow_id: int, numbers: Sequence[int]) -> Sequence[Workflow]:
        return [workflow_of(revision=number) for number in numbers]

    async def executions(
        self, tenant_id: int, workflow_id: int, first: UUID, last: UUID, limit: int
    ) -> Sequence[StoredExecution]:
        return sorted(self.rows, key=lambda row: row.id.int, reverse=True)[:limit]

    async def events(self, tenant_id: int, ids: Sequence[UUID], limit: int) -> Sequence[StoredEvent]:
        self.asked.append(len(ids))
        found = [
            StoredEvent(one, EventType.TASK_STARTED if number % 2 == 0 else EventType.TASK_COMPLETED, number, 7, 1)
            for one in ids
            for number in range(self.events_of.get(one.int, 2))
        ]
        return found[:limit]


def row(number: int, revision: int = 1, finished_at: float | None = 5.0) -> StoredExecution:
    return StoredExecution(UUID(int=number), revision, ExecutionStatus.COMPLETED, 0.0, 1.0, finished_at, None, "")


async def taken(histories: Histories) -> sampling.Taken:
    return await Sampler(histories).newest(1, WORKFLOW, NOW)


async def test_the_newest_thousand_that_have_ended_are_taken() -> None:
    found = await taken(Histories([row(n, finished_at=None if n % 10 == 0 else 5.0) for n in range(1, 1_400)]))
    ids = [one.id.int for one in found.sample.executions]
    assert len(ids) == 1_000
    assert ids == sorted(ids)
    assert ids[-1] == 1_399
    assert {one.id.int % 10 for one in found.sample.open} == {0}


async def test_what_ends_while_it_is_read_has_not_ended_yet() -> None:
    found = await taken(Histories([row(1), row(2, finished_at=NOW.timestamp() + 1)]))
    assert [one.id.int for one in found.sample.executions] == [1]


async def test_all_events_of_an_execution_or_none() -> None:
    histories = Histories([row(n) for n in range(1, 60)], {7: 6_000, 30: 4_000, 31: 4_000})
    found = await taken(histories)
    whole = {one.id.int: len(one.runs[7]) for one in found.sample.executions}
    assert 7 not in whole
    assert len(whole) == 58
    assert whole[30] == whole[31] == 2_000
    assert whole[1] == 1


async def test_pieces_follow_the_size_of_histories() -> None:
    small, large = (
        Histories([row(n) for n in range(1, 400)]),
        Histories([row(n) for n in range(1, 40)], dict.fromkeys(range(1, 40), 400)),
    )
    await taken(small)
    await taken(large)
    assert small.asked[:2] == [5, 50]
    assert set(large.asked[1:]) == {1}


async def test_the_sample_ends_at_many_events(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "MOST_EVENTS", 1_000)
    found = await taken(Histories([row(n) for n in range(1, 100)], dict.fromkeys(range(1, 100), 100)))
    ids = [one.id.int for one in found.sample.executions]
    assert 10 <= len(ids) <= 15
    assert ids[-1] == 99


async def test_the_sample_ends_at_many_revisions() -> None:
    found = await taken(Histories([row(n, revision=n) for n in range(1, 100)]))
    assert len(found.revisions) == sampling.MOST_REVISIONS
    assert [one.revision for one in found.sample.executions] == list(range(51, 100))
