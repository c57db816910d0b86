"""Limits of tenants that a test has chosen."""

from collections.abc import Mapping


class FixedLimits:
    """`RunningLimits` that do not change.

    most: how many executions an engine may run at once, by the tenant.
    several: whether there is more than one tenant.
    """

    def __init__(self, most: Mapping[int, int], *, several: bool = True) -> None:
        self.there_are_several = several
        self._most = most

    def most_running(self) -> Mapping[int, int]:
        return self._most
