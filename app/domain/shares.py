"""Places of which there is a limited number, divided among groups."""

from collections.abc import Hashable
from typing import Generic, TypeVar

Group = TypeVar("Group", bound=Hashable)

MOST_PER_FREE = 8
"""A group may take another place while it has fewer than this many for each place that is free."""


class Shares(Generic[Group]):
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
        self._taken: dict[Group, int] = {}

    @property
    def free(self) -> int:
        """Below 0 when more are taken than there are."""
        return self.size - self.used

    def taken(self, group: Group) -> int:
        """How many places the group has."""
        return self._taken.get(group, 0)

    def groups(self) -> dict[Group, int]:
        """How many places each group has; those without any are left out."""
        return dict(self._taken)

    def may_take(self, group: Group) -> bool:
        """True when the group may take one more."""
        return self._taken.get(group, 0) < MOST_PER_FREE * (self.size - self.used)

    def allowance(self, taken: int = 0) -> int:
        """How many places a group that has `taken` may take one after the other, if no other group does."""
        # The k-th is allowed while taken + k - 1 < 8 (free - k + 1); solved for k, and rounded up.
        return max(0, -((taken - MOST_PER_FREE * self.free) // (MOST_PER_FREE + 1)))

    def take(self, group: Group) -> None:
        """Also when none is free: the caller has asked `may_take`, or must not wait."""
        self._taken[group] = self._taken.get(group, 0) + 1
        self.used += 1

    def give(self, group: Group) -> None:
        """Give back one of the group's places."""
        self.used -= 1
        left = self._taken[group] - 1
        if left:
            self._taken[group] = left
        else:
            # Groups come and go without end.
            del self._taken[group]
