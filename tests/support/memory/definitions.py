"""Definitions in memory: for tests and demonstrations. Contents are gone with the process."""

from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import count, islice

import orjson

from app.definitions.changes import find_change, first_revision, next_revision
from app.definitions.ports import (
    CurrentRevision,
    Edit,
    RevisionSummary,
    StoredDocument,
    StoredWorkflow,
    WorkflowFilter,
)
from app.domain.actions import Act
from app.domain.calls import called_workflow
from app.domain.definitions import Workflow, WorkflowDraft
from app.domain.documents import workflow_from_document
from app.domain.errors import Conflict, NotFound, QuotaExceeded, RevisionMismatch
from app.domain.refs import Ref, parse_ref


class MemoryDefinitionStore:
    """No method waits for anything, so each is a transaction by itself. `now` gives the time of each change."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._workflow_ids = count(1)
        self._task_ids = count(1)
        self._current: dict[int, Workflow] = {}
        self._snapshots: dict[int, list[bytes]] = {}
        self._tenants: dict[int, int] = {}
        self._made_by: dict[tuple[int, int], str | None] = {}
        self.max_definitions: dict[int, int] = {}

    def tenant_of(self, workflow_id: int) -> int:
        """Also of a workflow that was deleted. 0 for one that never was."""
        return self._tenants.get(workflow_id, 0)

    async def create(self, act: Act, draft: WorkflowDraft) -> StoredWorkflow:
        tenant_id = act.caller.tenant_id
        most = self.max_definitions.get(tenant_id)
        if most is not None and len(list(self._of(tenant_id))) >= most:
            raise QuotaExceeded.of_definitions(most)
        self._check_key(tenant_id, draft.key, None)
        workflow_id = next(self._workflow_ids)
        workflow = first_revision(draft, workflow_id, self._new_task_ids(len(draft.tasks or ())), self._now())
        self._snapshots[workflow_id] = []
        self._tenants[workflow_id] = tenant_id
        return self._store(workflow, act)

    async def change(self, act: Act, ref: Ref, edit: Edit, expected_revision: int | None = None) -> StoredWorkflow:
        current = self._expect(ref, expected_revision)
        wanted, now = edit(current), self._now()
        change = find_change(current, wanted, now)
        if change is None:
            return StoredWorkflow.of(current)
        self._check_key(ref.tenant_id, wanted.key, current.id)
        return self._store(next_revision(current, wanted, change, self._new_task_ids(len(change.added)), now), act)

    async def delete(self, act: Act, ref: Ref, expected_revision: int | None = None) -> Workflow:
        return self._current.pop(self._expect(ref, expected_revision).id)

    async def document(self, ref: Ref) -> StoredDocument | None:
        workflow = self._find(ref)
        if workflow is None:
            return None
        return StoredDocument(workflow.id, workflow.key, workflow.revision, self._snapshots[workflow.id][-1])

    async def current(self, ref: Ref) -> CurrentRevision | None:
        workflow = self._find(ref)
        return None if workflow is None else CurrentRevision(workflow.id, workflow.key, workflow.revision)

    async def existing(self, tenant_id: int, refs: Collection[Ref]) -> frozenset[Ref]:
        return frozenset(ref for ref in refs if self._find(ref) is not None)

    async def callers(self, tenant_id: int, refs: Collection[Ref]) -> Sequence[CurrentRevision]:
        calling = [one for one in self._of(tenant_id) if not _calls(one, tenant_id).isdisjoint(refs)]
        return [CurrentRevision(one.id, one.key, one.revision) for one in calling]

    async def list_documents(
        self, tenant_id: int, wanted: WorkflowFilter, skip: int, limit: int
    ) -> tuple[Sequence[bytes], int]:
        matching = [workflow.id for workflow in self._of(tenant_id) if _matches(workflow, wanted)]
        return [self._snapshots[workflow_id][-1] for workflow_id in matching[skip : skip + limit]], len(matching)

    async def workflow_of_task(self, tenant_id: int, task_id: int) -> int:
        for workflow in self._of(tenant_id):
            if any(task.id == task_id for task in workflow.tasks):
                return workflow.id
        raise NotFound("task", task_id)

    async def list_revisions(self, ref: Ref, skip: int, limit: int) -> tuple[Sequence[RevisionSummary], int]:
        snapshots = self._revisions(ref)
        if not snapshots:
            raise NotFound("workflow", ref)
        workflows = [workflow_from_document(orjson.loads(snapshot)) for snapshot in reversed(snapshots)]
        page = workflows[skip : skip + limit]
        return [_summary(one, self._made_by[one.id, one.revision]) for one in page], len(workflows)

    async def revision_document(self, ref: Ref, revision: int) -> bytes:
        snapshots = self._revisions(ref)
        if not 0 < revision <= len(snapshots):
            raise NotFound("revision", revision)
        return snapshots[revision - 1]

    def _of(self, tenant_id: int) -> list[Workflow]:
        return [workflow for workflow in self._current.values() if self._tenants[workflow.id] == tenant_id]

    def _find(self, ref: Ref) -> Workflow | None:
        found = (
            one for one in self._of(ref.tenant_id) if (one.key if ref.id is None else one.id) == (ref.key or ref.id)
        )
        return next(found, None)

    def _revisions(self, ref: Ref) -> list[bytes]:
        workflow_id = self._id_of(ref)
        return self._snapshots[workflow_id] if self.tenant_of(workflow_id) == ref.tenant_id else []

    def _id_of(self, ref: Ref) -> int:
        """An id is taken at its word, since revisions outlive their workflow; a key is looked up."""
        if ref.id is not None:
            return ref.id
        found = self._find(ref)
        if found is None:
            raise NotFound("workflow", ref)
        return found.id

    def _expect(self, ref: Ref, expected_revision: int | None) -> Workflow:
        current = self._find(ref)
        if current is None:
            raise NotFound("workflow", ref)
        if expected_revision not in (None, current.revision):
            raise RevisionMismatch(ref, current.revision)
        return current

    def _check_key(self, tenant_id: int, key: str | None, own_id: int | None) -> None:
        holder = None if key is None else self._find(Ref(tenant_id=tenant_id, key=key))
        if holder is not None and holder.id != own_id:
            raise Conflict("key", "this key belongs to another workflow")

    def _new_task_ids(self, how_many: int) -> list[int]:
        return list(islice(self._task_ids, how_many))

    def _store(self, workflow: Workflow, act: Act) -> StoredWorkflow:
        """Kept as it reads back, so that nobody shares a config with the caller."""
        stored = StoredWorkflow.of(workflow)
        self._snapshots[workflow.id].append(stored.body)
        self._made_by[workflow.id, workflow.revision] = act.caller.recorded
        self._current[workflow.id] = workflow_from_document(orjson.loads(stored.body))
        return stored


def _matches(workflow: Workflow, wanted: WorkflowFilter) -> bool:
    named = wanted.name is None or wanted.name.lower() in workflow.name.lower()
    routed = workflow.start_task is not None or not wanted.routed
    return named and routed and wanted.key in (None, workflow.key)


def _calls(workflow: Workflow, tenant_id: int) -> frozenset[Ref]:
    texts = [text for task in workflow.tasks if (text := called_workflow(task)) is not None]
    found = []
    for text in texts:
        with suppress(NotFound):
            found.append(parse_ref(text, tenant_id))
    return frozenset(found)


def _summary(workflow: Workflow, made_by: str | None) -> RevisionSummary:
    tasks = len(workflow.tasks)
    return RevisionSummary(workflow.id, workflow.revision, workflow.name, tasks, workflow.updated_at, made_by)
