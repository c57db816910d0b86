"""What the engine's database must do, run on each of them: recording, ownership and the store of executions."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any, cast
from uuid import UUID, uuid4

import asyncpg
import pytest

from app.adapters.database import steps_together
from app.adapters.database.definitions import PostgresDefinitionStore
from app.adapters.database.executions import PostgresDefinitionReader, PostgresExecutionStore
from app.adapters.database.leases import PostgresOwnership
from app.adapters.database.pool import Pool, open_pool
from app.adapters.database.recording import PostgresRecording
from app.adapters.database.sessions import create_engine
from app.adapters.database_url import driver_dsn
from app.definitions import edits
from app.definitions.ports import DefinitionStore
from app.domain.definitions import TaskDraft, Workflow, WorkflowDraft
from app.domain.events import Event, EventType
from app.domain.executions import Failure, Parent
from app.domain.states import ExecutionStatus
from app.engine.execution_filter import ExecutionFilter
from app.engine.identifiers import new_execution_id
from app.engine.ports import (
    CANCEL,
    CHILD_ENDED,
    ChildEnd,
    ChildOpening,
    ControlCommand,
    DefinitionReader,
    ExecutionStore,
    FamilyChange,
    FamilyReader,
    OwnedRevision,
    Parking,
    Recording,
    RowChange,
    Step,
    StoreUnreachable,
)
from app.engine.running.ports import ClaimShares, Ownership, TenantShare, WorkflowShare
from tests.support.acts import ANYONE, act_of
from tests.support.histories import (
    BEGUN,
    CREATED,
    FAILURE,
    STARTED,
    at,
    completed,
    end,
    event,
    id_at,
    note,
    opening,
    opening_step,
)
from tests.support.memory.database import MemoryDatabase
from tests.support.memory.definitions import MemoryDefinitionStore
from tests.support.memory.executions import MemoryDefinitionReader, MemoryExecutionStore
from tests.support.memory.ownership import MemoryOwnership
from tests.support.memory.recording import EventExists, MemoryRecording
from tests.support.requests import ref_of
from tests.support.tenant import CALLER, TENANT, TENANT_ID
from tests.support.walls import api_url, engine_url

HOUR = 3600.0


@dataclass
class Stores:
    """`refusal` is what the recording raises when an event is written twice."""

    definitions: DefinitionStore
    reader: DefinitionReader
    recording: Recording
    ownership: Ownership
    executions: ExecutionStore
    refusal: type[Exception]

    async def engine(self, lease_seconds: float = HOUR) -> int:
        return await self.ownership.register("engine", lease_seconds)

    async def open(self, engine_id: int, workflow: Workflow, key: str | None = None) -> UUID:
        """A running execution of this engine, at event 2."""
        execution_id = new_execution_id()
        assert await self.recording.record(engine_id, [opening_step(execution_id, workflow, key)]) == {execution_id}
        return execution_id

    async def enqueue(self, workflow: Workflow, key: str | None = None) -> UUID:
        execution_id = new_execution_id()
        assert await self.executions.enqueue(TENANT_ID, execution_id, opening(workflow, key), (CREATED,))
        return execution_id

    async def bear(self, engine_id: int, parent_id: UUID, workflow: Workflow, element: int | None = None) -> UUID:
        """A child of the execution, which this engine owns; stored with an event of the parent."""
        parent, last = (
            await self.executions.get(TENANT_ID, parent_id),
            await self.executions.last_event(TENANT_ID, parent_id),
        )
        assert parent is not None
        assert last is not None
        child_id = new_execution_id()
        link = Parent(parent_id, 7, element, parent.root_id, parent.depth + 1)
        child = ChildOpening(child_id, replace(opening(workflow), created_data='{"parent_task": "a"}'), link)
        step = Step(parent_id, (note(last.sequence + 1),), family=FamilyChange([child]))
        assert await self.recording.record(engine_id, [step]) == {parent_id}
        return child_id

    async def commands_of(self, execution_id: UUID) -> list[tuple[str, str, str]]:
        """Type, reason and name of each command that waits for it. Makes an engine that has just come its owner."""
        engine_id = await self.engine()
        await self.ownership.claim(engine_id, 100)
        found = await self.ownership.commands(engine_id)
        return [(c.type, c.reason, c.name) for c in found if c.execution_id == execution_id]

    async def all_commands(self) -> dict[UUID, str]:
        """The reasons of all commands, one per execution, as an engine sees them that has just come."""
        engine_id = await self.engine()
        await self.ownership.claim(engine_id, 100)
        found = await self.ownership.commands(engine_id)
        assert len({c.execution_id for c in found}) == len(found)
        return {c.execution_id: c.reason for c in found}

    async def numbers(self, execution_id: UUID) -> list[int]:
        page = await self.executions.read_history(TENANT_ID, execution_id, 0, 1_000)
        return [event.sequence for event in page.events]

    async def due(self, limit: int = 100) -> set[UUID]:
        """What an engine that has just come would claim."""
        return {claim.execution.id for claim in await self.ownership.claim(await self.engine(), limit)}


def utc_now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
async def memory() -> Stores:
    database = MemoryDatabase(MemoryDefinitionStore(utc_now), utc_now)
    return Stores(
        database.definitions,
        MemoryDefinitionReader(database),
        MemoryRecording(database),
        MemoryOwnership(database),
        MemoryExecutionStore(database),
        EventExists,
    )


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    """The connections of engines."""
    async with open_pool(engine_url(database_url), size=6, timeout_seconds=20) as pool:
        yield pool


class ExecutionsOfBoth(PostgresExecutionStore):
    """Only engines count a family."""

    def __init__(self, api: Pool, engine: Pool) -> None:
        super().__init__(api)
        self._of_engines = PostgresExecutionStore(engine)

    async def count_descendants(self, root_id: UUID, limit: int) -> int:
        return await self._of_engines.count_descendants(root_id, limit)


@pytest.fixture
async def postgres(database_url: str, pool: Pool) -> AsyncIterator[Stores]:
    engine = create_engine(api_url(database_url), pool_size=1)
    async with open_pool(api_url(database_url), size=6, timeout_seconds=20) as api:
        yield Stores(
            PostgresDefinitionStore(engine, utc_now),
            PostgresDefinitionReader(api),
            PostgresRecording(pool),
            PostgresOwnership(pool, pool),
            ExecutionsOfBoth(api, pool),
            asyncpg.UniqueViolationError,
        )
    await engine.dispose()


@pytest.fixture
def postgres_apart(postgres: Stores, monkeypatch: pytest.MonkeyPatch) -> Stores:
    """Every batch by the statement that judges its steps one by one."""
    monkeypatch.setattr(steps_together, "batch_of", lambda steps: None)
    return postgres


@pytest.fixture(
    params=[
        "memory",
        pytest.param("postgres", marks=pytest.mark.server),
        pytest.param("postgres_apart", marks=pytest.mark.server),
    ]
)
def stores(request: pytest.FixtureRequest) -> Stores:
    return request.getfixturevalue(request.param)


@pytest.fixture
async def other_tenants(request: pytest.FixtureRequest, stores: Stores) -> list[int]:
    """Two of them."""
    if not isinstance(stores.ownership, PostgresOwnership):
        return [TENANT_ID + 1, TENANT_ID + 2]
    session = await asyncpg.connect(driver_dsn(request.getfixturevalue("database_url")))
    insert = "INSERT INTO tenants (key, name) VALUES ($1, $1) RETURNING id"
    made = [await session.fetchval(insert, key) for key in ("b", "c")]
    await session.close()
    return made


@pytest.fixture
async def other_session(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """For transactions that a test holds open."""
    session = await asyncpg.connect(driver_dsn(database_url))
    yield session
    await session.close()


async def new_workflow(stores: Stores, name: str = "w") -> Workflow:
    return (await stores.definitions.create(ANYONE, WorkflowDraft(name=name, tasks=(TaskDraft("a"),)))).workflow


@pytest.fixture
async def workflow(stores: Stores) -> Workflow:
    return await new_workflow(stores)


@pytest.fixture
async def engine_id(stores: Stores) -> int:
    return await stores.engine()


async def waiting_statements(session: Pool, count: int) -> None:
    """Until so many statements on this database wait for a lock."""
    question = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    while await session.fetchval(question) < count:
        await asyncio.sleep(0.005)


# Openings


async def test_an_opening_makes_the_row_and_the_first_events(
    stores: Stores, workflow: Workflow, engine_id: int
) -> None:
    execution_id = await stores.open(engine_id, workflow, "key")
    row = await stores.executions.get(TENANT_ID, execution_id)
    assert row is not None
    assert (row.workflow_id, row.revision, row.status) == (workflow.id, 1, ExecutionStatus.RUNNING)
    assert (row.input.text, row.created_at, row.started_at, row.finished_at) == ('{"n": 1}', at(0), at(2), None)
    assert (row.output, row.failure, row.idempotency_key) == (None, None, "key")
    page = await stores.executions.read_history(TENANT_ID, execution_id, 0, 10)
    assert list(page.events) == [CREATED, STARTED]


async def test_an_opening_says_who_has_started_it(stores: Stores, workflow: Workflow, engine_id: int) -> None:
    together, apart, queued, unknown = (new_execution_id() for _ in range(4))
    assert await stores.recording.record(engine_id, [opening_step(together, workflow, started_by="key:a")])
    parked = replace(opening_step(apart, workflow, started_by="key:b"), parking=Parking(HOUR))
    assert await stores.recording.record(engine_id, [parked, opening_step(unknown, workflow)]) == {apart, unknown}
    row = opening(workflow, started_by="schedule:7")
    assert await stores.executions.enqueue(TENANT_ID, queued, row, (CREATED,))
    found = [await stores.executions.get(TENANT_ID, one) for one in (together, apart, queued, unknown)]
    assert [one and one.started_by for one in found] == ["key:a", "key:b", "schedule:7", None]
    listed = await stores.executions.list_executions(TENANT_ID, ExecutionFilter(), None, 10)
    assert {one.id: one.started_by for one in listed}[together] == "key:a"
    claims = await stores.ownership.claim(engine_id, 10)
    assert {claim.execution.id: claim.execution.started_by for claim in claims} == {queued: "schedule:7"}


async def test_an_opening_lands_only_at_the_current_revision(
    stores: Stores, workflow: Workflow, engine_id: int
) -> None:
    await stores.definitions.change(
        ANYONE, ref_of(workflow), lambda current: edits.merged(current, {"name": "changed"})
    )
    stale, current = uuid4(), uuid4()
    steps = [opening_step(stale, workflow), opening_step(current, replace(workflow, revision=2))]
    assert await stores.recording.record(engine_id, steps) == {current}
    assert await stores.executions.get(TENANT_ID, stale) is None
    assert await stores.numbers(stale) == []
    assert not await stores.executions.enqueue(TENANT_ID, uuid4(), opening(workflow), (CREATED,))


async def test_an_opening_does_not_land_when_the_workflow_is_gone(
    stores: Stores, workflow: Workflow, engine_id: int
) -> None:
    await stores.definitions.delete(ANYONE, ref_of(workflow))
    execution_id = uuid4()
    assert await stores.recording.record(engine_id, [opening_step(execution_id, workflow)]) == set()
    assert not await stores.executions.enqueue(TENANT_ID, execution_id, opening(workflow), (CREATED,))
    assert await stores.executions.get(TENANT_ID, execution_id) is None


async def test_an_idempotency_key_opens_once_per_workflow(stores: Stores, workflow: Workflow, engine_id: int) -> None:
    first = await stores.open(engine_id, workflow, "key")
    second = uuid4()
    assert await stores.recording.record(engine_id, [opening_step(second, workflow, "key")]) == set()
    assert not await stores.executions.enqueue(TENANT_ID, second, opening(workflow, "key"), (CREATED,))
    assert await stores.executions.get(TENANT_ID, second) is None
    assert await stores.numbers(second) == []
    other = await new_workflow(stores, "other")
    assert await stores.recording.record(engine_id, [opening_step(second, other, "key")]) == {second}
    found = await stores.executions.find_by_idempotency_key(TENANT_ID, workflow.id, "key")
    assert found == await stores.executions.get(TENANT_ID, first)
    assert await stores.executions.find_by_idempotency_key(TENANT_ID, workflow.id, "unknown") is None


async def test_one_key_twice_in_one_batch_opens_once(stores: Stores, workflow: Workflow, engine_id: int) -> None:
    ids = [uuid4() for _ in range(3)]
    steps = [opening_step(execution_id, workflow, "key") for execution_id in ids]
    steps.append(Step(ids[0], [note(3)]))
    steps.append(Step(ids[1], [note(3)]))
    stored = await stores.recording.record(engine_id, steps)
    assert len(stored) == 1
    for execution_id in ids:
        assert bool(await stores.numbers(execution_id)) == (execution_id in stored)


async def test_executions_without_a_key_do_not_disturb_each_other(
    stores: Stores, workflow: Workflow, engine_id: int
) -> None:
    ids = {uuid4() for _ in range(3)}
    steps = [opening_step(execution_id, workflow) for execution_id in ids]
    assert await stores.recording.record(engine_id, steps) == ids


async def test_an_id_that_is_stored_is_not_opened_again(stores: Stores, workflow: Workflow, engine_id: int) -> None:
    execution_id = await stores.open(engine_id, workflow)
    assert not await stores.executions.enqueue(TENANT_ID, execution_id, opening(workflow), (CREATED,))
    assert await stores.numbers(execution_id) == [1, 2]


async def test_opening_and_end_in_one_step(stores: Stores, workflow: Workflow, engine_id: int) -> None:
    execution_id = uuid4()
    step = Step(execution_id, (CREATED, STARTED, completed(3)), opening(workflow), end(3, '{"a":1}', at(2)))
    assert await stores.recording.record(engine_id, [step]) == {execution_id}
    row = await stores.executions.get(TENANT_ID, execution_id)
    assert row is not None
    assert (row.status, row.started_at, row.finished_at) == (ExecutionStatus.COMPLETED, at(2), at(3))
    assert row.output == '{"a":1}'
    await stores.ownership.release(engine_id)
    assert await stores.due() == set()


async def test_opening_and_end_in_one_batch(stores: Stores, workflow: Workflow, engine_id: int) -> None:
    execution_id = uuid4()
    steps = [opening_step(execution_id, workflow), Step(execution_id, [completed(3, "1")], change=end(3, "1"))]
    assert await stores.recording.record(engine_id, steps) == {execution_id}
    row = await stores.executions.get(TENANT_ID, execution_id)
    assert row is not None
    assert (row.status, row.started_at, row.finished_at) == (ExecutionStatus.COMPLETED, at(2), at(3))
    assert await stores.recording.record(engine_id, [Step(execution_id, [note(4)])]) == set()


async def test_two_engines_that_open_the_same_keys_both_get_an_answer(
    postgres: Stores, pool: Pool, other_session: asyncpg.Connection
) -> None:
    """Each has opened a key that the other wants next, while a third holds the key between them."""
    workflow = await new_workflow(postgres)
    engines = [await postgres.engine() for _ in range(3)]
    holding = other_session.transaction()
    await holding.start()
    held = opening_step(uuid4(), workflow, "m")
    assert await PostgresRecording(other_session).record(engines[2], [held]) == {held.execution_id}
    batches = [[opening_step(uuid4(), workflow, key) for key in keys] for keys in ("bma", "amb")]
    calls = [asyncio.create_task(postgres.recording.record(*call)) for call in zip(engines[:2], batches, strict=True)]
    await waiting_statements(pool, 2)
    await holding.rollback()
    stored = await asyncio.gather(*calls)
    assert sorted(map(len, stored)) == [0, 3]


# Steps of running executions


async def test_steps_append_to_the_histories_of_their_executions(
    stores: Stores, workflow: Workflow, engine_id: int
) -> None:
    first, second = await stores.open(engine_id, workflow), await stores.open(engine_id, workflow)
    told = event(
        3, EventType.TASK_COMPLETED, task_id=workflow.tasks[0].id, attempt=7, data='{"ü": "\\\\u0000"}', progress=50
    )
    steps = [Step(first, [told]), Step(second, [note(3)]), Step(first, [note(4), note(5)])]
    assert await stores.recording.record(engine_id, steps) == {first, second}
    page = await stores.executions.read_history(TENANT_ID, first, 2, 10)
    assert list(page.events) == [told, note(4), note(5)]
    assert await stores.numbers(second) == [1, 2, 3]


async def test_changes_of_one_row_in_one_batch_are_merged(stores: Stores, workflow: Workflow, engine_id: int) -> None:
    execution_id = await stores.enqueue(workflow)
    await stores.ownership.claim(engine_id, 1)
    failed = RowChange(ExecutionStatus.FAILED, finished_at=at(3), failure=FAILURE)
    last = event(3, EventType.EXECUTION_FAILED, ExecutionStatus.FAILED, FAILURE)
    steps = [Step(execution_id, [STARTED], change=BEGUN), Step(execution_id, [last], change=failed)]
    assert await stores.recording.record(engine_id, steps) == {execution_id}
    row = await stores.executions.get(TENANT_ID, execution_id)
    assert row is not None
    assert (row.status, row.started_at, row.finished_at) == (ExecutionStatus.FAILED, at(2), at(3))
    assert row.failure == Failure("broken", "it broke")


async def test_the_first_start_stays(stores: Stores, workflow: Workflow, engine_id: int) -> None:
    execution_id = await stores.open(engine_id, workflow)
    again = RowChange(ExecutionStatus.RUNNING, started_at=at(9))
    await stores.recording.record(engine_id, [Step(execution_id, [note(3)], change=again)])
    row = await stores.executions.get(TENANT_ID, execution_id)
    assert row is not None
    assert row.started_at == at(2)


async def test_an_event_is_never_written_twice(stores: Stores, workflow: Workflow, engine_id: int) -> None:
    first, second = await stores.open(engine_id, workflow), await stores.open(engine_id, workflow)
    with pytest.raises(stores.refusal) as caught:
        await stores.recording.record(engine_id, [Step(second, [note(3)]), Step(first, [note(2)])])
    assert not isinstance(caught.value, StoreUnreachable)
    assert await stores.numbers(first) == [1, 2]
    assert await stores.numbers(second) == [1, 2], "a refused batch leaves nothing behind"
    assert await stores.recording.record(engine_id, [Step(second, [note(3)])]) == {second}


async def test_nothing_follows_the_end(stores: Stores, workflow: Workflow, engine_id: int) -> None:
    execution_id = await stores.open(engine_id, workflow)
    await stores.recording.record(engine_id, [Step(execution_id, [completed(3)], change=end(3))])
    assert await stores.recording.record(engine_id, [Step(execution_id, [note(4)])]) == set()
    assert await stores.numbers(execution_id) == [1, 2, 3]


# After a lost acknowledgement


async def test_what_is_stored_is_told(stores: Stores, workflow: Workflow, engine_id: int) -> None:
    stored, missing = await stores.open(engine_id, workflow), await stores.open(engine_id, workflow)
    opened, unopened = opening_step(uuid4(), workflow), opening_step(uuid4(), workflow)
    await stores.recording.record(engine_id, [Step(stored, [note(3), note(4)]), opened])
    asked = [Step(stored, [note(3), note(4)]), Step(missing, [note(3)]), opened, unopened]
    assert await stores.recording.stored(asked) == {stored, opened.execution_id}
    assert await stores.recording.stored([]) == set()


async def test_another_writers_event_is_not_taken_for_ones_own(
    stores: Stores, workflow: Workflow, engine_id: int
) -> None:
    execution_id = await stores.open(engine_id, workflow)
    await stores.recording.record(engine_id, [Step(execution_id, [note(3)])])
    later = note(3)._replace(occurred_at=at(99))
    other = note(3)._replace(type=EventType.EXECUTION_STARTED)
    assert await stores.recording.stored([Step(execution_id, [later])]) == set()
    assert await stores.recording.stored([Step(execution_id, [other])]) == set()


async def test_a_step_without_events_is_never_known_to_be_stored(
    stores: Stores, workflow: Workflow, engine_id: int
) -> None:
    execution_id = await stores.open(engine_id, workflow)
    assert await stores.recording.stored([Step(execution_id, [], done_commands=[1])]) == set()


# Fencing


async def test_an_engine_whose_lease_was_reaped_writes_nothing(stores: Stores, workflow: Workflow) -> None:
    slow = await stores.engine(lease_seconds=-1)
    execution_id = await stores.open(slow, workflow)
    assert await stores.ownership.reap() == 1
    step, new = Step(execution_id, [note(3)], change=end(3)), opening_step(uuid4(), workflow)
    assert await stores.recording.record(slow, [step, new]) == set()
    assert await stores.ownership.claim(slow, 10) == ()
    assert not await stores.ownership.renew(slow, HOUR)
    assert await stores.numbers(execution_id) == [1, 2]
    assert await stores.executions.get(TENANT_ID, new.execution_id) is None
    assert await stores.due() == {execution_id}


async def test_an_engine_writes_only_what_it_owns(stores: Stores, workflow: Workflow, engine_id: int) -> None:
    other = await stores.engine()
    others, unowned = await stores.open(other, workflow), await stores.enqueue(workflow)
    own = await stores.open(engine_id, workflow)
    steps = [Step(others, [note(3)], change=end(3)), Step(unowned, [STARTED]), Step(own, [note(3)])]
    assert await stores.recording.record(engine_id, steps) == {own}
    assert await stores.numbers(others) == [1, 2]
    assert await stores.numbers(unowned) == [1]
    row = await stores.executions.get(TENANT_ID, others)
    assert row is not None
    assert row.status is ExecutionStatus.RUNNING


async def test_a_write_that_meets_a_reaping_waits_and_lands_nothing(
    postgres: Stores, pool: Pool, other_session: asyncpg.Connection
) -> None:
    workflow = await new_workflow(postgres)
    slow = await postgres.engine(lease_seconds=-1)
    execution_id = await postgres.open(slow, workflow)
    async with other_session.transaction():
        await other_session.execute("DELETE FROM engines WHERE id = $1", slow)
        late = asyncio.create_task(postgres.recording.record(slow, [Step(execution_id, [note(3)])]))
        await waiting_statements(pool, 1)
    assert await late == set()
    assert await postgres.numbers(execution_id) == [1, 2]


async def test_a_renewal_that_meets_a_reaping_waits_and_learns_of_it(
    postgres: Stores, pool: Pool, other_session: asyncpg.Connection
) -> None:
    slow = await postgres.engine(lease_seconds=-1)
    async with other_session.transaction():
        await other_session.execute("DELETE FROM engines WHERE id = $1", slow)
        late = asyncio.create_task(postgres.ownership.renew(slow, HOUR))
        await waiting_statements(pool, 1)
    assert not await late


async def test_a_release_waits_for_a_write_and_frees_what_it_opened(
    postgres: Stores, pool: Pool, other_session: asyncpg.Connection
) -> None:
    workflow, engine = await new_workflow(postgres), await postgres.engine()
    execution_id = await postgres.open(engine, workflow)
    new = opening_step(uuid4(), workflow)
    async with other_session.transaction():
        stored = await PostgresRecording(other_session).record(engine, [new, Step(execution_id, [note(3)])])
        release = asyncio.create_task(postgres.ownership.release(engine))
        await waiting_statements(pool, 1)
    await release
    assert stored == {new.execution_id, execution_id}
    assert await postgres.due() == stored


async def test_a_reaping_passes_by_an_engine_that_is_writing(
    postgres: Stores, other_session: asyncpg.Connection
) -> None:
    """It may not wait: the engine that reaps has its own lease to renew."""
    workflow, slow = await new_workflow(postgres), await postgres.engine(lease_seconds=-1)
    execution_id = await postgres.open(slow, workflow)
    async with other_session.transaction():
        await PostgresRecording(other_session).record(slow, [Step(execution_id, [note(3)])])
        assert await postgres.ownership.reap() == 0
        assert await postgres.ownership.renew(slow, -1), "nor does a renewal wait for the writer"
    assert await postgres.ownership.reap() == 1
    assert await postgres.numbers(execution_id) == [1, 2, 3]


# Leases and claims


async def test_a_reaping_removes_ended_leases_only(stores: Stores, workflow: Workflow, engine_id: int) -> None:
    kept, freed = await stores.open(engine_id, workflow), set()
    for _ in range(2):
        freed.add(await stores.open(await stores.engine(lease_seconds=-1), workflow))
    assert await stores.ownership.reap() == 2
    assert await stores.ownership.reap() == 0
    assert await stores.due() == freed
    assert set(await stores.ownership.owned(engine_id)) == {kept}
    assert await stores.ownership.renew(engine_id, HOUR)


async def test_a_renewal_keeps_a_lease_that_has_ended_but_was_not_reaped(stores: Stores) -> None:
    engine_id = await stores.engine(lease_seconds=-1)
    assert await stores.ownership.renew(engine_id, HOUR)
    await stores.ownership.reap()
    assert await stores.ownership.renew(engine_id, HOUR)


async def test_a_release_frees_what_is_not_finished(stores: Stores, workflow: Workflow, engine_id: int) -> None:
    execution_id, finished = await stores.open(engine_id, workflow), await stores.open(engine_id, workflow)
    await stores.recording.record(engine_id, [Step(finished, [completed(3)], change=end(3))])
    await stores.ownership.release(engine_id)
    await stores.ownership.release(engine_id)
    assert await stores.recording.record(engine_id, [Step(execution_id, [note(3)])]) == set()
    assert await stores.due() == {execution_id}


async def test_a_claim_comes_with_row_and_history(stores: Stores, workflow: Workflow, engine_id: int) -> None:
    execution_id = await stores.open(engine_id, workflow, "key")
    waiting = await stores.enqueue(workflow)
    await stores.recording.record(engine_id, [Step(execution_id, [note(3)])])
    await stores.ownership.release(engine_id)
    claims = {claim.execution.id: claim for claim in await stores.ownership.claim(await stores.engine(), 10)}
    assert claims.keys() == {execution_id, waiting}
    assert list(claims[execution_id].events) == [CREATED, STARTED, note(3)]
    assert claims[execution_id].execution == await stores.executions.get(TENANT_ID, execution_id)
    assert list(claims[waiting].events) == [CREATED]


async def test_claims_are_bounded_and_take_the_longest_due_first(
    stores: Stores, workflow: Workflow, engine_id: int
) -> None:
    ids = [await stores.enqueue(workflow) for _ in range(5)]
    claimed = [[c.execution.id for c in await stores.ownership.claim(engine_id, 2)] for _ in range(4)]
    assert [sorted(some) for some in claimed] == [sorted(ids[:2]), sorted(ids[2:4]), ids[4:], []]


async def test_claims_of_many_engines_are_disjoint(stores: Stores, workflow: Workflow) -> None:
    ids = [await stores.enqueue(workflow) for _ in range(40)]
    engines = [await stores.engine() for _ in range(5)]
    claims = await asyncio.gather(*(stores.ownership.claim(engine_id, 8) for engine_id in engines))
    assert [len(some) for some in claims] == [8] * 5
    assert sorted(claim.execution.id for some in claims for claim in some) == sorted(ids)


async def claimed(stores: Stores, limit: int, shares: ClaimShares) -> tuple[set[UUID], set[int]]:
    """The executions, and the workflows that may have more that is due."""
    found = await stores.ownership.claim_divided(await stores.engine(), limit, shares)
    return {claim.execution.id for claim in found.claims}, set(found.waiting)


EACH = TenantShare(0, 100, 100)
NONE_HAS_PLACES = ClaimShares(EACH, {}, {})


async def test_a_divided_claim_gives_to_workflows_in_turn(stores: Stores) -> None:
    first, second, third = [await new_workflow(stores) for _ in range(3)]
    many = [await stores.enqueue(first) for _ in range(10)]
    few = [await stores.enqueue(second) for _ in range(2)]
    one = await stores.enqueue(third)
    assert await claimed(stores, 6, NONE_HAS_PLACES) == ({*many[:3], *few, one}, {first.id})
    assert await claimed(stores, 6, NONE_HAS_PLACES) == ({*many[3:9]}, {first.id})
    assert await claimed(stores, 6, NONE_HAS_PLACES) == ({*many[9:]}, set())
    assert await claimed(stores, 6, NONE_HAS_PLACES) == (set(), set())


async def test_a_divided_claim_counts_the_places_that_workflows_have(stores: Stores) -> None:
    first, second, third = [await new_workflow(stores) for _ in range(3)]
    of_first, of_second, of_third = [
        [await stores.enqueue(workflow) for _ in range(5)] for workflow in (first, second, third)
    ]
    known = {first.id: WorkflowShare(9, 0), second.id: WorkflowShare(1, 4)}
    shares = ClaimShares(TenantShare(0, 100, 2), {}, known)
    both = {second.id, third.id}
    assert await claimed(stores, 1, shares) == ({of_third[0]}, both)
    assert await claimed(stores, 3, shares) == ({of_second[0], *of_third[1:3]}, both)
    assert await claimed(stores, 100, shares) == ({*of_second[1:], *of_third[3:]}, both)
    assert await claimed(stores, 100, ClaimShares(TenantShare(0, 100, 0), {}, {first.id: WorkflowShare(9, 0)})) == (
        set(),
        set(),
    )
    assert await claimed(stores, 100, NONE_HAS_PLACES) == ({*of_first}, set())


async def enqueued(stores: Stores, tenant_id: int, workflows: int, each: int) -> list[UUID]:
    """So many executions of each of so many workflows of the tenant."""
    ids = []
    for _ in range(workflows):
        draft = WorkflowDraft(name="w", tasks=(TaskDraft("a"),))
        workflow = (await stores.definitions.create(act_of(tenant_id), draft)).workflow
        for _ in range(each):
            ids.append(new_execution_id())
            assert await stores.executions.enqueue(tenant_id, ids[-1], opening(workflow), (CREATED,))
    return ids


async def test_a_divided_claim_gives_to_tenants_in_turn(stores: Stores, other_tenants: list[int]) -> None:
    second, third = other_tenants
    many = {*await enqueued(stores, TENANT_ID, workflows=10, each=5)}
    few, one = await enqueued(stores, second, workflows=1, each=3), await enqueued(stores, third, workflows=1, each=1)
    got, _ = await claimed(stores, 5, NONE_HAS_PLACES)
    assert (len(got & many), len(got & {*few}), got & {*one}) == (2, 2, {*one})
    got, _ = await claimed(stores, 6, NONE_HAS_PLACES)
    assert (len(got & many), len(got & {*few})) == (5, 1)


async def test_a_flood_of_one_tenant_is_not_before_the_single_start_of_another(
    stores: Stores, other_tenants: list[int]
) -> None:
    flood = {*await enqueued(stores, TENANT_ID, workflows=20, each=5)}
    [one] = await enqueued(stores, other_tenants[0], workflows=1, each=1)
    got, waiting = await claimed(stores, 2, NONE_HAS_PLACES)
    assert one in got
    assert len(got & flood) == 1
    assert len(waiting) == 20


async def test_a_divided_claim_gives_no_more_to_a_tenant_than_it_is_allowed(
    stores: Stores, other_tenants: list[int]
) -> None:
    second, third = other_tenants
    first = {*await enqueued(stores, TENANT_ID, workflows=3, each=3)}
    limited, refused = [await enqueued(stores, tenant_id, workflows=2, each=2) for tenant_id in other_tenants]
    tenants = {TENANT_ID: TenantShare(5, 100, 100), second: TenantShare(0, 3, 100), third: TenantShare(0, 0, 9)}
    shares = ClaimShares(EACH, tenants, {})
    got, _ = await claimed(stores, 4, shares)
    assert (len(got & {*limited}), len(got & first)) == (3, 1), "the one with fewer places comes first"
    got, _ = await claimed(stores, 100, shares)
    assert (len(got & {*limited}), got & {*refused}, len(got & first)) == (1, set(), 8)
    assert await claimed(stores, 100, NONE_HAS_PLACES) == ({*refused}, set())


async def test_a_divided_claim_says_who_waits_although_it_claims_nothing_of_them(stores: Stores) -> None:
    workflows = [await new_workflow(stores) for _ in range(3)]
    for workflow in workflows:
        await stores.enqueue(workflow)
    got, waiting = await claimed(stores, 1, NONE_HAS_PLACES)
    assert len(got) == 1
    assert {workflow.id for workflow in workflows[1:]} <= waiting


async def test_divided_claims_of_many_engines_are_disjoint_and_leave_nothing(stores: Stores) -> None:
    workflows = [await new_workflow(stores) for _ in range(4)]
    ids = [await stores.enqueue(workflow) for workflow in workflows for _ in range(10)]
    engines, found = [await stores.engine() for _ in range(5)], []
    while any(
        claims := [
            divided.claims
            for divided in await asyncio.gather(
                *(stores.ownership.claim_divided(engine_id, 3, NONE_HAS_PLACES) for engine_id in engines)
            )
        ]
    ):
        found += [claim.execution.id for some in claims for claim in some]
    assert sorted(found) == sorted(ids)


async def test_a_divided_claim_takes_only_what_is_unowned_unfinished_and_due(
    stores: Stores, workflow: Workflow, engine_id: int
) -> None:
    await stores.open(engine_id, workflow)
    finished, later = await stores.open(engine_id, workflow), await stores.open(engine_id, workflow)
    await stores.recording.record(engine_id, [Step(finished, [completed(3)], change=end(3))])
    await stores.ownership.give_back(engine_id, [later], HOUR)
    assert await claimed(stores, 100, NONE_HAS_PLACES) == (set(), set())


async def test_an_engine_without_a_lease_gets_nothing_from_a_divided_claim(stores: Stores, workflow: Workflow) -> None:
    execution_id = await stores.enqueue(workflow)
    engine_id = await stores.engine()
    await stores.ownership.release(engine_id)
    assert not (await stores.ownership.claim_divided(engine_id, 10, NONE_HAS_PLACES)).claims
    assert await stores.due() == {execution_id}


async def test_a_divided_claim_passes_by_rows_that_another_engine_is_taking(
    postgres: Stores, other_session: asyncpg.Connection
) -> None:
    workflow = await new_workflow(postgres)
    ids = [await postgres.enqueue(workflow) for _ in range(4)]
    async with other_session.transaction():
        await other_session.execute("SELECT FROM executions WHERE id = $1 FOR UPDATE", ids[0])
        got, _ = await claimed(postgres, 4, NONE_HAS_PLACES)
        assert got == {*ids[1:]}


async def test_a_claim_passes_by_rows_that_another_engine_is_taking(
    postgres: Stores, other_session: asyncpg.Connection
) -> None:
    workflow = await new_workflow(postgres)
    ids = [await postgres.enqueue(workflow) for _ in range(4)]
    async with other_session.transaction():
        await other_session.execute("SELECT FROM executions WHERE id = ANY ($1) FOR UPDATE", ids[:2])
        assert await postgres.due(limit=2) == set(ids[2:])


async def test_a_claim_takes_only_what_is_unowned_unfinished_and_due(
    stores: Stores, workflow: Workflow, engine_id: int
) -> None:
    await stores.open(engine_id, workflow)
    finished, later = await stores.open(engine_id, workflow), await stores.open(engine_id, workflow)
    await stores.recording.record(engine_id, [Step(finished, [completed(3)], change=end(3))])
    await stores.ownership.give_back(engine_id, [later], HOUR)
    assert await stores.due() == set()


async def test_what_is_given_back_is_due_after_its_time(stores: Stores, workflow: Workflow, engine_id: int) -> None:
    kept, now, later = [await stores.open(engine_id, workflow) for _ in range(3)]
    await stores.ownership.give_back(engine_id, [now], 0)
    await stores.ownership.give_back(engine_id, [later, uuid4()], HOUR)
    assert set(await stores.ownership.owned(engine_id)) == {kept}
    assert await stores.recording.record(engine_id, [Step(later, [note(3)])]) == set()
    assert await stores.due() == {now}


async def test_only_ones_own_unfinished_executions_can_be_given_back(
    stores: Stores, workflow: Workflow, engine_id: int
) -> None:
    other = await stores.engine()
    others, finished = await stores.open(other, workflow), await stores.open(engine_id, workflow)
    await stores.recording.record(engine_id, [Step(finished, [completed(3)], change=end(3))])
    await stores.ownership.give_back(engine_id, [others, finished], 0)
    assert set(await stores.ownership.owned(other)) == {others}
    assert await stores.due() == set()


# Clocks that are wrong for a while


@pytest.mark.parametrize(
    ("seconds", "until", "is_due"),
    [
        (None, None, False),
        (0, None, True),
        (HOUR, None, False),
        (HOUR, HOUR, False),
        (HOUR, -1, True),
        (0, HOUR, True),
    ],
)
async def test_a_parked_execution_is_due_at_the_earlier_of_two_times(
    stores: Stores, workflow: Workflow, engine_id: int, seconds: float | None, until: float | None, is_due: bool
) -> None:
    execution_id = await stores.open(engine_id, workflow)
    parking = Parking(seconds, None if until is None else utc_now() + timedelta(seconds=until))
    assert await stores.recording.record(engine_id, [Step(execution_id, (), parking=parking)]) == {execution_id}
    assert not await stores.ownership.owned(engine_id)
    assert await stores.due() == ({execution_id} if is_due else set())


async def test_a_parking_that_comes_after_further_events_changes_nothing(
    stores: Stores, workflow: Workflow, engine_id: int
) -> None:
    """Its connection was lost. The same engine has claimed the execution again, and continued it."""
    execution_id = await stores.open(engine_id, workflow)
    parked = Step(execution_id, (), parking=Parking(0, after=3))
    await stores.recording.record(engine_id, [parked])
    [claim] = await stores.ownership.claim(engine_id, 10)
    last = claim.events[-1].sequence
    assert last <= 3
    following = [note(number) for number in range(last + 1, 5)]
    await stores.recording.record(engine_id, [Step(execution_id, following)])
    await stores.recording.record(engine_id, [Step(execution_id, (), parking=Parking(None, after=3))])
    assert await stores.ownership.owned(engine_id) == [execution_id]


async def test_a_parking_that_comes_after_a_command_leaves_the_execution_due(
    stores: Stores, workflow: Workflow, engine_id: int
) -> None:
    """The same engine has claimed it again because of the command, which it has not carried out yet."""
    execution_id = await stores.open(engine_id, workflow)
    parked = Step(execution_id, (), parking=Parking(None, after=3))
    await stores.recording.record(engine_id, [parked])
    await stores.executions.send_command(TENANT_ID, cancel(execution_id, ""))
    assert len(await stores.ownership.claim(engine_id, 10)) == 1
    await stores.recording.record(engine_id, [parked])
    assert await stores.due() == {execution_id}


async def test_a_parking_with_the_last_command_done_is_not_due(
    stores: Stores, workflow: Workflow, engine_id: int
) -> None:
    execution_id = await stores.open(engine_id, workflow)
    await stores.executions.send_command(TENANT_ID, cancel(execution_id, ""))
    await stores.recording.record(engine_id, [Step(execution_id, (), parking=Parking(None))])
    [claim] = await stores.ownership.claim(engine_id, 10)
    [command] = await stores.ownership.commands(engine_id)
    last = claim.events[-1].sequence
    done = Step(execution_id, [note(last + 1)], done_commands=[command.id])
    await stores.recording.record(engine_id, [done, Step(execution_id, (), parking=Parking(None))])
    assert await stores.due() == set()


async def test_what_is_due_at_once_is_due_since_its_creation(postgres: Stores, pool: Pool) -> None:
    """So that it is claimed although the clock was ahead when it was enqueued, freed, or sent a command."""
    workflow, engine = await new_workflow(postgres), await postgres.engine()
    freed, commanded = await postgres.open(engine, workflow), await postgres.open(engine, workflow)
    enqueued = await postgres.enqueue(workflow)
    await postgres.recording.record(engine, [Step(commanded, (), parking=Parking(HOUR))])
    await postgres.executions.send_command(TENANT_ID, cancel(commanded, ""))
    await postgres.ownership.release(engine)
    rows = await pool.fetch("SELECT id, due_at = created_at AS is_past FROM executions")
    assert {row["id"] for row in rows if row["is_past"]} == {freed, commanded, enqueued}


# Commands


def cancel(execution_id: UUID, reason: str) -> ControlCommand:
    return ControlCommand(0, execution_id, "cancel", reason)


async def test_commands_stay_until_a_step_that_acts_on_them_is_stored(
    stores: Stores, workflow: Workflow, engine_id: int
) -> None:
    execution_id, quiet = await stores.open(engine_id, workflow), await stores.open(engine_id, workflow)
    await stores.executions.send_command(TENANT_ID, cancel(execution_id, "first"))
    await stores.executions.send_command(TENANT_ID, cancel(execution_id, "second"))
    commands = await stores.ownership.commands(engine_id)
    assert [(c.execution_id, c.type, c.reason) for c in commands] == [
        (execution_id, "cancel", "first"),
        (execution_id, "cancel", "second"),
    ]
    assert await stores.ownership.commands(engine_id) == commands, "reading removes nothing"
    first, second = commands
    foreign = Step(quiet, [note(3)], done_commands=[first.id])
    step = Step(execution_id, [note(3)], done_commands=[first.id])
    await stores.recording.record(engine_id, [foreign])
    await stores.recording.record(await stores.engine(), [step])
    assert await stores.ownership.commands(engine_id) == commands
    assert await stores.recording.record(engine_id, [step]) == {execution_id}
    assert await stores.ownership.commands(engine_id) == [second]
    await stores.recording.record(engine_id, [Step(execution_id, [], done_commands=[second.id])])
    assert await stores.ownership.commands(engine_id) == []


async def test_a_command_says_who_has_requested_it(stores: Stores, workflow: Workflow, engine_id: int) -> None:
    execution_id = await stores.open(engine_id, workflow)
    for act in (act_of(TENANT_ID, "key:Xk3vT9aB"), ANYONE, None):
        await stores.executions.send_command(TENANT_ID, cancel(execution_id, "why"), act)
    found = await stores.ownership.commands(engine_id)
    assert [(c.requested_by, c.reason) for c in found] == [
        ("key:Xk3vT9aB", "why"),
        (CALLER.recorded, "why"),
        (None, "why"),
    ]


async def test_commands_go_to_the_owner(stores: Stores, workflow: Workflow, engine_id: int) -> None:
    other = await stores.engine()
    execution_id = await stores.open(other, workflow)
    await stores.executions.send_command(TENANT_ID, cancel(execution_id, ""))
    assert await stores.ownership.commands(engine_id) == []
    await stores.ownership.release(other)
    assert await stores.ownership.commands(engine_id) == []
    await stores.ownership.claim(engine_id, 10)
    assert [command.execution_id for command in await stores.ownership.commands(engine_id)] == [execution_id]


async def test_a_command_makes_an_unowned_execution_due(stores: Stores, workflow: Workflow, engine_id: int) -> None:
    asked, left = await stores.open(engine_id, workflow), await stores.open(engine_id, workflow)
    await stores.ownership.give_back(engine_id, [asked, left], HOUR)
    await stores.executions.send_command(TENANT_ID, cancel(asked, ""))
    assert await stores.due() == {asked}


async def test_a_command_for_nothing_or_for_what_has_ended_is_not_kept(
    stores: Stores, workflow: Workflow, engine_id: int
) -> None:
    execution_id = await stores.open(engine_id, workflow)
    await stores.recording.record(engine_id, [Step(execution_id, [completed(3)], change=end(3))])
    await stores.executions.send_command(TENANT_ID, cancel(execution_id, ""))
    await stores.executions.send_command(TENANT_ID, cancel(uuid4(), ""))
    assert await stores.ownership.commands(engine_id) == []


async def test_commands_that_came_too_late_are_swept_away(postgres: Stores, pool: Pool) -> None:
    workflow, engine = await new_workflow(postgres), await postgres.engine()
    ended, running = await postgres.open(engine, workflow), await postgres.open(engine, workflow)
    await postgres.executions.send_command(TENANT_ID, cancel(ended, ""))
    await postgres.executions.send_command(TENANT_ID, cancel(running, ""))
    await postgres.recording.record(engine, [Step(ended, [completed(3)], change=end(3))])
    await postgres.ownership.reap()
    assert await pool.fetchval("SELECT array_agg(execution_id) FROM execution_commands") == [running]


# The store of executions


async def test_what_is_enqueued_waits_for_any_engine(stores: Stores, workflow: Workflow) -> None:
    execution_id = await stores.enqueue(workflow, "key")
    row = await stores.executions.get(TENANT_ID, execution_id)
    assert row is not None
    assert (row.status, row.created_at, row.started_at) == (ExecutionStatus.PENDING, at(0), None)
    assert await stores.numbers(execution_id) == [1]
    assert await stores.executions.last_event(TENANT_ID, execution_id) == CREATED
    assert await stores.due() == {execution_id}


async def repeat(
    stores: Stores, workflow: Workflow, origin_id: UUID, key: str | None = None, events: Sequence[Event] = (CREATED,)
) -> UUID | None:
    """Enqueue a repetition; None when it does not land."""
    execution_id = new_execution_id()
    stored = await stores.executions.enqueue(
        TENANT_ID, execution_id, opening(workflow, key, origin_id=origin_id), events
    )
    return execution_id if stored else None


async def test_a_repetition_is_stored_with_all_its_events(stores: Stores, workflow: Workflow) -> None:
    origin_id = await stores.enqueue(workflow)
    text = '{ "ü": 1.0,  "n": 12345678901234567890 }'
    pending = {"status": ExecutionStatus.PENDING}
    events = [
        event(1, EventType.EXECUTION_CREATED, data=f'{{"origin_id":"{origin_id}","from_task":null}}', **pending),
        event(2, EventType.TASK_REUSED, data=text, task_id=7, progress=50, **pending),
        event(3, EventType.TASK_REUSED, task_id=8, progress=75, **pending),
        event(4, EventType.TASK_SKIPPED, data='{"message":"skipped"}', task_id=9, progress=99, **pending),
    ]

    execution_id = await repeat(stores, workflow, origin_id, events=events)

    assert execution_id is not None
    row = await stores.executions.get(TENANT_ID, execution_id)
    assert row is not None
    assert (row.status, row.origin_id, row.input.text) == (ExecutionStatus.PENDING, origin_id, '{"n": 1}')
    assert list((await stores.executions.read_history(TENANT_ID, execution_id, 0, 10)).events) == events
    listed = {
        row.id: row.origin_id for row in await stores.executions.list_executions(TENANT_ID, ExecutionFilter(), None, 10)
    }
    assert listed == {execution_id: origin_id, origin_id: None}
    [claim] = [
        claim for claim in await stores.ownership.claim(await stores.engine(), 10) if claim.execution.id == execution_id
    ]
    assert (claim.execution.origin_id, list(claim.events)) == (origin_id, events)


async def test_a_repetition_lands_whatever_has_become_of_the_workflow(stores: Stores, workflow: Workflow) -> None:
    origin_id = await stores.enqueue(workflow)
    await stores.definitions.change(
        ANYONE, ref_of(workflow), lambda current: edits.merged(current, {"name": "changed"})
    )
    changed = await repeat(stores, workflow, origin_id)
    await stores.definitions.delete(ANYONE, ref_of(workflow))
    deleted = await repeat(stores, workflow, origin_id)
    for execution_id in (changed, deleted):
        assert execution_id is not None
        row = await stores.executions.get(TENANT_ID, execution_id)
        assert row is not None
        assert (row.workflow_id, row.revision) == (workflow.id, workflow.revision)
    assert await repeat(stores, replace(workflow, revision=99), origin_id) is None, "there never was such a revision"


async def test_a_repetition_s_key_opens_once(stores: Stores, workflow: Workflow) -> None:
    origin_id = await stores.enqueue(workflow)
    made = await asyncio.gather(*(repeat(stores, workflow, origin_id, "retry") for _ in range(5)))
    [execution_id] = [repeated for repeated in made if repeated is not None]
    found = await stores.executions.find_by_idempotency_key(TENANT_ID, workflow.id, "retry")
    assert found is not None
    assert (found.id, found.origin_id) == (execution_id, origin_id)


async def test_unknown_executions(stores: Stores) -> None:
    unknown = uuid4()
    assert await stores.executions.get(TENANT_ID, unknown) is None
    assert await stores.executions.last_event(TENANT_ID, unknown) is None
    page = await stores.executions.read_history(TENANT_ID, unknown, 0, 10)
    assert (list(page.events), page.ended) == ([], False)


async def test_histories_are_read_by_pages(stores: Stores, workflow: Workflow, engine_id: int) -> None:
    execution_id = await stores.open(engine_id, workflow)
    await stores.recording.record(engine_id, [Step(execution_id, [note(number) for number in range(3, 8)])])

    async def page(after: int, limit: int) -> tuple[list[int], bool]:
        found = await stores.executions.read_history(TENANT_ID, execution_id, after, limit)
        return [event.sequence for event in found.events], found.ended

    assert await page(0, 3) == ([1, 2, 3], False)
    assert await page(3, 4) == ([4, 5, 6, 7], False)
    assert await page(7, 4) == ([], False)
    await stores.recording.record(engine_id, [Step(execution_id, [completed(8)], change=end(8))])
    assert await page(0, 7) == ([1, 2, 3, 4, 5, 6, 7], False), "the end is not on this page"
    assert await page(0, 8) == ([1, 2, 3, 4, 5, 6, 7, 8], True)
    assert await page(7, 1) == ([8], True)
    assert await page(8, 5) == ([], True)
    assert await page(2**40, 5) == ([], True), "a number that no history reaches"
    last = await stores.executions.last_event(TENANT_ID, execution_id)
    assert last == completed(8)


async def test_listing_with_every_filter_and_cursor(stores: Stores, engine_id: int) -> None:
    workflows = [await new_workflow(stores), await new_workflow(stores, "other")]
    changes = (
        BEGUN,
        end(3, '{"long":"output"}', at(2)),
        RowChange(ExecutionStatus.FAILED, at(2), at(3), failure=FAILURE),
        RowChange(ExecutionStatus.CANCELLED, None, at(3), failure=FAILURE),
    )
    steps = [
        Step(id_at(at(second)), (CREATED,), opening(workflow, created_at=at(second)), change)
        for workflow, change, second in product(workflows, changes, (0, HOUR, 2 * HOUR))
    ]
    await stores.recording.record(engine_id, steps)
    assert await stores.executions.enqueue(TENANT_ID, id_at(at(0)), opening(workflows[0], created_at=at(0)), (CREATED,))
    everything = await stores.executions.list_executions(TENANT_ID, ExecutionFilter(), None, 100)
    ids = [execution.id for execution in everything]
    assert len(ids) == 25
    assert ids == sorted(ids, reverse=True)
    assert all((execution.input.text, execution.output) == ("null", None) for execution in everything)
    assert {execution.failure for execution in everything} == {None, Failure("broken", "it broke")}

    for workflow_id, status, after, until in product(
        (None, workflows[1].id, 10**9),
        (None, *ExecutionStatus),
        (None, at(0), at(HOUR)),
        (None, at(2 * HOUR), at(HOUR)),
    ):
        wanted = [
            execution
            for execution in everything
            if (workflow_id is None or execution.workflow_id == workflow_id)
            and (status is None or execution.status is status)
            and (after is None or execution.created_at > after)
            and (until is None or execution.created_at < until)
        ]
        question = ExecutionFilter(workflow_id, () if status is None else (status,), after, until)
        assert list(await stores.executions.list_executions(TENANT_ID, question, None, 100)) == wanted, question
        if len(wanted) > 2:
            page = await stores.executions.list_executions(TENANT_ID, question, wanted[0].id, 2)
            assert list(page) == wanted[1:3], question
            assert list(await stores.executions.list_executions(TENANT_ID, question, wanted[-1].id, 2)) == []


async def test_the_filters_of_dashboards(stores: Stores, engine_id: int) -> None:
    workflows = [await new_workflow(stores), await new_workflow(stores, "other")]
    changes = (
        BEGUN,
        end(3, "{}", at(2)),
        RowChange(ExecutionStatus.FAILED, at(2), at(3), failure=FAILURE),
        RowChange(ExecutionStatus.CANCELLED, None, at(3), failure='{"code":"cancelled","message":"m"}'),
    )
    steps = [
        Step(id_at(at(second)), (CREATED,), opening(workflow, created_at=at(second)), change)
        for workflow, change, second in product(workflows, changes, (0, HOUR))
    ]
    await stores.recording.record(engine_id, steps)
    everything = await stores.executions.list_executions(TENANT_ID, ExecutionFilter(), None, 100)
    first_id, last_id = everything[10].id, everything[3].id
    for statuses, workflow_ids, code, (first, last) in product(
        ((), (ExecutionStatus.FAILED, ExecutionStatus.RUNNING), (ExecutionStatus.COMPLETED, ExecutionStatus.CANCELLED)),
        (None, [workflows[1].id], [one.id for one in workflows], []),
        (None, "broken", "cancelled"),
        ((None, None), (first_id, last_id)),
    ):
        wanted = [
            execution.id
            for execution in everything
            if (not statuses or execution.status in statuses)
            and (workflow_ids is None or execution.workflow_id in workflow_ids)
            and (code is None or (execution.failure is not None and execution.failure.code == code))
            and (first is None or last is None or first <= execution.id <= last)
        ]
        question = ExecutionFilter(
            statuses=statuses, workflow_ids=workflow_ids, error_code=code, first_id=first, last_id=last
        )
        found = await stores.executions.list_executions(TENANT_ID, question, None, 100)
        assert [execution.id for execution in found] == wanted, question
        before = wanted[0] if wanted else None
        page = await stores.executions.list_executions(TENANT_ID, question, before, 2)
        assert [execution.id for execution in page] == wanted[1:3], question


async def test_what_failed_is_unresolved_unless_a_repetition_of_it_has_completed(
    stores: Stores, workflow: Workflow, engine_id: int
) -> None:
    failed = RowChange(ExecutionStatus.FAILED, at(2), at(3), failure=FAILURE)

    async def ran(change: RowChange, origin_id: UUID | None = None) -> UUID:
        execution_id = await repeat(stores, workflow, origin_id)
        assert execution_id is not None
        assert len(await stores.ownership.claim(engine_id, 1)) == 1
        step = Step(execution_id, (event(2, EventType.EXECUTION_STARTED),), change=change)
        assert await stores.recording.record(engine_id, [step]) == {execution_id}
        return execution_id

    async def unresolved() -> set[UUID]:
        found = await stores.executions.list_executions(TENANT_ID, ExecutionFilter(unresolved=True), None, 100)
        return {execution.id for execution in found}

    first, other = await ran(failed), await ran(failed)
    await ran(end(2, "{}", at(2)))
    assert await unresolved() == {first, other}
    again = await ran(failed, first)
    assert await unresolved() == {first, other, again}
    await ran(end(2, "{}", at(2)), again)
    assert await unresolved() == {other}


async def test_the_children_of_an_execution_are_listed(stores: Stores, engine_id: int) -> None:
    workflows = [await new_workflow(stores), await new_workflow(stores, "other")]
    parent, other = await stores.open(engine_id, workflows[0]), await stores.open(engine_id, workflows[0])
    for of, workflow in product((parent, parent, other), workflows):
        await stores.bear(engine_id, of, workflow)
    ran = {claim.execution.id for claim in await stores.ownership.claim(engine_id, 100)}
    done = await stores.executions.list_executions(TENANT_ID, ExecutionFilter(workflows[1].id), None, 9)
    steps = [Step(row.id, (completed(2),), change=end(2, "{}", at(2))) for row in done]
    assert await stores.recording.record(engine_id, steps) == {row.id for row in done} < ran
    everything = await stores.executions.list_executions(TENANT_ID, ExecutionFilter(), None, 100)
    assert len(everything) == 8
    for status, workflow_id in product((None, *ExecutionStatus), (None, workflows[1].id)):
        question = ExecutionFilter(workflow_id, () if status is None else (status,), parent_id=parent)
        expected = [
            execution
            for execution in everything
            if execution.parent is not None
            and execution.parent.execution_id == parent
            and (status is None or execution.status is status)
            and (workflow_id is None or execution.workflow_id == workflow_id)
        ]
        assert list(await stores.executions.list_executions(TENANT_ID, question, None, 100)) == expected, question
    children = await stores.executions.list_executions(TENANT_ID, ExecutionFilter(parent_id=parent), None, 2)
    assert len(children) == 2
    rest = await stores.executions.list_executions(TENANT_ID, ExecutionFilter(parent_id=parent), children[-1].id, 100)
    assert len(rest) == 2
    times = ExecutionFilter(parent_id=parent, created_after=children[0].created_at + timedelta(days=1))
    assert list(await stores.executions.list_executions(TENANT_ID, times, None, 100)) == []
    assert (
        list(await stores.executions.list_executions(TENANT_ID, ExecutionFilter(parent_id=id_at(at(9))), None, 100))
        == []
    )


async def test_all_that_is_below_a_root_is_listed(stores: Stores, engine_id: int) -> None:
    workflow = await new_workflow(stores)
    root, other = await stores.open(engine_id, workflow), await stores.open(engine_id, workflow)
    child, stranger = await stores.bear(engine_id, root, workflow), await stores.bear(engine_id, other, workflow)
    assert {claim.execution.id for claim in await stores.ownership.claim(engine_id, 100)} == {child, stranger}
    grandchild = await stores.bear(engine_id, child, workflow)

    async def listed(**wanted: Any) -> list[UUID]:
        return [
            row.id for row in await stores.executions.list_executions(TENANT_ID, ExecutionFilter(**wanted), None, 100)
        ]

    # Ids of one millisecond are in any order.
    last, first = sorted((grandchild, child), reverse=True)
    assert await listed(root_id=root) == [last, first]
    assert await listed(root_id=root, parent_id=child) == [grandchild]
    assert await listed(root_id=other) == [stranger]
    assert await listed(root_id=root, parent_id=other) == await listed(root_id=child) == []
    page = await stores.executions.list_executions(TENANT_ID, ExecutionFilter(root_id=root), last, 1)
    assert [row.id for row in page] == [first]


# Families


async def family_of(stores: Stores, engine_id: int, workflow: Workflow, *levels: int) -> list[UUID]:
    """A root and, level by level, one child below the one before; all are of this engine."""
    ids = [await stores.open(engine_id, workflow)]
    for _ in levels:
        ids.append(await stores.bear(engine_id, ids[-1], workflow))
        await stores.ownership.claim(engine_id, 100)
    return ids


async def test_a_child_is_stored_with_the_event_that_names_it(
    stores: Stores, workflow: Workflow, engine_id: int
) -> None:
    root = await stores.open(engine_id, workflow)
    child = await stores.bear(engine_id, root, workflow, element=3)
    assert await stores.numbers(root) == [1, 2, 3]
    [claim] = await stores.ownership.claim(engine_id, 100)
    assert (claim.execution.id, claim.execution.status) == (child, ExecutionStatus.PENDING)
    assert claim.execution.parent == Parent(root, 7, 3, root, 1)
    assert (claim.execution.root_id, claim.execution.depth, claim.execution.idempotency_key) == (root, 1, None)
    [first] = claim.events
    assert (first.type, first.data) == (EventType.EXECUTION_CREATED, '{"parent_task": "a"}')
    grandchild = await stores.bear(engine_id, child, workflow)
    row = await stores.executions.get(TENANT_ID, grandchild)
    assert row is not None
    assert row.parent == Parent(child, 7, None, root, 2)
    families = cast(FamilyReader, stores.executions)
    assert await families.count_descendants(root, 10) == 2
    assert await families.count_descendants(root, 1) == 1
    assert await families.count_descendants(child, 10) == 0


async def test_an_engine_without_a_lease_bears_and_stops_nothing(
    stores: Stores, workflow: Workflow, engine_id: int
) -> None:
    root, child = await family_of(stores, engine_id, workflow, 1)
    await stores.ownership.release(engine_id)
    opened = ChildOpening(new_execution_id(), opening(workflow), Parent(root, 7, None, root, 1))
    changes = [FamilyChange([opened]), FamilyChange(stopped={child: "x"}), FamilyChange(told=root)]
    for change in changes:
        step = Step(child if change.told else root, (note(9),), family=change)
        assert await stores.recording.record(engine_id, [step]) == set()
    assert await stores.executions.get(TENANT_ID, opened.id) is None
    assert await stores.commands_of(child) == await stores.commands_of(root) == []


async def test_the_end_of_a_child_is_told_to_its_parent_wherever_that_is(
    stores: Stores, workflow: Workflow, engine_id: int
) -> None:
    root, child = await family_of(stores, engine_id, workflow, 1)
    parking = Step(root, (), parking=Parking(None, in_family=True))
    await stores.recording.record(engine_id, [parking])
    assert await stores.due() == set()
    step = Step(child, (completed(2, '{"a":1}'),), change=end(2, '{"a":1}', at(2)), family=FamilyChange(told=root))
    assert await stores.recording.record(engine_id, [step]) == {child}
    other = await stores.engine()
    assert [claim.execution.id for claim in await stores.ownership.claim(other, 9)] == [root]
    [command] = await stores.ownership.commands(other)
    assert (command.type, command.name) == (CHILD_ENDED, str(child))
    assert command.child == ChildEnd(child, ExecutionStatus.COMPLETED, '{"a":1}', "")
    done = Step(root, (note(4),), done_commands=[command.id])
    assert await stores.recording.record(other, [done]) == {root}
    assert await stores.ownership.commands(other) == []


async def test_a_parent_that_is_parked_after_its_child_has_ended_is_due(
    stores: Stores, workflow: Workflow, engine_id: int
) -> None:
    root, child = await family_of(stores, engine_id, workflow, 1)
    step = Step(child, (completed(2),), change=end(2, None, at(2)), family=FamilyChange(told=root))
    await stores.recording.record(engine_id, [step])
    assert await stores.due() == set(), "it has an owner, who reads its commands"
    await stores.recording.record(engine_id, [Step(root, (), parking=Parking(HOUR, in_family=True))])
    assert await stores.due() == {root}


async def test_a_parent_may_be_parked_and_told_in_one_batch(stores: Stores, workflow: Workflow, engine_id: int) -> None:
    root, child = await family_of(stores, engine_id, workflow, 1)
    parked = Step(root, (), parking=Parking(None, in_family=True))
    ended = Step(child, (completed(2),), change=end(2, None, at(2)), family=FamilyChange(told=root))
    assert await stores.recording.record(engine_id, [parked, ended]) == {root, child}
    assert await stores.due() == {root}


async def test_a_parent_that_has_ended_is_told_nothing(stores: Stores, workflow: Workflow, engine_id: int) -> None:
    root, child = await family_of(stores, engine_id, workflow, 1)
    await stores.recording.record(engine_id, [Step(root, (completed(4),), change=end(4))])
    step = Step(child, (completed(2),), change=end(2, None, at(2)), family=FamilyChange(told=root))
    assert await stores.recording.record(engine_id, [step]) == {child}
    assert await stores.ownership.reap() == 0
    assert await stores.ownership.commands(engine_id) == []


async def test_a_stop_goes_down_to_all_that_have_not_ended(stores: Stores, workflow: Workflow, engine_id: int) -> None:
    root, child, grandchild, last = await family_of(stores, engine_id, workflow, 1, 2, 3)
    ended = await stores.bear(engine_id, child, workflow)
    # A sister that goes on.
    await stores.bear(engine_id, root, workflow)
    await stores.ownership.claim(engine_id, 100)
    pending = await stores.bear(engine_id, child, workflow)
    await stores.recording.record(engine_id, [Step(grandchild, (), parking=Parking(None, in_family=True))])
    await stores.recording.record(engine_id, [Step(ended, (completed(2),), change=end(2, None, at(2)))])
    step = Step(root, (note(9),), family=FamilyChange(stopped={child: "task 'a' of its parent no longer waits for it"}))
    assert await stores.recording.record(engine_id, [step]) == {root}
    await stores.recording.record(engine_id, [replace(step, events=(note(10),))])
    await stores.ownership.release(engine_id)
    left = await stores.all_commands()
    reasons = dict.fromkeys((grandchild, last, pending), "its parent was asked to stop")
    assert left == {child: "task 'a' of its parent no longer waits for it", **reasons}


async def test_a_child_may_be_born_and_stopped_in_one_batch(stores: Stores, workflow: Workflow, engine_id: int) -> None:
    root = await stores.open(engine_id, workflow)
    child = ChildOpening(new_execution_id(), opening(workflow), Parent(root, 7, None, root, 1))
    steps = [
        Step(root, (note(3),), family=FamilyChange([child])),
        Step(root, (note(4),), family=FamilyChange(stopped={child.id: "too late"})),
    ]
    assert await stores.recording.record(engine_id, steps) == {root}
    assert await stores.commands_of(child.id) == [(CANCEL, "too late", "")]


async def test_a_cancel_of_an_ended_execution_reaches_what_still_runs_below(
    stores: Stores, workflow: Workflow, engine_id: int
) -> None:
    root, child, grandchild = await family_of(stores, engine_id, workflow, 1, 2)
    other = await stores.bear(engine_id, root, workflow)
    await stores.recording.record(engine_id, [Step(child, (completed(4),), change=end(4, None, at(2)))])
    await stores.recording.record(engine_id, [Step(grandchild, (), parking=Parking(None, in_family=True))])
    assert await stores.executions.cancel_descendants(TENANT_ID, root, "enough") == 2
    assert await stores.executions.cancel_descendants(TENANT_ID, root, "again") == 2
    assert await stores.executions.cancel_descendants(TENANT_ID, other, "nothing") == 0
    assert await stores.commands_of(grandchild) == [(CANCEL, "enough", "")]


async def test_the_reader_knows_current_and_past_revisions(stores: Stores) -> None:
    first = (
        await stores.definitions.create(ANYONE, WorkflowDraft(name="w", key="slug", tasks=(TaskDraft("a"),)))
    ).workflow
    second = (
        await stores.definitions.change(ANYONE, ref_of("slug"), lambda current: edits.merged(current, {"name": "x"}))
    ).workflow
    assert await stores.reader.current(ref_of("slug")) == (first.id, 2)
    assert await stores.reader.current(ref_of(first)) == (first.id, 2)
    assert await stores.reader.current(ref_of("unknown")) is None
    assert await stores.reader.revision(TENANT_ID, first.id, 1) == OwnedRevision(TENANT, first)
    assert await stores.reader.revision(TENANT_ID, first.id, 2) == OwnedRevision(TENANT, second)
    assert await stores.reader.revision(TENANT_ID, first.id, 3) is None
    assert await stores.reader.revision(TENANT_ID, 10**9, 1) is None
    await stores.definitions.delete(ANYONE, ref_of("slug"))
    assert await stores.reader.current(ref_of("slug")) is None
    kept = await stores.reader.revision(TENANT_ID, first.id, 1)
    assert kept == OwnedRevision(TENANT, first), "executions go on with it"
