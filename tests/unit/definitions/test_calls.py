"""Calls of workflows that do not exist: a warning, or a refusal if strict. What others call is not deleted unasked."""

import asyncio
from datetime import UTC, datetime

import pytest

from app.adapters.cache.in_process import InProcessDefinitionCache
from app.definitions.rules import Rules
from app.definitions.service import DefinitionService
from app.domain.definitions import TaskDraft, WorkflowDraft
from app.domain.errors import InUse, Invalid, NotFound
from tests.support.inline_evaluator import inline_evaluations
from tests.support.memory.definitions import MemoryDefinitionStore
from tests.support.requests import ref_of
from tests.support.tenant import CALLER

PATH = "tasks[0].config.workflow"


class AnyConfig:
    def config_problems(self, task, path="", tenant=""):
        return []


class CountingStore(MemoryDefinitionStore):
    """Counts what it is asked about calls."""

    questions = 0

    async def existing(self, tenant_id, refs):
        self.questions += 1
        return await super().existing(tenant_id, refs)

    async def callers(self, tenant_id, refs):
        self.questions += 1
        return await super().callers(tenant_id, refs)


class RecordingCache(InProcessDefinitionCache):
    """`open_writes` are the intents that are neither released nor followed by an invalidation."""

    def __init__(self) -> None:
        super().__init__(ttl_seconds=60)
        self.open_writes: set[str] = set()

    async def begin_write(self, refs):
        intent = await super().begin_write(refs)
        self.open_writes.add(intent.id)
        return intent

    async def release(self, intent):
        self.open_writes.remove(intent.id)
        await super().release(intent)

    async def invalidate(self, intent, refs):
        self.open_writes.remove(intent.id)
        await super().invalidate(intent, refs)


@pytest.fixture
def store() -> CountingStore:
    return CountingStore(lambda: datetime.now(UTC))


@pytest.fixture
def cache() -> RecordingCache:
    return RecordingCache()


@pytest.fixture
def service(store, cache) -> DefinitionService:
    return DefinitionService(store, cache, Rules(AnyConfig(), max_tasks=10), inline_evaluations())


def calling(workflow: object, name: str = "call") -> TaskDraft:
    return TaskDraft(name, type="workflow", config={"workflow": workflow})


def draft(*called: object, key: str | None = None) -> WorkflowDraft:
    return WorkflowDraft("n", key=key, tasks=tuple(calling(text, f"call {n}") for n, text in enumerate(called)))


def unknown(name: str) -> str:
    return f"there is no workflow {name!r}; until there is one, executions fail at this task"


def told(problems) -> list[tuple[str, str]]:
    return [(problem.path, problem.message) for problem in problems]


@pytest.mark.parametrize("called", ["later", "999", "no key", "0" * 30, "k" * 200])
async def test_a_call_of_an_unknown_workflow_is_a_warning_and_a_strict_save_refuses_it(service, cache, called):
    expected = [(PATH, unknown(called))]
    assert told((await service.judge(CALLER, draft(called))).warnings) == expected
    assert told((await service.judge(CALLER, draft(called), strict=True)).problems) == expected
    with pytest.raises(Invalid) as refused:
        await service.create(CALLER, draft(called, key="strict"), strict=True)
    assert told(refused.value.problems) == expected
    with pytest.raises(NotFound):
        await service.document(CALLER, ref_of("strict"))
    created = await service.create(CALLER, draft(called, key="k"))
    assert told(created.warnings) == expected
    for change in (
        service.replace(CALLER, ref_of("k"), draft(called, key="k")),
        service.merge(CALLER, ref_of("k"), {"name": "m"}),
    ):
        assert told((await change).warnings) == expected
    with pytest.raises(Invalid) as refused:
        await service.merge(CALLER, ref_of("k"), {"name": "never"}, strict=True)
    assert told(refused.value.problems) == expected
    assert b'"never"' not in (await service.document(CALLER, ref_of("k"))).body
    assert not cache.open_writes


@pytest.mark.parametrize("called", ["${input.which}", "item-${input.n}", 5, None, ["k"]])
async def test_what_only_an_execution_can_tell_is_no_warning(service, store, called):
    assert (await service.create(CALLER, draft(called), strict=True)).warnings == []
    assert store.questions == 0


async def test_tasks_of_other_types_call_nothing(service, store):
    task = TaskDraft("a", type="log", config={"workflow": "nothing"})
    assert (await service.create(CALLER, WorkflowDraft("n", tasks=(task,)), strict=True)).warnings == []
    assert store.questions == 0


async def test_a_workflow_that_exists_is_found_by_id_and_key_with_one_question(service, store):
    child = (await service.create(CALLER, WorkflowDraft("n", key="child"))).workflow
    await service.create(CALLER, draft("child", str(child.id), f"00{child.id}", key="p"), strict=True)
    await service.merge(CALLER, ref_of("p"), {"name": "m"}, strict=True)
    assert store.questions == 2


