"""What every definition store must answer, run on each of them."""

import orjson
import pytest

from app.definitions import edits
from app.definitions.ports import CurrentRevision, DefinitionStore, WorkflowFilter
from app.domain.definitions import TaskDraft, WorkflowDraft
from app.domain.errors import NotFound
from app.domain.refs import MAX_ID, Ref
from tests.support.acts import ANYONE, act_of
from tests.support.requests import ref_of
from tests.support.tenant import CALLER, TENANT_ID

TASKS = (TaskDraft("a"), TaskDraft("b", sequence=1))


@pytest.fixture
def store(definition_store: DefinitionStore) -> DefinitionStore:
    return definition_store


def renamed(name: str):
    return lambda current: edits.merged(current, {"name": name})


async def test_deleting_keeps_the_revisions_by_id(store):
    created = (await store.create(ANYONE, WorkflowDraft("n", key="k", tasks=TASKS))).workflow
    await store.change(ANYONE, ref_of("k"), renamed("m"))
    deleted = await store.delete(ANYONE, ref_of("k"))
    assert (deleted.id, deleted.name, deleted.revision) == (created.id, "m", 2)
    assert await store.document(ref_of("k")) is None
    assert await store.document(ref_of(created)) is None
    with pytest.raises(NotFound):
        await store.workflow_of_task(TENANT_ID, created.tasks[0].id)
    summaries, total = await store.list_revisions(ref_of(created), 0, 10)
    assert [(s.revision, s.name, s.task_count) for s in summaries] == [(2, "m", 2), (1, "n", 2)]
    assert total == 2
    assert orjson.loads(await store.revision_document(ref_of(created), 2))["name"] == "m"
    with pytest.raises(NotFound):
        await store.list_revisions(ref_of("k"), 0, 10)


async def test_ids_are_never_used_again(store):
    created = (await store.create(ANYONE, WorkflowDraft("n"))).workflow
    await store.delete(ANYONE, ref_of(created))
    assert (await store.create(ANYONE, WorkflowDraft("n"))).workflow.id > created.id


async def test_revisions_come_newest_first_by_page(store):
    created = (await store.create(ANYONE, WorkflowDraft("n0"))).workflow
    for n in range(1, 5):
        await store.change(ANYONE, ref_of(created), renamed(f"n{n}"))
    await store.change(act_of(TENANT_ID, "key:Xk3vT9aB"), ref_of(created), renamed("last"))
    (newest, before), _ = await store.list_revisions(ref_of(created), 0, 2)
    assert (newest.requested_by, before.requested_by) == ("key:Xk3vT9aB", CALLER.recorded)
    summaries, total = await store.list_revisions(ref_of(created), 2, 2)
    assert ([s.revision for s in summaries], total) == ([4, 3], 6)
    assert summaries[0].created_at > summaries[1].created_at


async def test_lists_are_filtered_paged_and_ordered_by_id(store):
    names = ["Alpha", "beta", "ALPHABET", "100%", "under_score", "underxscore", "back\\slash"]
    for n, name in enumerate(names):
        await store.create(ANYONE, WorkflowDraft(name, key=f"key-{n}"))

    async def found(skip=0, limit=10, **wanted):
        bodies, total = await store.list_documents(TENANT_ID, WorkflowFilter(**wanted), skip, limit)
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


async def test_the_current_revision_is_known_by_id_and_key(store):
    created = (await store.create(ANYONE, WorkflowDraft("n", key="k", tasks=TASKS))).workflow
    await store.change(ANYONE, ref_of("k"), renamed("m"))
    for name in (created, "k"):
        assert await store.current(ref_of(name)) == CurrentRevision(created.id, "k", 2)


async def test_the_workflow_of_a_task_is_found(store):
    created = (await store.create(ANYONE, WorkflowDraft("n", tasks=TASKS))).workflow
    assert await store.workflow_of_task(TENANT_ID, created.tasks[0].id) == created.id


