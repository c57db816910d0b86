"""Callers whose credentials were checked a moment ago, by the SHA-256 of the credential."""

from collections.abc import Callable

from app.domain.callers import Caller
from app.domain.recently_used import RecentlyUsed

MOST_CALLERS = 10_000
KNOWN_SECONDS = 4.0
"""How long a revocation may go unnoticed in a process that gets no notifications, less the time of a check."""


class KnownCallers:
    """Keeps callers for `KNOWN_SECONDS`, and never past the end of their credentials.

    monotonic: seconds on a clock that is never set.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._callers: RecentlyUsed[bytes, tuple[Caller, float]] = RecentlyUsed(MOST_CALLERS)
        self._forgotten = 0

    def get(self, digest: bytes) -> Caller | None:
        found = self._callers.get(digest)
        return None if found is None or found[1] <= self._monotonic() else found[0]

    def mark(self) -> tuple[float, int]:
        """To be taken before a credential is checked, and given to `put`."""
        return self._monotonic(), self._forgotten

    def put(self, digest: bytes, caller: Caller, mark: tuple[float, int], seconds_left: float | None) -> None:
        """Keep a caller, unless all were forgotten since `mark`: the check may be older than what has changed.

        seconds_left: until the credential ends, counted from `mark`; None without an end.
        """
        began, forgotten = mark
        if forgotten == self._forgotten:
            seconds = KNOWN_SECONDS if seconds_left is None else min(KNOWN_SECONDS, seconds_left)
            self._callers.put(digest, (caller, began + seconds))

    def forget(self) -> None:
        """Check every credential again: a key or a tenant has changed."""
        self._forgotten += 1
        self._callers.clear()
