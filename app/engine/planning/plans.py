"""Caches compiled plans in this process."""

from app.domain.recently_used import RecentlyUsed
from app.domain.refs import Ref
from app.engine.planning.plan import Plan, compile_plan
from app.engine.ports import DefinitionReader


class Plans:
    """Compiled plans by workflow id and revision. They are never invalidated, because a revision never changes.

    definitions: reads revisions that are not cached.
    limit: how many plans are kept: those used last.
    """

    def __init__(self, definitions: DefinitionReader, limit: int = 1_000) -> None:
        self._definitions = definitions
        self._plans: RecentlyUsed[tuple[int, int], Plan] = RecentlyUsed(limit)

    async def current(self, ref: Ref) -> tuple[int, int] | None:
        """The workflow's id and its current revision, which is not cached; None when the workflow does not exist."""
        return await self._definitions.current(ref)

    async def get(self, workflow_id: int, revision: int) -> Plan | None:
        """None when the revision is not stored."""
        key = (workflow_id, revision)
        if (plan := self._plans.get(key)) is not None:
            return plan
        workflow = await self._definitions.revision(workflow_id, revision)
        if workflow is None:
            return None
        plan = compile_plan(workflow)
        self._plans.put(key, plan)
        return plan
