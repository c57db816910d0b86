"""What the service does with its store and its cache; the rules and edits have tests of their own."""

import asyncio
from dataclasses import asdict
from datetime import UTC, datetime

import pytest

from app.adapters.cache.in_process import InProcessDefinitionCache
from app.definitions import edits
from app.definitions.ports import Vacancy, WorkflowFilter
from app.definitions.rules import Rules
from app.definitions.service import DefinitionService
from app.domain.definitions import TaskDraft, WorkflowDraft
from app.domain.errors import Conflict, Invalid, NotFound, RevisionMismatch, Unavailable
from app.domain.refs import Ref
from tests.support.acts import ANYONE
from tests.support.inline_evaluator import inline_evaluations
from tests.support.memory.definitions import MemoryDefinitionStore
from tests.support.requests import ref_of
from tests.support.tenant import CALLER


class CountingStore(MemoryDefinitionStore):
    """Counts the reads of whole documents, and the lookups of writers. Each waits for `gate`."""

    def __init__(self, now) -> None:
        super().__init__(now)
        self.reads = 0
        self.lookups = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def document(self, ref):
        self.reads += 1
        found = await super().document(ref)
        await self.gate.wait()
        return found

    async def current(self, ref):
        self.lookups += 1
        found = await super().current(ref)
        await self.gate.wait()
        return found


class RecordingCache(InProcessDefinitionCache):
    def __init__(self) -> None:
        super().__init__(ttl_seconds=60)
        self.announced: list[set[Ref]] = []
        self.released: list[set[Ref]] = []
        self.invalidated: list[set[Ref]] = []

    async def begin_write(self, refs):
        self.announced.append(set(refs))
        return await super().begin_write(refs)

    async def release(self, intent):
        self.released.append(set(intent.refs))
        await super().release(intent)

    async def invalidate(self, intent, refs):
        self.invalidated.append(set(refs))
        await super().invalidate(intent, refs)


def refs(*names) -> set[Ref]:
    return set(map(ref_of, names))


class AnyConfig:
    def config_problems(self, task, path="", tenant=""):
        return []


@pytest.fixture
def store() -> CountingStore:
    return CountingStore(lambda: datetime.now(UTC))


@pytest.fixture
def cache() -> RecordingCache:
    return RecordingCache()


@pytest.fixture
def service(store, cache) -> DefinitionService:
    return DefinitionService(store, cache, Rules(AnyConfig(), max_tasks=10), inline_evaluations())


async def test_a_document_is_read_from_the_store_once(service, store):
    created = (await service.create(CALLER, WorkflowDraft("n", key="k"))).workflow
    for ref in ("k", "k", created, created):
        assert (await service.document(CALLER, ref_of(ref))).revision == 1
    assert store.reads == 2


async def test_each_way_to_write_an_id_is_one_entry(service, store):
    created = (await service.create(CALLER, WorkflowDraft("n"))).workflow
    await service.document(CALLER, ref_of(f"00{created.id}"))
    await service.document(CALLER, ref_of(created))
    assert store.reads == 1


async def test_what_is_not_there_is_looked_for_once_until_it_is_there(service, store):
    for _ in range(2):
        with pytest.raises(NotFound):
            await service.document(CALLER, ref_of("k"))
    assert store.reads == 1
    await service.create(CALLER, WorkflowDraft("n", key="k"))
    assert (await service.document(CALLER, ref_of("k"))).revision == 1


async def test_any_number_of_readers_share_two_loads_and_none_gets_what_was_read_before_it_came(service, store):
    await service.create(CALLER, WorkflowDraft("n", key="k"))
    store.gate.clear()
    early = [asyncio.create_task(service.document(CALLER, ref_of("k"))) for _ in range(500)]
    while store.reads == 0:
        await asyncio.sleep(0)
    changing = asyncio.create_task(service.merge(CALLER, ref_of("k"), {"name": "m"}))
    while store.lookups == 0:
        await asyncio.sleep(0)
    store.gate.set()
    await changing
    store.gate.clear()
    late = [asyncio.create_task(service.document(CALLER, ref_of("k"))) for _ in range(500)]
    await asyncio.sleep(0)
    store.gate.set()
    assert {(await read).revision for read in early} <= {1, 2}
    assert {(await read).revision for read in late} == {2}
    assert store.reads <= 3