async def test_a_workflow_may_call_itself(service):
    created = (await service.create(CALLER, draft("self", key="self"), strict=True)).workflow
    await service.replace(CALLER, ref_of("self"), draft("self", str(created.id), key="self"), strict=True)
    renamed = await service.replace(CALLER, ref_of("self"), draft("self", "new", key="new"))
    assert told(renamed.warnings) == [(PATH, unknown("self"))]
    await service.delete(CALLER, ref_of("new"))


async def test_a_request_about_a_task_has_its_own_paths(service):
    await service.create(CALLER, WorkflowDraft("n", key="p", tasks=(TaskDraft("a"),)))
    added = await service.add_task(CALLER, ref_of("p"), calling("later"))
    assert told(added.warnings) == [("config.workflow", unknown("later"))]
    merged = await service.merge_task(CALLER, added.task.id, {"description": "d"})
    assert told(merged.warnings) == [("config.workflow", unknown("later"))]
    with pytest.raises(Invalid) as refused:
        await service.replace_task(CALLER, added.task.id, calling("never"), strict=True)
    assert told(refused.value.problems) == [("config.workflow", unknown("never"))]
    with pytest.raises(Invalid) as refused:
        await service.add_task(CALLER, ref_of("p"), TaskDraft("z"), strict=True)
    assert told(refused.value.problems) == [("", f"config.workflow of task 'call': {unknown('later')}")]
    assert (await service.delete_task(CALLER, added.task.id)).warnings == []


async def test_problems_and_warnings_are_told_together(service):
    wrong = WorkflowDraft("", tasks=(calling("later"),))
    verdict = await service.judge(CALLER, wrong)
    problem, warning = ("name", "must not be blank"), (PATH, unknown("later"))
    assert (told(verdict.problems), told(verdict.warnings)) == ([problem], [warning])
    strict = await service.judge(CALLER, wrong, strict=True)
    assert (told(strict.problems), strict.warnings) == ([problem, warning], ())


async def test_a_key_that_others_call_by_is_not_lost_unnoticed(service, cache):
    child = (await service.create(CALLER, WorkflowDraft("n", key="child"))).workflow
    await service.create(CALLER, draft("child", key="by-key"))
    await service.create(CALLER, draft(str(child.id), key="by-id"))
    expected = [("key", "other workflows call this one by the key 'child', which it loses: 'by-key'")]
    with pytest.raises(Invalid) as refused:
        await service.merge(CALLER, ref_of("child"), {"key": "new"}, strict=True)
    assert told(refused.value.problems) == expected
    assert told((await service.merge(CALLER, ref_of("child"), {"key": None})).warnings) == expected
    assert (await service.merge(CALLER, ref_of(child), {"key": "child"})).warnings == []
    assert not cache.open_writes


async def test_what_others_call_is_deleted_only_by_force(service):
    child = (await service.create(CALLER, WorkflowDraft("n", key="child"))).workflow
    await service.create(CALLER, draft("child", key="by-key"))
    nameless = (await service.create(CALLER, draft(str(child.id)))).workflow
    message = f"workflow 'child' is called by 'by-key', '{nameless.id}'; their tasks would fail without it"
    with pytest.raises(InUse) as refused:
        await service.delete(CALLER, ref_of("child"))
    assert (refused.value.message, refused.value.code) == (message, "workflow_in_use")
    assert (await service.document(CALLER, ref_of("child"))).revision == 1
    assert (await service.delete(CALLER, ref_of("child"), force=True)).id == child.id
    with pytest.raises(NotFound):
        await service.delete(CALLER, ref_of("child"))


async def test_a_workflow_that_only_calls_itself_is_deleted(service):
    await service.create(CALLER, draft("self", key="self"))
    assert (await service.delete(CALLER, ref_of("self"))).key == "self"


async def test_many_callers_are_counted(service):
    await service.create(CALLER, WorkflowDraft("n", key="child"))
    for number in range(13):
        await service.create(CALLER, draft("child", key=f"p{number}"))
    with pytest.raises(InUse, match=r"'p0', .*'p9', and 3 more; their tasks"):
        await service.delete(CALLER, ref_of("child"))


async def test_a_key_that_changes_meanwhile_is_asked_for_again(service, store):
    """The edit is made anew when the store has answered, on what is stored then."""
    await service.create(CALLER, WorkflowDraft("n", key="child"))
    await service.create(CALLER, draft("child", key="p"))
    asked, go_on = asyncio.Event(), asyncio.Event()
    existing = store.existing

    async def slowly(tenant_id, refs):
        found = await existing(tenant_id, refs)
        asked.set()
        await go_on.wait()
        return found

    store.existing = slowly
    change = asyncio.create_task(service.merge(CALLER, ref_of("p"), {"name": "m"}))
    await asked.wait()
    store.existing = existing
    await service.merge(CALLER, ref_of("p"), {"tasks": (calling("child"), calling("later", "second"))})
    go_on.set()
    changed = await change
    assert told(changed.warnings) == [("tasks[1].config.workflow", unknown("later"))]
    assert (changed.workflow.name, len(changed.workflow.tasks), changed.workflow.revision) == ("m", 2, 3)
