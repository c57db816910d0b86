"""What stores answer about what another tenant has: as about what does not exist. Run on each of them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import pytest

from app.adapters.database.definitions import PostgresDefinitionStore
from app.adapters.database.executions import PostgresDefinitionReader, PostgresExecutionStore
from app.adapters.database.leases import PostgresOwnership
from app.adapters.database.pool import open_pool
from app.adapters.database.recording import PostgresRecording
from app.adapters.database.schedules import PostgresScheduleStore
from app.adapters.database.sessions import create_engine
from app.adapters.database_url import driver_dsn
from app.definitions import edits
from app.definitions.ports import DefinitionStore, WorkflowFilter, refs_of
from app.domain.definitions import TaskDraft, Workflow, WorkflowDraft
from app.domain.errors import Conflict, NotFound
from app.domain.executions import Parent
from app.domain.payloads import Payload
from app.domain.refs import Ref
from app.engine.execution_filter import ExecutionFilter
from app.engine.identifiers import new_execution_id
from app.engine.ports import (
    CANCEL,
    ChildOpening,
    ControlCommand,
    DefinitionReader,
    ExecutionStore,
    FamilyChange,
    Opening,
    Recording,
    Step,
)
from app.engine.running.ports import Ownership
from app.schedules.ports import ScheduleStore
from app.schedules.schedule import Overlap, Schedule, Timing
from tests.support.acts import ANYONE, act_of
from tests.support.histories import CREATED, note, opening_step
from tests.support.memory.database import MemoryDatabase
from tests.support.memory.definitions import MemoryDefinitionStore
from tests.support.memory.executions import MemoryDefinitionReader, MemoryExecutionStore
from tests.support.memory.ownership import MemoryOwnership
from tests.support.memory.recording import MemoryRecording
from tests.support.memory.schedules import MemoryScheduleStore
from tests.support.tenant import needs_default

pytestmark = needs_default("makes its own tenants and keys")

OWN, OTHER = 1, 2


@dataclass(frozen=True, slots=True)
class Stores:
    definitions: DefinitionStore
    reader: DefinitionReader
    executions: ExecutionStore
    schedules: ScheduleStore
    recording: Recording
    ownership: Ownership


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
async def memory() -> Stores:
    database = MemoryDatabase(MemoryDefinitionStore(now), now)
    return Stores(
        database.definitions,
        MemoryDefinitionReader(database),
        MemoryExecutionStore(database),
        MemoryScheduleStore(database),
        MemoryRecording(database),
        MemoryOwnership(database),
    )


@pytest.fixture
async def postgres(database_url: str) -> AsyncIterator[Stores]:
    session = await asyncpg.connect(driver_dsn(database_url))
    await session.execute("INSERT INTO tenants (key, name) VALUES ('other', 'Other')")
    await session.close()
    engine = create_engine(database_url, pool_size=1)
    async with open_pool(database_url, size=6, timeout_seconds=20) as pool:
        yield Stores(
            PostgresDefinitionStore(engine, now),
            PostgresDefinitionReader(pool),
            PostgresExecutionStore(pool),
            PostgresScheduleStore(pool),
            PostgresRecording(pool),
            PostgresOwnership(pool, pool),
        )
    await engine.dispose()


@pytest.fixture(params=["memory", pytest.param("postgres", marks=pytest.mark.server)])
def stores(request: pytest.FixtureRequest) -> Stores:
    return request.getfixturevalue(request.param)


@pytest.fixture
async def workflow(stores: Stores) -> Workflow:
    draft = WorkflowDraft("n", key="k", tasks=(TaskDraft("a"),))
    return (await stores.definitions.create(ANYONE, draft)).workflow


def opening_of(workflow: Workflow, key: str | None = None) -> Opening:
    return Opening(workflow.id, workflow.revision, Payload("{}"), now(), key)


async def enqueued(stores: Stores, workflow: Workflow, tenant_id: int = OWN, key: str | None = None) -> UUID:
    execution_id = new_execution_id()
    assert await stores.executions.enqueue(tenant_id, execution_id, opening_of(workflow, key), (CREATED,))
    return execution_id


def names(workflow: Workflow, tenant_id: int) -> list[Ref]:
    return sorted(refs_of(tenant_id, workflow.id, workflow.key), key=str)


async def test_a_workflow_is_that_of_its_tenant(stores: Stores, workflow: Workflow) -> None:
    for ref in names(workflow, OTHER):
        assert await stores.definitions.document(ref) is None
        assert await stores.definitions.current(ref) is None
        assert await stores.reader.current(ref) is None
        with pytest.raises(NotFound):
            await stores.definitions.change(ANYONE, ref, lambda current: edits.merged(current, {"name": "x"}))
        with pytest.raises(NotFound):
            await stores.definitions.delete(ANYONE, ref)
        with pytest.raises(NotFound):
            await stores.definitions.list_revisions(ref, 0, 10)
        with pytest.raises(NotFound):
            await stores.definitions.revision_document(ref, 1)
    with pytest.raises(NotFound):
        await stores.definitions.workflow_of_task(OTHER, workflow.tasks[0].id)
    assert await stores.reader.revision(OTHER, workflow.id, 1) is None
    assert await stores.reader.revision(OWN, workflow.id, 1) is not None
    assert await stores.definitions.list_documents(OTHER, WorkflowFilter(), 0, 10) == ([], 0)
    assert await stores.definitions.existing(OTHER, names(workflow, OTHER)) == frozenset()
    assert await stores.definitions.existing(OWN, names(workflow, OWN)) == frozenset(names(workflow, OWN))


async def test_revisions_of_a_deleted_workflow_stay_with_its_tenant(stores: Stores, workflow: Workflow) -> None:
    await stores.definitions.delete(ANYONE, Ref(tenant_id=OWN, id=workflow.id))
    assert (await stores.definitions.list_revisions(Ref(tenant_id=OWN, id=workflow.id), 0, 10))[1] == 1
    with pytest.raises(NotFound):
        await stores.definitions.list_revisions(Ref(tenant_id=OTHER, id=workflow.id), 0, 10)
    with pytest.raises(NotFound):
        await stores.definitions.revision_document(Ref(tenant_id=OTHER, id=workflow.id), 1)


async def test_a_key_belongs_to_one_workflow_of_each_tenant(stores: Stores, workflow: Workflow) -> None:
    other = (await stores.definitions.create(act_of(OTHER), WorkflowDraft("n", key="k"))).workflow
    assert other.id != workflow.id
    for tenant_id, own in ((OWN, workflow), (OTHER, other)):
        assert await stores.reader.current(Ref(tenant_id=tenant_id, key="k")) == (own.id, 1)
        with pytest.raises(Conflict):
            await stores.definitions.create(act_of(tenant_id), WorkflowDraft("n", key="k"))


async def test_callers_are_looked_for_in_the_tenant(stores: Stores, workflow: Workflow) -> None:
    calling = WorkflowDraft("c", tasks=(TaskDraft("t", type="workflow", config={"workflow": "k"}),))
    caller = (await stores.definitions.create(ANYONE, calling)).workflow
    await stores.definitions.create(act_of(OTHER), calling)
    found = await stores.definitions.callers(OWN, names(workflow, OWN))
    assert [one.workflow_id for one in found] == [caller.id]


async def test_an_execution_is_that_of_its_workflows_tenant(stores: Stores, workflow: Workflow) -> None:
    execution_id = await enqueued(stores, workflow, key="once")
    own = await stores.executions.get(OWN, execution_id)
    assert own is not None
    assert own.tenant_id == OWN
    assert await stores.executions.get(OTHER, execution_id) is None
    assert await stores.executions.last_event(OTHER, execution_id) is None
    assert not (await stores.executions.read_history(OTHER, execution_id, 0, 10)).exists
    assert (await stores.executions.read_history(OWN, execution_id, 0, 10)).events == [CREATED]
    assert await stores.executions.find_by_idempotency_key(OTHER, workflow.id, "once") is None
    for wanted in (ExecutionFilter(), ExecutionFilter(workflow.id), ExecutionFilter(statuses=[own.status])):
        assert await stores.executions.list_executions(OTHER, wanted, None, 10) == []
        assert [e.id for e in await stores.executions.list_executions(OWN, wanted, None, 10)] == [execution_id]


async def test_nothing_is_started_of_another_tenant(stores: Stores, workflow: Workflow) -> None:
    opening, execution_id = opening_of(workflow), new_execution_id()
    assert not await stores.executions.enqueue(OTHER, execution_id, opening, (CREATED,))
    opening.origin_id = await enqueued(stores, workflow)
    assert not await stores.executions.enqueue(OTHER, execution_id, opening, (CREATED,))
    assert await stores.executions.enqueue(OWN, execution_id, opening, (CREATED,))
    repetition = await stores.executions.get(OWN, execution_id)
    assert repetition is not None
    assert repetition.tenant_id == OWN


async def test_a_command_reaches_only_an_execution_of_the_tenant(stores: Stores, workflow: Workflow) -> None:
    execution_id = await enqueued(stores, workflow)
    await stores.executions.send_command(OTHER, ControlCommand(0, execution_id, CANCEL))
    engine_id = await stores.ownership.register("engine", 60)
    [claim] = await stores.ownership.claim(engine_id, 10)
    assert claim.execution.tenant_id == OWN
    assert await stores.ownership.commands(engine_id) == []
    await stores.executions.send_command(OWN, ControlCommand(0, execution_id, CANCEL))
    assert [c.execution_id for c in await stores.ownership.commands(engine_id)] == [execution_id]


async def test_what_engines_store_has_the_tenant_of_its_workflow(stores: Stores, workflow: Workflow) -> None:
    """Engines supply none: neither for what they start nor for children."""
    other = (
        await stores.definitions.create(act_of(OTHER), WorkflowDraft("n", key="k", tasks=(TaskDraft("a"),)))
    ).workflow
    engine_id = await stores.ownership.register("engine", 60)
    for tenant_id, own in ((OWN, workflow), (OTHER, other)):
        step = opening_step(new_execution_id(), own)
        assert await stores.recording.record(engine_id, [step]) == {step.execution_id}
        child = ChildOpening(
            new_execution_id(), opening_of(own), Parent(step.execution_id, 7, None, step.execution_id, 1)
        )
        last = step.events[-1].sequence
        birth = Step(step.execution_id, (note(last + 1),), family=FamilyChange([child]))
        assert await stores.recording.record(engine_id, [birth]) == {step.execution_id}
        for execution_id in (step.execution_id, child.id):
            stored = await stores.executions.get(tenant_id, execution_id)
            assert stored is not None
            assert stored.tenant_id == tenant_id
        assert await stores.executions.cancel_descendants(3 - tenant_id, step.execution_id, "") == 0
        assert await stores.executions.cancel_descendants(tenant_id, step.execution_id, "") == 1


def schedule_of(workflow: Workflow, tenant_id: int) -> Schedule:
    at = now()
    return Schedule(
        id=0,
        version=0,
        tenant_id=tenant_id,
        workflow_id=workflow.id,
        timing=Timing("0 2 1 1 *"),
        input=Payload("{}"),
        key="s",
        overlap=Overlap.SKIP,
        catch_up_seconds=60,
        paused=False,
        created_at=at,
        updated_at=at,
    )


async def test_a_schedule_is_that_of_its_workflows_tenant(stores: Stores, workflow: Workflow) -> None:
    with pytest.raises(NotFound):
        await stores.schedules.insert(act_of(OTHER), schedule_of(workflow, OTHER))
    own = await stores.schedules.insert(ANYONE, schedule_of(workflow, OWN))
    other_workflow = (await stores.definitions.create(act_of(OTHER), WorkflowDraft("n", key="k"))).workflow
    for ref in (Ref(tenant_id=OTHER, id=own.id), Ref(tenant_id=OTHER, key="s")):
        assert await stores.schedules.get(ref) is None
    other = await stores.schedules.insert(act_of(OTHER), schedule_of(other_workflow, OTHER))
    assert await stores.schedules.get(Ref(tenant_id=OTHER, key="s")) == other
    assert await stores.schedules.list_schedules(OTHER, None, 0, 10) == ([other], 1)
    assert await stores.schedules.list_schedules(OTHER, workflow.id, 0, 10) == ([], 0)
    assert await stores.schedules.workflow_id(Ref(tenant_id=OTHER, id=workflow.id)) is None
    assert not await stores.schedules.delete(act_of(OTHER), own.id)
    assert await stores.schedules.delete(ANYONE, own.id)
