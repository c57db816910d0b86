"""Writes of definitions with cache invalidation: set a write intent, commit, invalidate, then acknowledge."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from app.definitions.calls import Unanswered
from app.definitions.news import Change, DefinitionNews, Tell, tell_nobody
from app.definitions.ports import (
    DefinitionCache,
    DefinitionStore,
    Edit,
    StoredWorkflow,
    WorkflowEdit,
    WriteIntent,
    refs_of,
)
from app.definitions.preparing import Unprepared
from app.domain.actions import Act
from app.domain.definitions import Workflow, WorkflowDraft
from app.domain.errors import Conflict, Invalid, NotFound, Outdated, RevisionMismatch
from app.domain.refs import Ref

DELETE_ATTEMPTS = 5


class _MoreRefs(Exception):
    """The write also affects refs for which no write intent was set."""

    def __init__(self, refs: frozenset[Ref]) -> None:
        super().__init__()
        self.refs = refs


NOTHING_COMMITTED = (NotFound, Invalid, Conflict, RevisionMismatch, Outdated, _MoreRefs, Unanswered, Unprepared)


class CachedWrites:
    """The write methods of a `DefinitionStore`.

    store: where definitions are.
    cache: what must not return older ones.
    tell: tells who follows definitions what has changed.
    """

    def __init__(self, store: DefinitionStore, cache: DefinitionCache, tell: Tell = tell_nobody) -> None:
        self._store = store
        self._cache = cache
        self._tell = tell

    async def create(self, act: Act, draft: WorkflowDraft) -> StoredWorkflow:
        tenant_id = act.caller.tenant_id
        key = frozenset() if draft.key is None else frozenset({Ref(tenant_id=tenant_id, key=draft.key)})
        async with self._writing(key) as intent:
            stored = await self._store.create(act, draft)
        await self._cache.invalidate(intent, refs_of(tenant_id, stored.workflow.id, draft.key))
        await self._told(tenant_id, Change.CREATED, stored.workflow)
        return stored

    async def change(self, act: Act, ref: Ref, edit: Edit, expected_revision: int | None) -> StoredWorkflow:
        refs = await self._known_refs(ref)
        while True:
            try:
                return await self._change(act, ref, refs, edit, expected_revision)
            except _MoreRefs as found:
                refs = found.refs

    async def delete(self, act: Act, ref: Ref, expected_revision: int | None) -> Workflow:
        """Delete the workflow. Without an `expected_revision`, the revision that is read is used: its key has the write
        intent, and a later revision may have another key.
        """
        for _ in range(DELETE_ATTEMPTS):
            current = await self._store.current(ref)
            if current is None or expected_revision is not None:
                break
            with suppress(RevisionMismatch):
                return await self._delete(act, ref, current.refs(ref.tenant_id) | {ref}, current.revision)
        return await self._delete(act, ref, await self._known_refs(ref), expected_revision)

    async def _change(
        self, act: Act, ref: Ref, refs: frozenset[Ref], edit: Edit, expected_revision: int | None
    ) -> StoredWorkflow:
        def edit_under_intent(current: Workflow) -> WorkflowEdit:
            wanted = edit(current)
            touched = refs_of(ref.tenant_id, current.id, current.key, wanted.key)
            if not touched <= refs:
                raise _MoreRefs(refs | touched)
            return wanted

        async with self._writing(refs) as intent:
            stored = await self._store.change(act, ref, edit_under_intent, expected_revision)
        await self._cache.invalidate(intent, refs)
        await self._told(ref.tenant_id, Change.CHANGED, stored.workflow)
        return stored

    async def _delete(self, act: Act, ref: Ref, refs: frozenset[Ref], expected_revision: int | None) -> Workflow:
        async with self._writing(refs) as intent:
            workflow = await self._store.delete(act, ref, expected_revision)
        await self._cache.invalidate(intent, refs | refs_of(ref.tenant_id, workflow.id, workflow.key))
        await self._told(ref.tenant_id, Change.DELETED, workflow)
        return workflow

    async def _told(self, tenant_id: int, change: Change, workflow: Workflow) -> None:
        await self._tell(DefinitionNews(tenant_id, workflow.id, change, workflow.revision))

    @asynccontextmanager
    async def _writing(self, refs: frozenset[Ref]) -> AsyncIterator[WriteIntent]:
        """Hold a write intent. If it is not certain that nothing was committed, it stays until it expires."""
        intent = await self._cache.begin_write(refs)
        try:
            yield intent
        except NOTHING_COMMITTED:
            await self._cache.release(intent)
            raise

    async def _known_refs(self, ref: Ref) -> frozenset[Ref]:
        current = await self._store.current(ref)
        return frozenset({ref}) if current is None else current.refs(ref.tenant_id) | {ref}
