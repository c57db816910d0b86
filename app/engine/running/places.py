"""How many executions an engine runs at the same time, and how they are divided among tenants and workflows."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping

from app.domain.shares import Group, TenantShares, allowance
from app.engine.running.ports import ClaimShares, TenantShare, WorkflowShare

WAITING_PER_PLACE = 10
"""For each place, so many executions more may be in memory that only wait for something outside."""


def _without_effect() -> None:
    return None


class Places:
    """Of one engine.

    - working: places of executions that work, or that wait and found no place to wait at
    - waiting: places of executions that wait for a call, a child, a signal or a timer, and stay in memory
    - outside: how many of those that wait have an attempt that waits for something outside, by the tenant. Like those
      that work they run, as a tenant's limit counts; one that waits for a child, a signal or a timer does not.
    - reserved: places that are kept for a claim that is on its way
    - family_changed: called when a step that concerned other executions is stored, because these may be due
    - room_made: called when a place is free that others may wait for
    """

    __slots__ = ("_all_wait", "_most", "_waiting_tenants", "_waiting_workflows", "family_changed", "outside",
                 "reserved", "room_made", "waiting", "working")  # fmt: skip

    def __init__(
        self,
        most: int,
        family_changed: Callable[[], None] = _without_effect,
        room_made: Callable[[], None] = _without_effect,
    ) -> None:
        self.working = TenantShares(most)
        self.waiting = TenantShares(WAITING_PER_PLACE * most)
        self.outside: Counter[int] = Counter()
        self.reserved = 0
        self.family_changed = family_changed
        self.room_made = room_made
        self._most: Mapping[int, int] = {}
        self._all_wait = False
        self._waiting_workflows: Collection[int] = ()
        self._waiting_tenants: Collection[int] = ()

    @property
    def room(self) -> int:
        """For so many executions more, whichever they are."""
        return self.working.free - self.reserved

    @property
    def are_limited(self) -> bool:
        """Whether a tenant is limited in how many of its executions run at once."""
        return bool(self._most)

    def limit(self, most_running: Mapping[int, int], *, several: bool) -> None:
        """How many executions may run here at once, by the tenant, and whether there is more than one tenant."""
        self._most = most_running
        if several:
            self.working.several = self.waiting.several = True

    def running(self, tenant_id: int) -> int:
        """How many executions of the tenant run here, as its limit counts."""
        return self.working.taken_by(tenant_id) + self.outside[tenant_id]

    def may_open(self, group: Group) -> bool:
        """True when an execution of the workflow may begin at once, because none waits longer."""
        return (
            self.working.used + self.reserved < self.working.size
            and not self._all_wait
            and group[1] not in self._waiting_workflows
            and group[0] not in self._waiting_tenants
            and self._may_take(group)
        )

    def shares(self) -> ClaimShares:
        """What each tenant may claim now, and each workflow."""
        tenants = {tenant_id: self._share(tenant_id) for tenant_id in {*self.working.tenants(), *self._most}}
        room = self.working.room_of_others
        of_others = TenantShare(0, room, allowance(room))
        workflows = {
            group.workflow_id: WorkflowShare(taken, allowance(self.working.room_of(group.tenant_id), taken))
            for group, taken in self.working.groups().items()
        }
        return ClaimShares(of_others, tenants, workflows)

    def note_waiting(
        self, everyone: bool, workflow_ids: Collection[int] = (), tenant_ids: Collection[int] = ()
    ) -> None:
        """More may be due, of all workflows or of some. Nothing else of these begins before it is claimed."""
        self._all_wait = everyone
        self._waiting_workflows = workflow_ids
        self._waiting_tenants = tenant_ids

    def give_back(self, group: Group) -> None:
        """A place at which an execution of the workflow worked."""
        waited_for = self._is_waited_for or not self._may_take(group)
        self.working.give(group)
        if waited_for:
            self.room_made()

    def begin_outside(self, tenant_id: int) -> None:
        """An execution of the tenant only waits from now on, with an attempt that waits for something outside."""
        self.outside[tenant_id] += 1

    def end_outside(self, tenant_id: int) -> None:
        """It works again, or is not in memory any more."""
        self.outside[tenant_id] -= 1
        if not self.outside[tenant_id]:
            # Tenants come and go without end.
            del self.outside[tenant_id]

    def leave_outside(self, tenant_id: int) -> None:
        """An execution of the tenant that had such an attempt is not in memory any more."""
        self.end_outside(tenant_id)
        if tenant_id in self._waiting_tenants:
            self.room_made()

    @property
    def _is_waited_for(self) -> bool:
        return bool(self._all_wait or self._waiting_workflows or self._waiting_tenants)

    def _may_take(self, group: Group) -> bool:
        most = self._most.get(group.tenant_id) if self._most else None
        if most is not None and (self.reserved or self.running(group.tenant_id) >= most):
            # The claim that is on its way may bring as many as the limit allows.
            return False
        return self.working.may_take(group)

    def _share(self, tenant_id: int) -> TenantShare:
        room = self.working.room_of(tenant_id)
        most = self._most.get(tenant_id)
        allowed = room if most is None else max(0, min(room, most - self.running(tenant_id)))
        return TenantShare(self.working.taken_by(tenant_id), allowed, allowance(room))


class Place:
    """That of one execution: where it works, where it waits, or none."""

    __slots__ = ("_at", "_group", "_is_outside", "_places")

    def __init__(self, places: Places, group: Group) -> None:
        self._places = places
        self._group = group
        self._at: TenantShares | None = None
        self._is_outside = False

    def take(self) -> None:
        """The execution works from now on. Never refused: it may have begun, and must continue."""
        working = self._places.working
        if self._at is not working:
            if self._at is not None:
                self._at.give(self._group)
            self._at = working
            working.take(self._group)
            if self._is_outside:
                self._is_outside = False
                self._places.end_outside(self._group.tenant_id)

    def rest(self, *, has_attempts: bool = False) -> None:
        """The execution only waits from now on, and leaves its place to others if it finds one to wait at.

        has_attempts: whether an attempt of it waits for something outside.
        """
        places = self._places
        if self._at is places.working and places.waiting.may_take(self._group):
            self._at = places.waiting
            self._at.take(self._group)
            if has_attempts:
                self._is_outside = True
                places.begin_outside(self._group.tenant_id)
            places.give_back(self._group)

    def leave(self) -> None:
        """The execution is not in memory any more. Harmless when repeated."""
        at, self._at = self._at, None
        if at is self._places.working:
            self._places.give_back(self._group)
        elif at is not None:
            at.give(self._group)
            if self._is_outside:
                self._places.leave_outside(self._group.tenant_id)

    def family_changed(self) -> None:
        """A step was stored that concerned others of the execution's family."""
        self._places.family_changed()

    @property
    def is_crowded(self) -> bool:
        """True when more executions wait in memory than there are places to work at."""
        return self._places.waiting.used > self._places.working.size