async def test_a_reader_does_not_join_a_load_that_began_before_it_came(service, store, cache):
    await service.create(CALLER, WorkflowDraft("n", key="k"))
    store.gate.clear()
    early = asyncio.create_task(service.document(CALLER, ref_of("k")))
    while store.reads == 0:
        await asyncio.sleep(0)
    intent = await cache.begin_write([ref_of("k")])  # This is what another process does.
    await store.change(ANYONE, ref_of("k"), lambda current: edits.merged(current, {"name": "m"}))
    await cache.invalidate(intent, [ref_of("k")])
    late = asyncio.create_task(service.document(CALLER, ref_of("k")))
    await asyncio.sleep(0)
    store.gate.set()
    assert (await early).revision == 1
    assert (await late).revision == 2


async def test_a_reader_that_goes_away_takes_nobody_with_it(service, store):
    await service.create(CALLER, WorkflowDraft("n", key="k"))
    store.gate.clear()
    first, second = (asyncio.create_task(service.document(CALLER, ref_of("k"))) for _ in range(2))
    while store.reads == 0:
        await asyncio.sleep(0)
    first.cancel()
    store.gate.set()
    assert (await second).revision == 1
    assert store.reads == 1


async def test_reads_are_counted(service, store, cache):
    await service.create(CALLER, WorkflowDraft("n", key="k"))
    for _ in range(3):
        await service.document(CALLER, ref_of("k"))
    intent = await cache.begin_write([ref_of("k")])
    await asyncio.gather(service.document(CALLER, ref_of("k")), service.document(CALLER, ref_of("k")))
    await cache.release(intent)
    assert asdict(service.cache_statistics) == {"hits": 2, "misses": 1, "bypasses": 2, "loads": 2}


async def test_every_change_invalidates_the_id_and_the_keys_before_and_after(service, cache):
    workflow = (await service.create(CALLER, WorkflowDraft("n", key="k"))).workflow
    added = await service.add_task(CALLER, ref_of("k"), TaskDraft("t"))
    await service.merge_task(CALLER, added.task.id, {"sequence": 1})
    await service.replace_task(CALLER, added.task.id, TaskDraft("u"))
    await service.delete_task(CALLER, added.task.id)
    await service.merge(CALLER, ref_of("k"), {"key": "new"})
    await service.replace(CALLER, ref_of("new"), WorkflowDraft("n"))
    await service.delete(CALLER, ref_of(workflow))
    wanted = [*[refs(workflow, "k")] * 5, refs(workflow, "k", "new"), refs(workflow, "new"), refs(workflow)]
    assert cache.invalidated == wanted
    for released in cache.released:
        cache.announced.remove(released)
    # A new workflow's id is not known before the commit.
    assert cache.announced == [refs("k"), *wanted[1:]]


async def test_refs_that_come_to_light_under_the_lock_are_marked_before_the_commit(service, store, cache):
    """Between looking up what to announce and the lock, another process gives the workflow another key."""
    workflow = (await service.create(CALLER, WorkflowDraft("n", key="k"))).workflow
    store.gate.clear()
    changing = asyncio.create_task(service.merge(CALLER, ref_of(workflow), {"name": "m"}))
    while store.lookups == 0:
        await asyncio.sleep(0)
    await store.change(ANYONE, ref_of("k"), lambda current: edits.merged(current, {"key": "new"}))
    store.gate.set()
    await changing
    assert cache.announced[-2:] == [refs(workflow, "k"), refs(workflow, "k", "new")]
    assert cache.released == [refs(workflow, "k")]
    assert cache.invalidated[-1] == refs(workflow, "k", "new")


