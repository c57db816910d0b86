"""Counts requests against limits per minute, so that nearly every request is counted in this process alone.

The counters may be those of all processes, and asking them costs as much as a whole request. So a process takes several
requests from them at once, as its allowance, and spends these by itself. An allowance begins with one request and
doubles while it is spent in less than `HELD_SECONDS`: who calls rarely takes one at a time, and who calls often asks
about once a second. What is not spent in that time is lost, so that a caller of many processes is not refused for what
none of them has used.
"""

import asyncio
from collections.abc import Callable
from math import ceil
from typing import NamedTuple

from app.domain.errors import RateLimited
from app.domain.recently_used import RecentlyUsed
from app.identity.ports import RateCounters, Taken

HELD_SECONDS = 2.0
LARGEST_PART = 100
"""An allowance has at most this part of what a minute allows."""

MOST_SUBJECTS = 50_000
"""For how many subjects this process has an allowance at a time."""


class Limit(NamedTuple):
    """How often a subject may call.

    policy: the name of the rule, for the caller.
    subject: who or what is limited, unique among all.
    per_minute: how many requests a minute are allowed.
    what: the excess in words: `more requests of key:Xk3vT9aB`.
    """

    policy: str
    subject: str
    per_minute: int
    what: str


class _Allowance:
    """What is at hand for one subject.

    left: requests that are allowed without asking.
    until: when they are lost, or, after a refusal, until when all are refused.
    size: how many were taken the last time.
    taking: the request to the counters, while there is one.
    """

    __slots__ = ("left", "size", "taking", "until")

    def __init__(self) -> None:
        self.left = 0
        self.until = 0.0
        self.size = 0
        self.taking: asyncio.Task[None] | None = None


class Allowances:
    """What this process may still allow.

    counters: count the requests.
    monotonic: seconds on a clock that is never set.
    """

    def __init__(self, counters: RateCounters, monotonic: Callable[[], float]) -> None:
        self._counters = counters
        self._monotonic = monotonic
        self._allowances: RecentlyUsed[str, _Allowance] = RecentlyUsed(MOST_SUBJECTS)

    def spend(self, subject: str) -> bool:
        """Count a request if it is allowed without asking; whether it was. Never waits."""
        allowance = self._allowances.get(subject)
        if allowance is None or allowance.left <= 0 or allowance.until <= self._monotonic():
            return False
        allowance.left -= 1
        return True

    async def count(self, limit: Limit) -> None:
        """Count a request. Raise `RateLimited` if it is not allowed."""
        while not self.spend(limit.subject):
            allowance = self._of(limit.subject)
            now = self._monotonic()
            if allowance.left < 0 and now < allowance.until:
                raise RateLimited(limit.policy, limit.what, limit.per_minute, max(1, ceil(allowance.until - now)))
            if allowance.taking is None:
                allowance.taking = asyncio.create_task(self._take(allowance, limit), name="rate limit")
            await asyncio.shield(allowance.taking)

    def give_back(self, subject: str) -> None:
        """Undo the count of a request: the next one is allowed without asking."""
        allowance = self._allowances.get(subject)
        if allowance is not None:
            allowance.left = max(allowance.left, 0) + 1
            allowance.until = self._monotonic() + HELD_SECONDS

    def _of(self, subject: str) -> _Allowance:
        allowance = self._allowances.get(subject)
        if allowance is None:
            allowance = _Allowance()
            self._allowances.put(subject, allowance)
        return allowance

    async def _take(self, allowance: _Allowance, limit: Limit) -> None:
        try:
            wanted = self._next_size(allowance, limit.per_minute)
            taken = await self._counters.take(limit.subject, limit.per_minute, wanted)
            self._hold(allowance, taken)
        finally:
            allowance.taking = None

    def _next_size(self, allowance: _Allowance, per_minute: int) -> int:
        """Twice as many as the last time if those were spent in time, otherwise as many as were spent of those."""
        if allowance.left > 0:
            wanted = allowance.size - allowance.left
        else:
            wanted = 2 * allowance.size if self._monotonic() < allowance.until else allowance.size
        return max(1, min(wanted, per_minute // LARGEST_PART))

    def _hold(self, allowance: _Allowance, taken: Taken) -> None:
        now = self._monotonic()
        allowance.size = taken.granted
        if taken.granted:
            allowance.left, allowance.until = taken.granted, now + HELD_SECONDS
        else:
            allowance.left, allowance.until = -1, now + taken.seconds