@pytest.mark.parametrize(
    "ref",
    [
        Ref(tenant_id=TENANT_ID, id=999),
        Ref(tenant_id=TENANT_ID, id=0),
        Ref(tenant_id=TENANT_ID, id=MAX_ID),
        Ref(tenant_id=TENANT_ID, key="no-such-key"),
    ],
    ids=str,
)
async def test_unknown_refs_are_not_found(store, ref):
    assert await store.current(ref) is None

    async def document():
        if await store.document(ref) is None:
            raise NotFound("workflow", ref)

    for call in (
        document(),
        store.change(ANYONE, ref, renamed("x")),
        store.delete(ANYONE, ref),
        store.list_revisions(ref, 0, 10),
        store.revision_document(ref, 1),
    ):
        with pytest.raises(NotFound):
            await call


@pytest.mark.parametrize("number", [0, -1, 999, 2**31, 2**63, 2**70])
async def test_unknown_numbers_are_not_found(store, number):
    created = (await store.create(ANYONE, WorkflowDraft("n"))).workflow
    with pytest.raises(NotFound):
        await store.workflow_of_task(TENANT_ID, number)
    with pytest.raises(NotFound) as caught:
        await store.revision_document(ref_of(created), number)
    assert caught.value.kind == "revision"


def calling(workflow: object, name: str = "call") -> TaskDraft:
    return TaskDraft(name, type="workflow", config={"workflow": workflow})


async def test_refs_that_workflows_have_exist_and_no_others(store):
    one = (await store.create(ANYONE, WorkflowDraft("n", key="one"))).workflow
    two = (await store.create(ANYONE, WorkflowDraft("n"))).workflow
    gone = (await store.create(ANYONE, WorkflowDraft("n", key="gone"))).workflow
    await store.delete(ANYONE, ref_of(gone))
    there = {ref_of("one"), Ref(tenant_id=TENANT_ID, id=one.id), Ref(tenant_id=TENANT_ID, id=two.id)}
    assert (
        await store.existing(TENANT_ID, there | {ref_of("gone"), Ref(tenant_id=TENANT_ID, id=gone.id), ref_of("never")})
        == there
    )
    assert await store.existing(TENANT_ID, []) == frozenset()


async def test_callers_are_the_workflows_whose_tasks_name_a_workflow_now(store):
    called = (await store.create(ANYONE, WorkflowDraft("n", key="called"))).workflow
    twice = (TaskDraft("first"), calling("called"), calling("called", "again"))
    drafts = [
        WorkflowDraft("by key", key="by-key", tasks=twice),
        WorkflowDraft("by id", tasks=(calling(str(called.id)),)),
        WorkflowDraft("by id with zeros", tasks=(calling(f"00{called.id}"),)),
        WorkflowDraft("by another key", tasks=(calling("other"),)),
        WorkflowDraft("by an expression", tasks=(calling("${input.called}"),)),
        WorkflowDraft("by no call", tasks=(TaskDraft("log", type="log", config={"workflow": "called"}),)),
        WorkflowDraft("no longer", key="former", tasks=(calling("called"),)),
    ]
    stored = [(await store.create(ANYONE, draft)).workflow for draft in drafts]
    await store.change(ANYONE, ref_of("former"), lambda current: edits.merged(current, {"tasks": ()}))
    callers = await store.callers(TENANT_ID, {ref_of("called"), Ref(tenant_id=TENANT_ID, id=called.id)})
    assert [caller.workflow_id for caller in callers] == [workflow.id for workflow in stored[:3]]
    assert (callers[0].key, callers[1].key, callers[0].revision) == ("by-key", None, 1)
    assert [caller.key for caller in await store.callers(TENANT_ID, [ref_of("called")])] == ["by-key"]
    assert list(await store.callers(TENANT_ID, [ref_of("by-key")])) == []
