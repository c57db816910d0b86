"""Compiled machines, kept for the requests to come."""

from app.domain.errors import NotFound
from app.domain.recently_used import RecentlyUsed
from app.domain.refs import Ref
from app.machines.machine import Machine
from app.machines.plan import MachinePlan, compile_machine
from app.machines.ports import MachineStore

KEPT_PLANS = 1_000


class MachinePlans:
    """Revisions never change, so what is kept is never outdated."""

    def __init__(self, store: MachineStore) -> None:
        self._store = store
        self._plans: RecentlyUsed[tuple[int, int, int], MachinePlan] = RecentlyUsed(KEPT_PLANS)

    async def current(self, ref: Ref) -> MachinePlan:
        """The current revision. Raise `NotFound`."""
        machine = await self._store.get(ref)
        if machine is None:
            raise NotFound("machine", ref)
        return self._compiled(ref.tenant_id, machine)

    async def get(self, tenant_id: int, machine_id: int, revision: int) -> MachinePlan:
        """Raise `NotFound`."""
        kept = self._plans.get((tenant_id, machine_id, revision))
        if kept is not None:
            return kept
        machine = await self._store.revision(tenant_id, machine_id, revision)
        if machine is None:
            raise NotFound("revision", revision)
        return self._compiled(tenant_id, machine)

    def _compiled(self, tenant_id: int, machine: Machine) -> MachinePlan:
        key = (tenant_id, machine.id, machine.revision)
        plan = self._plans.get(key)
        if plan is None:
            plan = compile_machine(machine)
            self._plans.put(key, plan)
        return plan
