"""Which revision is current, as far as this process has seen: a guess that saves a round trip, never a fact.

A start that is made on it lands only while the guess is right, because its opening says so; when it is not, the
database is asked.
"""

from app.domain.recently_used import RecentlyUsed
from app.domain.refs import Ref

Current = tuple[int, int]
"""A workflow's id and revision."""


class KnownRevisions:
    """By ref, the `limit` asked for last."""

    def __init__(self, limit: int = 10_000) -> None:
        self._known: RecentlyUsed[Ref, Current] = RecentlyUsed(limit)

    def guess(self, ref: Ref) -> Current | None:
        return self._known.get(ref)

    def learn(self, ref: Ref, current: Current) -> None:
        self._known.put(ref, current)

    def forget(self, ref: Ref) -> None:
        self._known.pop(ref)
