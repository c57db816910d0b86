"""Remembers the current revision of each workflow, as this process has last read it. This saves a round trip.

The remembered revision may be outdated. That is safe: the statement that stores a new execution compares the revision
with the current one, and stores nothing when they differ. The start then reads the current revision and tries again.
"""

from app.domain.recently_used import RecentlyUsed
from app.domain.refs import Ref

Current = tuple[int, int]
"""A workflow's id and revision."""


class KnownRevisions:
    """The current revisions by id or key of the workflow, as last read. The `limit` used last are kept."""

    def __init__(self, limit: int = 10_000) -> None:
        self._known: RecentlyUsed[Ref, Current] = RecentlyUsed(limit)

    def guess(self, ref: Ref) -> Current | None:
        """The revision that was current when it was last read; None when it is not known."""
        return self._known.get(ref)

    def learn(self, ref: Ref, current: Current) -> None:
        self._known.put(ref, current)

    def forget(self, ref: Ref) -> None:
        self._known.pop(ref)