async def test_a_workflow_that_is_moved_while_it_is_deleted_is_deleted_under_its_new_key(service, store, cache):
    workflow = (await service.create(CALLER, WorkflowDraft("n", key="k"))).workflow
    store.gate.clear()
    deleting = asyncio.create_task(service.delete(CALLER, ref_of(workflow)))
    while store.lookups == 0:
        await asyncio.sleep(0)
    await store.change(ANYONE, ref_of("k"), lambda current: edits.merged(current, {"key": "new"}))
    store.gate.set()
    assert (await deleting).key == "new"
    assert cache.announced[-1] == refs(workflow, "new")


async def test_a_change_of_unknown_outcome_leaves_its_mark(service, store, cache, monkeypatch):
    """The commit may still come through, after the answer was lost on its way."""
    workflow = (await service.create(CALLER, WorkflowDraft("n", key="k"))).workflow

    async def lose_the_answer(*_):
        raise Unavailable("the database does not answer")

    monkeypatch.setattr(store, "change", lose_the_answer)
    with pytest.raises(Unavailable):
        await service.merge(CALLER, ref_of("k"), {"name": "m"})
    assert cache.released == []
    for ref in refs(workflow, "k"):
        assert await cache.reserve(ref) == Vacancy(ref)


async def test_a_refused_change_invalidates_nothing(service, cache):
    await service.create(CALLER, WorkflowDraft("n", key="k"))
    cache.invalidated.clear()
    for error, change in (
        (Invalid, service.merge(CALLER, ref_of("k"), {"name": " "})),
        (RevisionMismatch, service.merge(CALLER, ref_of("k"), {"name": "m"}, expected_revision=7)),
        (Conflict, service.create(CALLER, WorkflowDraft("n", key="k"))),
        (NotFound, service.delete(CALLER, ref_of("other"))),
        (NotFound, service.delete_task(CALLER, 99)),
    ):
        with pytest.raises(error):
            await change
    assert cache.invalidated == []
    assert cache.released == cache.announced[1:]
    assert not isinstance(await service.document(CALLER, ref_of("k")), Vacancy)
    assert service.cache_statistics.bypasses == 0


async def test_a_change_reads_no_whole_document_and_returns_the_stored_one(service, store):
    created = await service.create(CALLER, WorkflowDraft("n", key="k"))
    replaced = await service.replace(CALLER, ref_of("k"), WorkflowDraft("m", key="k"))
    await service.merge(CALLER, ref_of("k"), {"description": "d"}, expected_revision=2)
    assert (store.reads, store.lookups) == (0, 2)
    assert [created.body, replaced.body] == [await service.revision_document(CALLER, ref_of("k"), n) for n in (1, 2)]


async def test_a_change_that_changes_nothing_returns_what_is_stored(service):
    created = await service.create(CALLER, WorkflowDraft("n", key="k"))
    same = await service.replace(CALLER, ref_of("k"), WorkflowDraft("n", key="k"))
    assert (same.body, same.etag) == (created.body, created.etag)


async def test_a_task_change_answers_the_task_and_the_revision_it_made(service):
    workflow = (await service.create(CALLER, WorkflowDraft("n"))).workflow
    added = await service.add_task(CALLER, ref_of(workflow), TaskDraft("t", sequence=2))
    assert (added.task.name, added.etag) == ("t", f'"{workflow.id}-2"')
    merged = await service.merge_task(CALLER, added.task.id, {"sequence": 3})
    assert (merged.task.sequence, merged.etag) == (3, f'"{workflow.id}-3"')
    deleted = await service.delete_task(CALLER, added.task.id)
    assert (deleted.task, deleted.etag) == (merged.task, f'"{workflow.id}-4"')


async def test_filters_that_could_not_be_stored_are_refused(service):
    with pytest.raises(Invalid) as caught:
        await service.list_documents(CALLER, WorkflowFilter(name="\x00", key="\x00"), 0, 10)
    assert [problem.path for problem in caught.value.problems] == ["name", "key"]
