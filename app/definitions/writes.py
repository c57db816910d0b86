"""Writes of definitions with cache invalidation: set a write intent, commit, invalidate, then acknowledge."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from app.definitions.ports import DefinitionCache, DefinitionStore, Edit, WorkflowEdit, WriteIntent
from app.domain.definitions import Workflow, WorkflowDraft
from app.domain.errors import Conflict, Invalid, NotFound, RevisionMismatch

DELETE_ATTEMPTS = 5


class _MoreRefs(Exception):
    """The write also affects refs for which no write intent was set."""

    def __init__(self, refs: frozenset[str]) -> None:
        super().__init__()
        self.refs = refs


NOTHING_COMMITTED = (NotFound, Invalid, Conflict, RevisionMismatch, _MoreRefs)


class CachedWrites:
    """The write methods of a `DefinitionStore`. `ref` is a result of `parse_ref`."""

    def __init__(self, store: DefinitionStore, cache: DefinitionCache) -> None:
        self._store = store
        self._cache = cache

    async def create(self, draft: WorkflowDraft) -> Workflow:
        async with self._writing(_refs(draft.key)) as intent:
            workflow = await self._store.create(draft)
        await self._cache.invalidate(intent, sorted(_refs(workflow.id, workflow.key)))
        return workflow

    async def change(self, ref: str, edit: Edit, expected_revision: int | None) -> Workflow:
        refs = await self._known_refs(ref)
        while True:
            try:
                return await self._change(ref, refs, edit, expected_revision)
            except _MoreRefs as found:
                refs = found.refs

    async def delete(self, ref: str, expected_revision: int | None) -> Workflow:
        """Delete the workflow. Without an `expected_revision`, the revision that is read is used: its key has the write
        intent, and a later revision may have another key.
        """
        for _ in range(DELETE_ATTEMPTS):
            known = await self._store.document(ref)
            if known is None or expected_revision is not None:
                break
            with suppress(RevisionMismatch):
                return await self._delete(ref, _refs(ref, known.workflow_id, known.key), known.revision)
        return await self._delete(ref, await self._known_refs(ref), expected_revision)

    async def _change(self, ref: str, refs: frozenset[str], edit: Edit, expected_revision: int | None) -> Workflow:
        def edit_under_intent(current: Workflow) -> WorkflowEdit:
            wanted = edit(current)
            touched = _refs(current.id, current.key, wanted.key)
            if not touched <= refs:
                raise _MoreRefs(refs | touched)
            return wanted

        async with self._writing(refs) as intent:
            workflow = await self._store.change(ref, edit_under_intent, expected_revision)
        await self._cache.invalidate(intent, sorted(refs))
        return workflow

    async def _delete(self, ref: str, refs: frozenset[str], expected_revision: int | None) -> Workflow:
        async with self._writing(refs) as intent:
            workflow = await self._store.delete(ref, expected_revision)
        await self._cache.invalidate(intent, sorted(refs | _refs(workflow.id, workflow.key)))
        return workflow

    @asynccontextmanager
    async def _writing(self, refs: frozenset[str]) -> AsyncIterator[WriteIntent]:
        """Hold a write intent. If it is not certain that nothing was committed, it stays until it expires."""
        intent = await self._cache.begin_write(sorted(refs))
        try:
            yield intent
        except NOTHING_COMMITTED:
            await self._cache.release(intent)
            raise

    async def _known_refs(self, ref: str) -> frozenset[str]:
        known = await self._store.document(ref)
        return _refs(ref) if known is None else _refs(ref, known.workflow_id, known.key)


def _refs(*names: int | str | None) -> frozenset[str]:
    return frozenset(str(name) for name in names if name is not None)
