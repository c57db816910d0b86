"""Everything that the APIs may ask of definitions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from app.definitions import edits
from app.definitions.calls import CallCheck, refuse_if_called
from app.definitions.changes import draft_fields
from app.definitions.comparing import Differences, compare
from app.definitions.news import Tell, tell_nobody
from app.definitions.ports import (
    DefinitionCache,
    DefinitionStore,
    Edit,
    RevisionSummary,
    SchemaCheck,
    StoredDocument,
    StoredWorkflow,
    WorkflowEdit,
    WorkflowFilter,
    refs_of,
)
from app.definitions.preparing import Prepared, with_prepared
from app.definitions.reads import CachedReads, CacheStatistics
from app.definitions.requests import ADDED_TASK, WHOLE_WORKFLOW, Request
from app.definitions.rules import Rules
from app.definitions.writes import CachedWrites
from app.domain.actions import Act, Action
from app.domain.callers import Caller
from app.domain.definitions import MAX_NAME, Task, TaskDraft, Workflow, WorkflowDraft, text_problems
from app.domain.documents import workflow_from_document
from app.domain.drawn_graph import DrawnGraph, drawn_graph
from app.domain.errors import Invalid, Problem
from app.domain.refs import Ref
from app.domain.stated import NOTHING_STATED, Stated


@dataclass(frozen=True, slots=True)
class TaskChange:
    """A change of one task.

    task: as it is now, or as it was before it was deleted.
    etag: that of its workflow after the change, which changes at least as often as the task.
    warnings: as in `StoredWorkflow`.
    """

    task: Task
    etag: str
    warnings: Sequence[Problem] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is wrong with a definition.

    problems: for which it would be refused.
    warnings: for which it would not.
    """

    problems: Sequence[Problem]
    warnings: Sequence[Problem]


@dataclass(frozen=True, slots=True)
class _Change:
    before: Workflow
    after: StoredWorkflow


