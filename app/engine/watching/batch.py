"""Consecutive events of one execution, and what its watchers share of them."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from app.domain.events import Event
from app.engine.watching.updates import Update


class Batch:
    """Consecutive events of one execution.

    events: the events, at least one.
    after: the number before that of the first event.
    first: the number of the first event.
    last: the number of the last event.
    size: 0. To count bytes would take time at each commit; events are bounded by their number.
    is_shared: whether several watchers receive this batch.
    """

    __slots__ = ("_updates", "after", "events", "first", "is_shared", "last")

    size: ClassVar[int] = 0

    def __init__(self, events: Sequence[Event], *, is_shared: bool = False) -> None:
        self.events = events
        self.first = first = events[0].sequence
        self.after = first - 1
        self.last = events[-1].sequence
        self.is_shared = is_shared
        self._updates: Sequence[Update] | None = None

    @property
    def is_final(self) -> bool:
        """True when no event follows."""
        return self.events[-1].type.is_final

    def updates(self, show: Callable[["Batch"], Sequence[Update]]) -> Sequence[Update]:
        """The updates of the batch. `show` makes them for the first watcher; the others receive the same objects.

        They do not depend on who asks. What an API makes of them is kept in each update, by its format.
        """
        if self._updates is None:
            self._updates = show(self)
        return self._updates

    def rest(self, after: int, *, is_shared: bool = False) -> "Batch":
        """The events after number `after`, which must be in this batch, as another batch."""
        return Batch(self.events[after + 1 - self.first :], is_shared=is_shared)
