"""Places of which there is a limited number, divided among groups."""

from collections.abc import Hashable
from typing import Generic, NamedTuple, TypeVar

Key = TypeVar("Key", bound=Hashable)

MOST_PER_FREE = 8
"""A group may take another place while it has fewer than this many for each place that is free."""


class Group(NamedTuple):
    """On whose behalf places are taken: a workflow, within its tenant."""

    tenant_id: int
    workflow_id: int


def allowance(free: int, taken: int = 0) -> int:
    """How many of the free places may be taken, one after the other, by one that has `taken`, if no other does."""
    # The k-th is allowed while taken + k - 1 < 8 (free - k + 1); solved for k, and rounded up.
    return max(0, -((taken - MOST_PER_FREE * free) // (MOST_PER_FREE + 1)))


class Shares(Generic[Key]):
    """One group alone can have eight of nine places, and two groups eight of seventeen each.

    Some places stay free without any knowledge of who may come, and no more than are needed: the more groups have
    places, the fewer stay free. The rule is the dynamic threshold of Choudhury and Hahne (Dynamic queue length
    thresholds for shared-memory packet switches, 1998).

    - size: how many places there are
    - used: how many are taken; may be more than `size`, because `take` does not refuse
    """

    __slots__ = ("_taken", "size", "used")

    def __init__(self, size: int) -> None:
        self.size = size
        self.used = 0
        self._taken: dict[Key, int] = {}

    @property
    def free(self) -> int:
        """Below 0 when more are taken than there are."""
        return self.size - self.used

    def taken(self, group: Key) -> int:
        """How many places the group has."""
        return self._taken.get(group, 0)

    def groups(self) -> dict[Key, int]:
        """How many places each group has; those without any are left out."""
        return dict(self._taken)

    def may_take(self, group: Key) -> bool:
        """True when the group may take one more."""
        return self._taken.get(group, 0) < MOST_PER_FREE * (self.size - self.used)

    def allowance(self, taken: int = 0) -> int:
        """How many places a group that has `taken` may take one after the other, if no other group does."""
        return allowance(self.free, taken)

    def take(self, group: Key) -> None:
        """Also when none is free: the caller has asked `may_take`, or must not wait."""
        self._taken[group] = self._taken.get(group, 0) + 1
        self.used += 1

    def give(self, group: Key) -> None:
        """Give back one of the group's places."""
        self.used -= 1
        left = self._taken[group] - 1
        if left:
            self._taken[group] = left
        else:
            # Groups come and go without end.
            del self._taken[group]


class TenantShares:
    """Places divided among tenants, and what a tenant may have among its workflows: both by the rule of `Shares`.

    A tenant with many workflows has no more than one with a single workflow. While there is one tenant only, nothing
    is kept free for others, and workflows share all places.

    - size: how many places there are
    - used: how many are taken; may be more than `size`, because `take` does not refuse
    - several: whether there is more than one tenant. It becomes true when a second one asks for a place or takes one.
    """

    # Each execution passes here several times, so that a place costs two dictionaries and no further calls.

    __slots__ = ("_groups", "_known", "_tenants", "several", "size", "used")

    def __init__(self, size: int) -> None:
        self.size = size
        self.used = 0
        self.several = False
        self._known: int | None = None
        self._tenants: dict[int, int] = {}
        self._groups: dict[Group, int] = {}

    @property
    def free(self) -> int:
        """Below 0 when more are taken than there are."""
        return self.size - self.used

    def taken_by(self, tenant_id: int) -> int:
        """How many places the tenant has."""
        return self._tenants.get(tenant_id, 0)

    def tenants(self) -> dict[int, int]:
        """How many places each tenant has; those without any are left out."""
        return dict(self._tenants)

    def groups(self) -> dict[Group, int]:
        """How many places each workflow has; those without any are left out."""
        return dict(self._groups)

    def may_take(self, group: Group) -> bool:
        """True when the workflow may take one more."""
        if group[0] != self._known:
            self._meet(group[0])
        room = self.room_of(group[0]) if self.several else self.size - self.used
        return self._groups.get(group, 0) < MOST_PER_FREE * room

    def room_of(self, tenant_id: int) -> int:
        """How many places the tenant may take one after the other, if no other tenant does."""
        free = self.size - self.used
        return allowance(free, self._tenants.get(tenant_id, 0)) if self.several else free

    @property
    def room_of_others(self) -> int:
        """How many a tenant that has none may take."""
        return allowance(self.free) if self.several else self.free

    def take(self, group: Group) -> None:
        """Also when none is free, as `Shares.take`."""
        tenant_id = group[0]
        if tenant_id != self._known:
            self._meet(tenant_id)
        self.used += 1
        self._tenants[tenant_id] = self._tenants.get(tenant_id, 0) + 1
        self._groups[group] = self._groups.get(group, 0) + 1

    def give(self, group: Group) -> None:
        """Give back one of the workflow's places."""
        self.used -= 1
        tenants, groups, tenant_id = self._tenants, self._groups, group[0]
        # Tenants and workflows come and go without end.
        if left := tenants[tenant_id] - 1:
            tenants[tenant_id] = left
        else:
            del tenants[tenant_id]
        if left := groups[group] - 1:
            groups[group] = left
        else:
            del groups[group]

    def _meet(self, tenant_id: int) -> None:
        self.several = self.several or self._known is not None
        self._known = tenant_id