class DefinitionService:
    """Creates, changes, reads and deletes workflows of the caller's tenant.

    Refs are ids or keys. Unknown refs raise `NotFound`, broken rules `Invalid`, a taken key `Conflict`, and an
    `expected_revision` that is not the current one `RevisionMismatch`. `stated` is what the caller sends back of fields
    that only the service sets: `Invalid` or `Outdated` unless it is true. A call of a workflow that does not exist is a
    warning of the result, and `Invalid` if `strict`. After a change was acknowledged, every process returns it or a
    later one. What other tenants have is unknown.
    """

    def __init__(
        self,
        store: DefinitionStore,
        cache: DefinitionCache,
        rules: Rules,
        schemas: SchemaCheck,
        tell: Tell = tell_nobody,
    ) -> None:
        self._store = store
        self._reads = CachedReads(store, cache)
        self._writes = CachedWrites(store, cache, tell)
        self._rules = rules
        self._schemas = schemas

    @property
    def cache_statistics(self) -> CacheStatistics:
        return self._reads.statistics

    async def create(self, caller: Caller, draft: WorkflowDraft, *, strict: bool = False) -> StoredWorkflow:
        await self._check_new(caller, draft)
        warnings = await self._warnings_of(caller.tenant_id, draft, strict=strict)
        return replace(await self._writes.create(Act(caller, Action.WORKFLOW_CREATE), draft), warnings=warnings)

    async def judge(self, caller: Caller, draft: WorkflowDraft, *, strict: bool = False) -> Verdict:
        """Everything that `create` would find, except a taken key. Nothing is stored."""
        warnings = await self._warnings_of(caller.tenant_id, draft, strict=False)
        try:
            await self._check_new(caller, draft)
        except Invalid as error:
            return Verdict((*error.problems, *warnings), ()) if strict else Verdict(error.problems, warnings)
        return Verdict(warnings, ()) if strict else Verdict((), warnings)

    async def _check_new(self, caller: Caller, draft: WorkflowDraft) -> None:
        async def check(prepared: Prepared) -> None:
            self._rules.check_new(draft, prepared, caller.tenant)

        await with_prepared(self._schemas, check)

    async def _warnings_of(self, tenant_id: int, draft: WorkflowDraft, *, strict: bool) -> Sequence[Problem]:
        calls = CallCheck(self._store, tenant_id, strict=strict)
        own = frozenset() if draft.key is None else frozenset({Ref(tenant_id=tenant_id, key=draft.key)})

        async def warnings() -> Sequence[Problem]:
            return calls.warnings(draft.tasks or (), own)

        return await calls.answered(warnings)

    async def document(self, caller: Caller, ref: Ref) -> StoredDocument:
        return await self._reads.document(ref)

    async def list_documents(
        self, caller: Caller, wanted: WorkflowFilter, skip: int, limit: int
    ) -> tuple[Sequence[bytes], int]:
        """One page of documents ordered by id, and the number of all matches."""
        if problems := text_problems("name", wanted.name, MAX_NAME) + text_problems("key", wanted.key, MAX_NAME):
            raise Invalid(problems)
        return await self._store.list_documents(caller.tenant_id, wanted, skip, limit)

    async def replace(
        self,
        caller: Caller,
        ref: Ref,
        draft: WorkflowDraft,
        expected_revision: int | None = None,
        stated: Stated = NOTHING_STATED,
        *,
        strict: bool = False,
    ) -> StoredWorkflow:
        """Set every field. `draft.tasks` None keeps the stored tasks; otherwise tasks are matched by id or name."""
        act = Act(caller, Action.WORKFLOW_CHANGE)
        change = await self._change(
            act, ref, lambda current: edits.replaced(stated.checked(current), draft), expected_revision, strict=strict
        )
        return change.after

    async def merge(
        self,
        caller: Caller,
        ref: Ref,
        changes: Mapping[str, Any],
        expected_revision: int | None = None,
        stated: Stated = NOTHING_STATED,
        *,
        strict: bool = False,
    ) -> StoredWorkflow:
        """Set the fields of `WorkflowDraft` that `changes` names."""
        act = Act(caller, Action.WORKFLOW_CHANGE)
        change = await self._change(
            act, ref, lambda current: edits.merged(stated.checked(current), changes), expected_revision, strict=strict
        )
        return change.after

    async def delete(
        self, caller: Caller, ref: Ref, expected_revision: int | None = None, *, force: bool = False
    ) -> Workflow:
        """Delete the workflow; return it as it was. Its revisions and executions stay.

        Raise `InUse` if other workflows call it, unless `force`.
        """
        if not force:
            await refuse_if_called(self._store, ref)
        return await self._writes.delete(Act(caller, Action.WORKFLOW_DELETE), ref, expected_revision)

    async def document_of_task(self, caller: Caller, task_id: int) -> StoredDocument:
        """The document of the workflow that has the task now."""
        return await self.document(caller, await self._workflow_of_task(caller, task_id))

    async def add_task(
        self, caller: Caller, ref: Ref, draft: TaskDraft, expected_revision: int | None = None, *, strict: bool = False
    ) -> TaskChange:
        act = Act(caller, Action.TASK_CREATE)
        change = await self._change(
            act, ref, lambda current: edits.with_task(current, draft), expected_revision, ADDED_TASK, strict=strict
        )
        added = next(task for task in change.after.workflow.tasks if task.name == draft.name)
        return _task_change(change, added)

    async def replace_task(
        self,
        caller: Caller,
        task_id: int,
        draft: TaskDraft,
        expected_revision: int | None = None,
        stated: Stated = NOTHING_STATED,
        *,
        strict: bool = False,
    ) -> TaskChange:
        return await self.merge_task(caller, task_id, draft_fields(draft), expected_revision, stated, strict=strict)

    async def merge_task(
        self,
        caller: Caller,
        task_id: int,
        changes: Mapping[str, Any],
        expected_revision: int | None = None,
        stated: Stated = NOTHING_STATED,
        *,
        strict: bool = False,
    ) -> TaskChange:
        """Set the fields of `TaskDraft` that `changes` names."""

        def merged(current: Workflow) -> WorkflowEdit:
            stated.checked(edits.find_task(current, task_id))
            return edits.with_task_merged(current, task_id, changes)

        act = Act(caller, Action.TASK_CHANGE)
        change = await self._change_task(act, task_id, merged, expected_revision, strict=strict)
        return _task_change(change, edits.find_task(change.after.workflow, task_id))

    async def delete_task(self, caller: Caller, task_id: int, expected_revision: int | None = None) -> TaskChange:
        """Delete the task; return it as it was. Raise `Invalid` if another task depends on it."""
        act = Act(caller, Action.TASK_DELETE)
        change = await self._change_task(
            act, task_id, lambda current: edits.without_task(current, task_id), expected_revision, strict=False
        )
        return _task_change(change, edits.find_task(change.before, task_id))

    async def list_revisions(
        self, caller: Caller, ref: Ref, skip: int, limit: int
    ) -> tuple[Sequence[RevisionSummary], int]:
        """Newest first, and the number of all revisions; also of a deleted workflow, by id."""
        return await self._store.list_revisions(ref, skip, limit)

    async def revision_document(self, caller: Caller, ref: Ref, revision: int) -> bytes:
        """One immutable snapshot; also of a deleted workflow, by id."""
        return await self._store.revision_document(ref, revision)

    async def revision_graph(self, caller: Caller, ref: Ref, revision: int) -> tuple[Workflow, DrawnGraph]:
        """A revision, and the same as nodes and edges."""
        found = await self._revision(caller, ref, revision)
        return found, drawn_graph(found)

    async def revision_differences(self, caller: Caller, ref: Ref, revision: int, against: int) -> Differences:
        """The differences from revision `against` to `revision`; `against` 0 stands for an empty workflow."""
        after = await self._revision(caller, ref, revision)
        return compare(await self._revision(caller, ref, against) if against else None, after)

    async def restore(
        self, caller: Caller, ref: Ref, revision: int, expected_revision: int | None = None, *, strict: bool = False
    ) -> StoredWorkflow:
        """Create a new revision with the contents of an old one, unless they equal the current one."""
        past = await self._revision(caller, ref, revision)
        change = await self._change(
            Act(caller, Action.WORKFLOW_RESTORE),
            replace(ref, id=past.id, key=None),
            lambda current: edits.restored(current, past),
            expected_revision,
            strict=strict,
        )
        return change.after

    async def _revision(self, caller: Caller, ref: Ref, revision: int) -> Workflow:
        return workflow_from_document(orjson.loads(await self.revision_document(caller, ref, revision)))

    async def _workflow_of_task(self, caller: Caller, task_id: int) -> Ref:
        workflow_id = await self._store.workflow_of_task(caller.tenant_id, task_id)
        return Ref(tenant_id=caller.tenant_id, id=workflow_id)

    async def _change_task(
        self, act: Act, task_id: int, edit: Edit, expected_revision: int | None, *, strict: bool
    ) -> _Change:
        ref = await self._workflow_of_task(act.caller, task_id)
        return await self._change(act, ref, edit, expected_revision, Request(task_id=task_id), strict=strict)

    async def _change(
        self,
        act: Act,
        ref: Ref,
        edit: Edit,
        expected_revision: int | None,
        request: Request = WHOLE_WORKFLOW,
        *,
        strict: bool,
    ) -> _Change:
        calls = CallCheck(self._store, ref.tenant_id, strict=strict)
        seen: list[tuple[Workflow, Sequence[Problem]]] = []

        async def change(prepared: Prepared) -> StoredWorkflow:
            def checked_edit(current: Workflow) -> WorkflowEdit:
                wanted = edit(current)
                with request.in_words(wanted):
                    self._rules.check(current, wanted, prepared, act.caller.tenant)
                    seen.append((current, self._warnings(calls, ref.tenant_id, current, wanted, request)))
                return wanted

            return await calls.answered(lambda: self._writes.change(act, ref, checked_edit, expected_revision))

        after = await with_prepared(self._schemas, change)
        before, warnings = seen[-1]
        return _Change(before, replace(after, warnings=warnings))

    def _warnings(
        self, calls: CallCheck, tenant_id: int, current: Workflow, wanted: WorkflowEdit, request: Request
    ) -> Sequence[Problem]:
        own, before = (refs_of(tenant_id, current.id, key) for key in (wanted.key, current.key))
        return request.placed(calls.warnings(wanted.tasks, own, before), wanted)


def _task_change(change: _Change, task: Task) -> TaskChange:
    return TaskChange(task, change.after.etag, change.after.warnings)
