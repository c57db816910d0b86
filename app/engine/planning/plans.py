"""The compiled plans that this process keeps."""

from collections import OrderedDict

from app.engine.planning.plan import Plan, compile_plan
from app.engine.ports import DefinitionReader


class Plans:
    """Compiled plans by (workflow id, revision), the most recently used `limit` of them. Revisions never change."""

    def __init__(self, definitions: DefinitionReader, limit: int = 1_000) -> None:
        self._definitions = definitions
        self._limit = limit
        self._plans: OrderedDict[tuple[int, int], Plan] = OrderedDict()

    async def get(self, workflow_id: int, revision: int) -> Plan | None:
        """None when the revision is not stored."""
        key = (workflow_id, revision)
        if (plan := self._plans.get(key)) is not None:
            self._plans.move_to_end(key)
            return plan
        workflow = await self._definitions.revision(workflow_id, revision)
        return None if workflow is None else self._keep(key, compile_plan(workflow))

    def _keep(self, key: tuple[int, int], plan: Plan) -> Plan:
        self._plans[key] = plan
        if len(self._plans) > self._limit:
            self._plans.popitem(last=False)
        return plan
