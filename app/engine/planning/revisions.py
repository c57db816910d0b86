"""Which revision is current, as far as this process has seen: a guess that saves a round trip, never a fact.

A start that is made on it lands only while the guess is right, because its opening says so; when it is not, the
database is asked.
"""

from collections import OrderedDict

Current = tuple[int, int]
"""A workflow's id and revision."""


class KnownRevisions:
    """By id or key, the `limit` asked for last."""

    def __init__(self, limit: int = 10_000) -> None:
        self._limit = limit
        self._known: OrderedDict[str, Current] = OrderedDict()

    def guess(self, ref: str) -> Current | None:
        if (known := self._known.get(ref)) is not None:
            self._known.move_to_end(ref)
        return known

    def learn(self, ref: str, current: Current) -> None:
        self._known[ref] = current
        if len(self._known) > self._limit:
            self._known.popitem(last=False)

    def forget(self, ref: str) -> None:
        self._known.pop(ref, None)
