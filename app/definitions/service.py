"""Everything that the APIs may ask of definitions."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from app.definitions import edits
from app.definitions.comparing import Differences, compare
from app.definitions.ports import (
    DefinitionCache,
    DefinitionStore,
    Edit,
    RevisionSummary,
    StoredDocument,
    TaskTypes,
    WorkflowEdit,
    WorkflowFilter,
    revision_etag,
)
from app.definitions.reads import CachedReads, CacheStatistics
from app.definitions.rules import Rules
from app.definitions.writes import CachedWrites
from app.domain.definitions import MAX_NAME, Task, TaskDraft, Workflow, WorkflowDraft, parse_ref, text_problems
from app.domain.documents import workflow_from_document
from app.domain.errors import Invalid, Problem

Check = Callable[[Workflow, WorkflowEdit], None]


@dataclass(frozen=True, slots=True)
class TaskChange:
    """The task after the change, or before it if it was deleted, and the revision that the change created."""

    task: Task
    workflow: Workflow

    @property
    def etag(self) -> str:
        """The ETag of the task: that of its workflow, which changes at least as often."""
        return revision_etag(self.workflow.id, self.workflow.revision)


@dataclass(frozen=True, slots=True)
class _Change:
    before: Workflow
    after: Workflow


class DefinitionService:
    """Creates, changes, reads and deletes workflows.

    Refs are ids or keys. Unknown refs raise `NotFound`, broken rules `Invalid`, a taken key `Conflict`, and an
    `expected_revision` that is not the current one `RevisionMismatch`. After a change was acknowledged, every process
    returns it or a later one.
    """

    def __init__(self, store: DefinitionStore, cache: DefinitionCache, task_types: TaskTypes, max_tasks: int) -> None:
        self._store = store
        self._reads = CachedReads(store, cache)
        self._writes = CachedWrites(store, cache)
        self._rules = Rules(task_types, max_tasks)

    @property
    def cache_statistics(self) -> CacheStatistics:
        return self._reads.statistics

    async def create(self, draft: WorkflowDraft) -> Workflow:
        self._rules.check_new(draft)
        return await self._writes.create(draft)

    def problems_of(self, draft: WorkflowDraft) -> Sequence[Problem]:
        """Every problem that `create` would find, except a taken key. Nothing is stored."""
        try:
            self._rules.check_new(draft)
        except Invalid as error:
            return error.problems
        return ()

    async def document(self, ref: str) -> StoredDocument:
        return await self._reads.document(str(parse_ref(ref)))

    async def list_documents(self, wanted: WorkflowFilter, skip: int, limit: int) -> tuple[Sequence[bytes], int]:
        """One page of documents ordered by id, and the number of all matches."""
        if problems := text_problems("name", wanted.name, MAX_NAME) + text_problems("key", wanted.key, MAX_NAME):
            raise Invalid(problems)
        return await self._store.list_documents(wanted, skip, limit)

    async def replace(self, ref: str, draft: WorkflowDraft, expected_revision: int | None = None) -> Workflow:
        """Set every field. `draft.tasks` None keeps the stored tasks; otherwise tasks are matched by name."""
        change = await self._change(
            ref, lambda current: edits.replaced(current, draft), self._rules.check, expected_revision
        )
        return change.after

    async def merge(self, ref: str, changes: Mapping[str, Any], expected_revision: int | None = None) -> Workflow:
        """Set the fields of `WorkflowDraft` that `changes` names."""
        change = await self._change(
            ref, lambda current: edits.merged(current, changes), self._rules.check, expected_revision
        )
        return change.after

    async def delete(self, ref: str, expected_revision: int | None = None) -> Workflow:
        """Delete the workflow; return it as it was. Its revisions and executions stay."""
        return await self._writes.delete(str(parse_ref(ref)), expected_revision)

    async def document_of_task(self, task_id: int) -> StoredDocument:
        """The document of the workflow that has the task now."""
        return await self.document(str(await self._store.workflow_of_task(task_id)))

    async def add_task(self, ref: str, draft: TaskDraft, expected_revision: int | None = None) -> TaskChange:
        change = await self._change(
            ref, lambda current: edits.with_task(current, draft), self._rules.check_added_task, expected_revision
        )
        added = next(task for task in change.after.tasks if task.name == draft.name)
        return TaskChange(added, change.after)

    async def replace_task(self, task_id: int, draft: TaskDraft, expected_revision: int | None = None) -> TaskChange:
        change = await self._change_task(
            task_id, lambda current: edits.with_task_replaced(current, task_id, draft), expected_revision
        )
        return TaskChange(edits.find_task(change.after, task_id), change.after)

    async def merge_task(
        self, task_id: int, changes: Mapping[str, Any], expected_revision: int | None = None
    ) -> TaskChange:
        """Set the fields of `TaskDraft` that `changes` names."""
        change = await self._change_task(
            task_id, lambda current: edits.with_task_merged(current, task_id, changes), expected_revision
        )
        return TaskChange(edits.find_task(change.after, task_id), change.after)

    async def delete_task(self, task_id: int, expected_revision: int | None = None) -> TaskChange:
        """Delete the task; return it as it was. Raise `Invalid` if another task depends on it."""
        change = await self._change_task(
            task_id, lambda current: edits.without_task(current, task_id), expected_revision
        )
        return TaskChange(edits.find_task(change.before, task_id), change.after)

    async def list_revisions(self, ref: str, skip: int, limit: int) -> tuple[Sequence[RevisionSummary], int]:
        """Newest first, and the number of all revisions; also of a deleted workflow, by id."""
        return await self._store.list_revisions(str(parse_ref(ref)), skip, limit)

    async def revision_document(self, ref: str, revision: int) -> bytes:
        """One immutable snapshot; also of a deleted workflow, by id."""
        return await self._store.revision_document(str(parse_ref(ref)), revision)

    async def revision_differences(self, ref: str, revision: int, against: int) -> Differences:
        """The differences from revision `against` to `revision`; `against` 0 stands for an empty workflow."""
        after = await self._revision(ref, revision)
        return compare(await self._revision(ref, against) if against else None, after)

    async def restore(self, ref: str, revision: int, expected_revision: int | None = None) -> Workflow:
        """Create a new revision with the contents of an old one, unless they equal the current one."""
        past = await self._revision(ref, revision)
        change = await self._change(
            str(past.id), lambda current: edits.restored(current, past), self._rules.check, expected_revision
        )
        return change.after

    async def _revision(self, ref: str, revision: int) -> Workflow:
        return workflow_from_document(json.loads(await self.revision_document(ref, revision)))

    async def _change_task(self, task_id: int, edit: Edit, expected_revision: int | None) -> _Change:
        ref = str(await self._store.workflow_of_task(task_id))
        return await self._change(ref, edit, partial(self._rules.check_task, task_id), expected_revision)

    async def _change(self, ref: str, edit: Edit, check: Check, expected_revision: int | None) -> _Change:
        seen: list[Workflow] = []

        def checked_edit(current: Workflow) -> WorkflowEdit:
            seen.append(current)
            wanted = edit(current)
            check(current, wanted)
            return wanted

        after = await self._writes.change(str(parse_ref(ref)), checked_edit, expected_revision)
        return _Change(seen[-1], after)
