"""The compiled plans that this process keeps."""

from app.domain.recently_used import RecentlyUsed
from app.engine.planning.plan import Plan, compile_plan
from app.engine.ports import DefinitionReader


class Plans:
    """Compiled plans by workflow id and revision, the `limit` used last. Revisions never change."""

    def __init__(self, definitions: DefinitionReader, limit: int = 1_000) -> None:
        self._definitions = definitions
        self._plans: RecentlyUsed[tuple[int, int], Plan] = RecentlyUsed(limit)

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
