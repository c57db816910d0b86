"""What every definition store must do when definitions change, run on each of them."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import orjson
import pytest

from app.definitions import edits
from app.definitions.ports import DefinitionStore, WorkflowEdit
from app.domain.definitions import ExecutionType, OnFailure, RetryPolicy, TaskDraft, Workflow, WorkflowDraft
from app.domain.documents import workflow_document, workflow_from_document
from app.domain.errors import Conflict, RevisionMismatch
from app.domain.refs import Ref
from tests.support.acts import ANYONE
from tests.support.requests import ref_of

START = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
FULL_TASK = TaskDraft(
    "full",
    ExecutionType.ASYNC,
    description="all options",
    sequence=7,
    type="http",
    config={"z": 1, "a": [1.0, 1e308, True, None, {"ü": "\u2028"}], "big": 2**64 - 1},
    timeout_seconds=1.5,
    retry=RetryPolicy(max_attempts=3, non_retryable_errors=("gone", "refused")),
    depends_on=("plain",),
    on_failure=OnFailure.CONTINUE,
    compensate=("undo",),
    when="input.n > 1",
    for_each="input.list",
    max_concurrency=5,
    output_schema={"type": "object", "properties": {"é": {"const": 1.0}}},
)
TASKS = (FULL_TASK, TaskDraft("plain"), TaskDraft("undo", sequence=8))


@pytest.fixture
def store(definition_store: DefinitionStore) -> DefinitionStore:
    return definition_store


def renamed(name: str):
    return lambda current: edits.merged(current, {"name": name})


async def read(store: DefinitionStore, ref: Ref) -> Workflow:
    document = await store.document(ref)
    assert document is not None
    return workflow_from_document(orjson.loads(document.body))


async def test_what_is_created_reads_back_as_it_was_given(store):
    created = (await store.create(ANYONE, WorkflowDraft("n", "d", "k", TASKS, timeout_seconds=2.5))).workflow
    assert (created.key, created.name, created.description, created.revision) == ("k", "n", "d", 1)
    assert created.timeout_seconds == 2.5
    assert created.created_at == created.updated_at > START
    assert [(task.name, task.sequence) for task in created.tasks] == [("plain", 0), ("full", 7), ("undo", 8)]
    assert edits.draft_fields(created.tasks[1]) == edits.draft_fields(FULL_TASK)
    assert await read(store, ref_of("k")) == created


async def test_the_document_is_the_dumped_workflow_byte_for_byte(store):
    created = (await store.create(ANYONE, WorkflowDraft("n", tasks=TASKS))).workflow
    document = await store.document(ref_of(created))
    assert document.body == orjson.dumps(workflow_document(created))
    assert (document.workflow_id, document.key, document.revision) == (created.id, None, 1)
    assert document.etag == f'"{created.id}-1"'


async def test_ids_of_new_tasks_ascend_in_the_order_given(store):
    created = (
        await store.create(ANYONE, WorkflowDraft("n", tasks=tuple(TaskDraft(f"t{n}") for n in range(300))))
    ).workflow
    assert [task.name for task in created.tasks] == [f"t{n}" for n in range(300)]
    assert [task.id for task in created.tasks] == sorted({task.id for task in created.tasks})
    assert {task.workflow_id for task in created.tasks} == {created.id}


async def test_a_change_makes_the_next_revision_and_keeps_the_one_before(store):
    created = (await store.create(ANYONE, WorkflowDraft("old", tasks=TASKS))).workflow
    changed = (await store.change(ANYONE, ref_of(created), renamed("new"))).workflow
    assert (changed.name, changed.revision, changed.tasks) == ("new", 2, created.tasks)
    assert changed.created_at == created.created_at < changed.updated_at
    assert await read(store, ref_of(created)) == changed
    assert orjson.loads(await store.revision_document(ref_of(created), 1))["name"] == "old"


async def test_an_edit_sees_exactly_what_was_stored(store):
    created = (await store.create(ANYONE, WorkflowDraft("n", tasks=TASKS))).workflow
    seen = []
    await store.change(ANYONE, ref_of(created), lambda current: seen.append(current) or edits.merged(current, {}))
    assert seen == [created]
    assert list(seen[0].tasks[1].config) == list(FULL_TASK.config)


async def test_nothing_is_written_where_nothing_changes(store):
    created = (await store.create(ANYONE, WorkflowDraft("n", tasks=TASKS))).workflow
    same = (
        await store.change(
            ANYONE, ref_of(created), lambda current: edits.replaced(current, WorkflowDraft("n", tasks=TASKS))
        )
    ).workflow
    assert same == created
    assert (await store.list_revisions(ref_of(created), 0, 10))[1] == 1


@pytest.mark.parametrize(
    ("task", "changes"),
    [
        ("full", {"on_failure": OnFailure.FAIL}),
        ("full", {"compensate": ()}),
        ("full", {"retry": RetryPolicy(max_attempts=3, non_retryable_errors=("refused", "gone"))}),
        ("plain", {"on_failure": OnFailure.CONTINUE}),
        ("plain", {"retry": RetryPolicy()}),
        ("full", {"when": None}),
        ("full", {"for_each": None, "max_concurrency": None}),
        ("full", {"max_concurrency": None}),
        ("full", {"output_schema": None}),
        ("plain", {"when": "${input.ok}", "for_each": "tasks.full.output", "max_concurrency": 1000}),
        ("plain", {"output_schema": {}}),
    ],
)
async def test_each_field_of_a_task_makes_a_revision_and_reads_back(store, task, changes):
    created = (await store.create(ANYONE, WorkflowDraft("n", tasks=TASKS))).workflow
    task_id = next(found.id for found in created.tasks if found.name == task)
    changed = (
        await store.change(ANYONE, ref_of(created), lambda current: edits.with_task_merged(current, task_id, changes))
    ).workflow
    after = next(found for found in (await read(store, ref_of(created))).tasks if found.id == task_id)
    assert changed.revision == 2
    assert {name: getattr(after, name) for name in changes} == changes


async def test_the_timeout_of_executions_is_set_kept_and_cleared(store):
    ref = ref_of((await store.create(ANYONE, WorkflowDraft("n"))).workflow)
    for changes, expected in (
        ({"timeout_seconds": 60.0}, 60.0),
        ({"name": "m"}, 60.0),
        ({"timeout_seconds": None}, None),
    ):
        changed = (
            await store.change(ANYONE, ref, lambda current, changes=changes: edits.merged(current, changes))
        ).workflow
        assert (changed.timeout_seconds, (await read(store, ref)).timeout_seconds) == (expected, expected)
    assert changed.revision == 4


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("variables", ({"a": 1}, {"a": 1.0}, {"a": True}, {"a": [{"ü": None}]}, {})),
        ("input_schema", ({}, {"minimum": 1}, {"minimum": 1.0}, None)),
        ("retention_days", (0.5, 36_500.0, None)),
    ],
)
async def test_each_field_of_a_workflow_makes_a_revision_and_reads_back(store, field, values):
    ref = ref_of((await store.create(ANYONE, WorkflowDraft("n"))).workflow)
    for revision, value in enumerate(values, start=2):
        changed = (
            await store.change(ANYONE, ref, lambda current, value=value: edits.merged(current, {field: value}))
        ).workflow
        assert (changed.revision, repr(getattr(changed, field))) == (revision, repr(value))
        assert repr(getattr(await read(store, ref), field)) == repr(value)


async def test_adding_a_task_keeps_the_fields_of_the_workflow(store):
    fields = {"timeout_seconds": 60.0, "variables": {"a": 1}, "input_schema": {}, "retention_days": 2.0}
    ref = ref_of((await store.create(ANYONE, WorkflowDraft("n", **fields))).workflow)
    await store.change(ANYONE, ref, lambda current: edits.with_task(current, TaskDraft("t")))
    after = await read(store, ref)
    assert {name: getattr(after, name) for name in fields} == fields


@pytest.mark.parametrize(("before", "after"), [(True, 1), (1, 1.0), (0, False), (None, 0)])
async def test_values_that_only_python_takes_for_equal_are_a_change(store, before, after):
    created = (await store.create(ANYONE, WorkflowDraft("n", tasks=(TaskDraft("t", config={"x": before}),)))).workflow
    task_id = created.tasks[0].id
    changed = (
        await store.change(
            ANYONE, ref_of(created), lambda current: edits.with_task_merged(current, task_id, {"config": {"x": after}})
        )
    ).workflow
    assert changed.revision == 2
    assert type((await read(store, ref_of(created))).tasks[0].config["x"]) is type(after)


async def test_tasks_are_added_changed_kept_and_removed_in_one_revision(store):
    created = (
        await store.create(ANYONE, WorkflowDraft("n", tasks=tuple(TaskDraft(name) for name in ("a", "b", "c"))))
    ).workflow
    a, b, _ = created.tasks
    wanted = (a, replace(b, sequence=3), TaskDraft("d"))
    changed = (
        await store.change(ANYONE, ref_of(created), lambda current: WorkflowEdit("n", None, None, wanted, None))
    ).workflow
    assert [(task.name, task.sequence) for task in changed.tasks] == [("a", 0), ("d", 0), ("b", 3)]
    assert changed.tasks[0] == a
    assert changed.tasks[2].id == b.id
    assert changed.tasks[2].created_at == b.created_at < changed.tasks[2].updated_at
    assert changed.tasks[1].id not in {task.id for task in created.tasks}
    assert await read(store, ref_of(created)) == changed


async def test_a_new_task_may_have_the_name_of_a_removed_one(store):
    created = (await store.create(ANYONE, WorkflowDraft("n", tasks=(TaskDraft("a"),)))).workflow
    changed = (
        await store.change(ANYONE, ref_of(created), lambda _: WorkflowEdit("n", None, None, (TaskDraft("a"),), None))
    ).workflow
    assert changed.tasks[0].id != created.tasks[0].id


async def test_an_edit_that_raises_changes_nothing(store):
    created = (await store.create(ANYONE, WorkflowDraft("n"))).workflow

    def edit(current):
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        await store.change(ANYONE, ref_of(created), edit)
    assert await read(store, ref_of(created)) == created


async def test_another_expected_revision_is_refused(store):
    created = (await store.create(ANYONE, WorkflowDraft("n"))).workflow
    ref = ref_of(created)
    await store.change(ANYONE, ref, renamed("m"), expected_revision=1)
    with pytest.raises(RevisionMismatch, match="is at revision 2"):
        await store.change(ANYONE, ref, renamed("o"), expected_revision=1)
    with pytest.raises(RevisionMismatch):
        await store.delete(ANYONE, ref, expected_revision=1)
    assert (await read(store, ref)).name == "m"


async def test_a_taken_key_is_refused_and_a_free_one_may_be_taken(store):
    first = (await store.create(ANYONE, WorkflowDraft("n", key="k"))).workflow
    second = (await store.create(ANYONE, WorkflowDraft("n"))).workflow
    with pytest.raises(Conflict) as caught:
        await store.create(ANYONE, WorkflowDraft("n", key="k"))
    assert caught.value.field == "key"
    with pytest.raises(Conflict):
        await store.change(ANYONE, ref_of(second), lambda current: edits.merged(current, {"key": "k"}))
    await store.change(ANYONE, ref_of("k"), lambda current: edits.merged(current, {"key": None}))
    await store.change(ANYONE, ref_of(second), lambda current: edits.merged(current, {"key": "k"}))
    assert (await read(store, ref_of("k"))).id == second.id
    assert (await read(store, ref_of(first))).key is None


async def test_keys_keep_their_case_and_differ_by_it(store):
    upper = (await store.create(ANYONE, WorkflowDraft("n", key="Flow.A-1"))).workflow
    lower = (await store.create(ANYONE, WorkflowDraft("n", key="flow.a-1"))).workflow
    assert ((await read(store, ref_of("Flow.A-1"))).id, (await read(store, ref_of("flow.a-1"))).id) == (
        upper.id,
        lower.id,
    )
    assert (await store.current(ref_of("Flow.A-1"))).key == "Flow.A-1"
    assert await store.current(ref_of("FLOW.A-1")) is None
    with pytest.raises(Conflict):
        await store.create(ANYONE, WorkflowDraft("n", key="Flow.A-1"))


async def test_a_config_of_a_task_without_a_type_is_stored_whole(store):
    config = {"url": "http://x/${id}", "message": 5, "z": 1, "a": [None, {"b": 1.0}]}
    created = (await store.create(ANYONE, WorkflowDraft("n", tasks=(TaskDraft("t", config=config),)))).workflow
    (task,) = (await read(store, ref_of(created))).tasks
    assert (task.type, repr(task.config)) == (None, repr(config))


async def test_concurrent_changes_are_each_a_revision_and_none_is_lost(store):
    created = (await store.create(ANYONE, WorkflowDraft("n"))).workflow
    ref = ref_of(created)
    await asyncio.gather(
        *(
            store.change(ANYONE, ref, lambda current, n=n: edits.with_task(current, TaskDraft(f"t{n}")))
            for n in range(12)
        )
    )
    after = await read(store, ref)
    assert after.revision == 13
    assert {task.name for task in after.tasks} == {f"t{n}" for n in range(12)}


async def test_concurrent_changes_of_one_expected_revision_let_one_through(store):
    created = (await store.create(ANYONE, WorkflowDraft("n"))).workflow
    changes = (store.change(ANYONE, ref_of(created), renamed(f"n{n}"), expected_revision=1) for n in range(5))
    outcomes = await asyncio.gather(*changes, return_exceptions=True)
    assert sum(isinstance(outcome, RevisionMismatch) for outcome in outcomes) == 4


async def test_tasks_can_swap_their_names(store):
    drafts = tuple(TaskDraft(name) for name in "abcde")
    created = (await store.create(ANYONE, WorkflowDraft("n", tasks=drafts))).workflow
    renames = dict(zip("abcd", "bcda", strict=True))

    def swapped(current: Workflow) -> WorkflowEdit:
        tasks = tuple(replace(task, name=renames.get(task.name, task.name)) for task in current.tasks)
        return WorkflowEdit("n", None, None, tasks, None)

    changed = (await store.change(ANYONE, ref_of(created), swapped)).workflow
    assert [task.name for task in changed.tasks] == ["b", "c", "d", "a", "e"]
    assert [task.id for task in changed.tasks] == [task.id for task in created.tasks]
    assert await read(store, ref_of(created)) == changed
