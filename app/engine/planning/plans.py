"""Caches compiled plans in this process."""

import asyncio
from weakref import WeakValueDictionary

from app.domain.recently_used import RecentlyUsed
from app.domain.refs import Ref
from app.engine.planning.plan import Plan, compile_plan
from app.engine.ports import DefinitionReader
from app.expressions.compiling import Compiler, Pace

Key = tuple[int, int, int]
"""The ids of a tenant and of a workflow, and the number of a revision."""


class Plans:
    """Compiled plans by tenant, workflow id and revision. They are never invalidated, because a revision never changes.

    definitions: reads revisions that are not cached.
    pace: says when the next expression may be compiled.
    limit: how many plans are kept: those used last.
    """

    def __init__(self, definitions: DefinitionReader, pace: Pace, limit: int = 1_000) -> None:
        self._definitions = definitions
        self._pace = pace
        self._plans: RecentlyUsed[Key, Plan] = RecentlyUsed(limit)
        self._loading: WeakValueDictionary[Key, asyncio.Lock] = WeakValueDictionary()

    async def current(self, ref: Ref) -> tuple[int, int] | None:
        """The workflow's id and its current revision, which is not cached; None when the workflow does not exist."""
        return await self._definitions.current(ref)

    async def get(self, tenant_id: int, workflow_id: int, revision: int) -> Plan | None:
        """None when the tenant has no such revision."""
        key = (tenant_id, workflow_id, revision)
        if (plan := self._plans.get(key)) is not None:
            return plan
        # A revision that many ask for at the same time is compiled once.
        lock = self._loading.setdefault(key, asyncio.Lock())
        async with lock:
            plan = self._plans.get(key) or await self._load(*key)
            if plan is not None:
                self._plans.put(key, plan)
        return plan

    async def _load(self, tenant_id: int, workflow_id: int, revision: int) -> Plan | None:
        stored = await self._definitions.revision(tenant_id, workflow_id, revision)
        if stored is None:
            return None
        compiler = Compiler()
        await compiler.prepare(stored.workflow.tasks, self._pace)
        return compile_plan(stored.workflow, compiler, stored.tenant)
