"""What the service does with its store and its cache; the rules and edits have tests of their own."""

from datetime import UTC, datetime

import pytest

from app.adapters.cache.in_process import InProcessDefinitionCache
from app.adapters.memory.definitions import MemoryDefinitionStore
from app.definitions.ports import WorkflowFilter
from app.definitions.service import DefinitionService
from app.domain.definitions import TaskDraft, WorkflowDraft
from app.domain.errors import Conflict, Invalid, NotFound, RevisionMismatch


class CountingStore(MemoryDefinitionStore):
    reads = 0

    async def document(self, ref):
        self.reads += 1
        return await super().document(ref)


class RecordingCache(InProcessDefinitionCache):
    def __init__(self) -> None:
        super().__init__(ttl_seconds=60)
        self.invalidated: list[set[str]] = []

    async def invalidate(self, refs):
        self.invalidated.append(set(refs))
        await super().invalidate(refs)


class AnyConfig:
    def config_problems(self, task, path=""):
        return []


@pytest.fixture
def store() -> CountingStore:
    return CountingStore(lambda: datetime.now(UTC))


@pytest.fixture
def cache() -> RecordingCache:
    return RecordingCache()


@pytest.fixture
def service(store, cache) -> DefinitionService:
    return DefinitionService(store, cache, AnyConfig(), max_tasks=10)


async def test_a_document_is_read_from_the_store_once(service, store):
    created = await service.create(WorkflowDraft("n", key="k"))
    for ref in ("k", "k", str(created.id), str(created.id)):
        assert (await service.document(ref)).revision == 1
    assert store.reads == 2


async def test_each_way_to_write_an_id_is_one_entry(service, store):
    created = await service.create(WorkflowDraft("n"))
    await service.document(f"00{created.id}")
    await service.merge(str(created.id), {"name": "m"})
    assert (await service.document(f"00{created.id}")).revision == 2
    await service.document(str(created.id))
    assert store.reads == 2


async def test_what_is_not_there_is_looked_for_every_time(service, store):
    for _ in range(2):
        with pytest.raises(NotFound):
            await service.document("k")
    assert store.reads == 2


async def test_every_change_invalidates_the_id_and_the_keys_before_and_after(service, cache):
    workflow = await service.create(WorkflowDraft("n", key="k"))
    added = await service.add_task("k", TaskDraft("t"))
    await service.merge_task(added.task.id, {"sequence": 1})
    await service.replace_task(added.task.id, TaskDraft("u"))
    await service.delete_task(added.task.id)
    await service.merge("k", {"key": "new"})
    await service.replace("new", WorkflowDraft("n"))
    await service.delete(str(workflow.id))
    ref = str(workflow.id)
    assert cache.invalidated == [*[{ref, "k"}] * 5, {ref, "k", "new"}, {ref, "new"}, {ref}]


async def test_a_refused_change_invalidates_nothing(service, cache):
    await service.create(WorkflowDraft("n", key="k"))
    cache.invalidated.clear()
    for error, change in (
        (Invalid, service.merge("k", {"name": " "})),
        (RevisionMismatch, service.merge("k", {"name": "m"}, expected_revision=7)),
        (Conflict, service.create(WorkflowDraft("n", key="k"))),
        (NotFound, service.delete("other")),
        (NotFound, service.delete_task(99)),
    ):
        with pytest.raises(error):
            await change
    assert cache.invalidated == []


async def test_a_task_change_answers_the_task_and_the_revision_it_made(service):
    workflow = await service.create(WorkflowDraft("n"))
    added = await service.add_task(str(workflow.id), TaskDraft("t", sequence=2))
    assert (added.task.name, added.etag) == ("t", f'"{workflow.id}-2"')
    merged = await service.merge_task(added.task.id, {"sequence": 3})
    assert (merged.task.sequence, merged.etag) == (3, f'"{workflow.id}-3"')
    deleted = await service.delete_task(added.task.id)
    assert (deleted.task, deleted.etag) == (merged.task, f'"{workflow.id}-4"')


async def test_filters_that_could_not_be_stored_are_refused(service):
    with pytest.raises(Invalid) as caught:
        await service.list_documents(WorkflowFilter(name="\x00", key="\x00"), 0, 10)
    assert [problem.path for problem in caught.value.problems] == ["name", "key"]
