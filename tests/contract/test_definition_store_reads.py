"""What every definition store must answer, run on each of them."""

import orjson
import pytest

from app.definitions import edits
from app.definitions.ports import DefinitionStore, WorkflowFilter
from app.domain.definitions import TaskDraft, WorkflowDraft
from app.domain.errors import NotFound

TASKS = (TaskDraft("a"), TaskDraft("b", sequence=1))


@pytest.fixture
def store(definition_store: DefinitionStore) -> DefinitionStore:
    return definition_store


def renamed(name: str):
    return lambda current: edits.merged(current, {"name": name})


async def test_deleting_keeps_the_revisions_by_id(store):
    created = await store.create(WorkflowDraft("n", key="k", tasks=TASKS))
    await store.change("k", renamed("m"))
    deleted = await store.delete("k")
    assert (deleted.id, deleted.name, deleted.revision) == (created.id, "m", 2)
    assert await store.document("k") is None
    assert await store.document(str(created.id)) is None
    with pytest.raises(NotFound):
        await store.workflow_of_task(created.tasks[0].id)
    summaries, total = await store.list_revisions(str(created.id), 0, 10)
    assert [(s.revision, s.name, s.task_count) for s in summaries] == [(2, "m", 2), (1, "n", 2)]
    assert total == 2
    assert orjson.loads(await store.revision_document(str(created.id), 2))["name"] == "m"
    with pytest.raises(NotFound):
        await store.list_revisions("k", 0, 10)


async def test_ids_are_never_used_again(store):
    created = await store.create(WorkflowDraft("n"))
    await store.delete(str(created.id))
    assert (await store.create(WorkflowDraft("n"))).id > created.id


async def test_revisions_come_newest_first_by_page(store):
    created = await store.create(WorkflowDraft("n0"))
    for n in range(1, 5):
        await store.change(str(created.id), renamed(f"n{n}"))
    summaries, total = await store.list_revisions(str(created.id), 1, 2)
    assert ([s.revision for s in summaries], total) == ([4, 3], 5)
    assert summaries[0].created_at > summaries[1].created_at


async def test_lists_are_filtered_paged_and_ordered_by_id(store):
    names = ["Alpha", "beta", "ALPHABET", "100%", "under_score", "underxscore", "back\\slash"]
    for n, name in enumerate(names):
        await store.create(WorkflowDraft(name, key=f"key-{n}"))

    async def found(skip=0, limit=10, **wanted):
        bodies, total = await store.list_documents(WorkflowFilter(**wanted), skip, limit)
        return [orjson.loads(body)["name"] for body in bodies], total

    assert await found() == (names, 7)
    assert await found(skip=1, limit=2) == (["beta", "ALPHABET"], 7)
    assert await found(skip=99) == ([], 7)
    assert await found(name="alpha") == (["Alpha", "ALPHABET"], 2)
    assert await found(name="0%") == (["100%"], 1)
    assert await found(name="r_s") == (["under_score"], 1)
    assert await found(name="k\\s") == (["back\\slash"], 1)
    assert await found(key="key-1") == (["beta"], 1)
    assert await found(key="key-1", name="alpha") == ([], 0)


async def test_the_workflow_of_a_task_is_found(store):
    created = await store.create(WorkflowDraft("n", tasks=TASKS))
    assert await store.workflow_of_task(created.tasks[0].id) == created.id


@pytest.mark.parametrize("ref", ["999", "no-such-key", "9223372036854775808", "9" * 5000, "-1", "", "a\x00b", "Ü"])
async def test_unknown_refs_are_not_found(store, ref):
    async def document():
        if await store.document(ref) is None:
            raise NotFound("workflow", ref)

    for call in (
        document(),
        store.change(ref, renamed("x")),
        store.delete(ref),
        store.list_revisions(ref, 0, 10),
        store.revision_document(ref, 1),
    ):
        with pytest.raises(NotFound):
            await call


@pytest.mark.parametrize("number", [0, -1, 999, 2**31, 2**63, 2**70])
async def test_unknown_numbers_are_not_found(store, number):
    created = await store.create(WorkflowDraft("n"))
    with pytest.raises(NotFound):
        await store.workflow_of_task(number)
    with pytest.raises(NotFound) as caught:
        await store.revision_document(str(created.id), number)
    assert caught.value.kind == "revision"
